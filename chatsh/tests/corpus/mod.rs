//! Hostile texts: what has driven terminals, hidden words and faked lines elsewhere.

/// The user whose line nobody must fake.
pub const VICTIM: &str = "bob";

/// All of them, each once.
pub fn corpus() -> Vec<String> {
    let mut texts = Vec::new();
    texts.extend(sequences());
    texts.extend(control_characters());
    texts.extend(invisible());
    texts.extend(floods());
    texts.extend(fakes());
    texts.sort_unstable();
    texts.dedup();
    assert!(texts.len() >= 200, "only {} texts", texts.len());
    texts
}

/// What drives a terminal, with seven and with eight bits, ended or not.
fn sequences() -> Vec<String> {
    // Clear, home, look, up, left, another screen, no cursor, reports, mouse, paste, print,
    // region, reset, title, columns.
    let csi = [
        "2J",
        "3J",
        "H",
        "1;1H",
        "31m",
        "0m",
        "7m",
        "8m",
        "38;2;0;0;0m",
        "1A",
        "99B",
        "1000D",
        "K",
        "1K",
        "J",
        "?1049h",
        "?25l",
        "6n",
        "c",
        ">c",
        "5n",
        "?1000h",
        "?2004l",
        "200~",
        "201~",
        "5i",
        "4i",
        "1;1r",
        "!p",
        "20t",
        "21t",
        "8;1;1t",
        "?3h",
        "4h",
        "1L",
        "1M",
        "1P",
        "1@",
        "b",
        "s",
        "u",
        "?7l",
        "12l",
        "999999999999C",
    ];
    // Title, icon, colour, folder, links, notes, clipboard, fonts, shell marks.
    let osc = [
        "0;title",
        "1;icon",
        "2;title",
        "4;1;rgb:00/00/00",
        "7;file:///etc",
        "8;;http://evil/",
        "8;;",
        "9;note",
        "10;?",
        "11;?",
        "52;c;aGk=",
        "52;c;?",
        "50;font",
        "104",
        "133;A",
        "633;A",
        "777;notify;a;b",
        "1337;File=inline=1:aGk=",
    ];
    let others = ["P+q544e", "P$qm", "P1;2{", "_Gi=1;", "^private", "Xstring"];
    let escapes =
        ["7", "8", "c", "D", "E", "M", "Z", "=", ">", "(0", ")0", "#8", "n", "o", "|", "%@"];
    let mut texts = vec!["\u{1b}".into(), "\u{1b}[".into(), "\u{1b}]".into(), "\u{9b}".into()];
    for sequence in csi {
        texts.extend([format!("\u{1b}[{sequence}"), format!("\u{9b}{sequence}")]);
    }
    for sequence in osc {
        texts.extend(["\u{7}", "\u{1b}\\", ""].map(|end| format!("\u{1b}]{sequence}{end}x")));
        texts.push(format!("\u{9d}{sequence}\u{9c}"));
    }
    for sequence in others {
        texts.extend([format!("\u{1b}{sequence}\u{1b}\\"), format!("\u{1b}{sequence}")]);
    }
    texts.extend(escapes.map(|sequence| format!("\u{1b}{sequence}")));
    // The end of one sequence hides in another.
    texts.push("\u{1b}\u{1b}[\u{1b}]0;\u{18}\u{1b}[31m\u{1a}x".into());
    texts
}

/// Each of them alone, between letters, and in front of another's name.
fn control_characters() -> impl Iterator<Item = String> {
    let controls = (0..=0x9f).filter_map(char::from_u32).filter(|c| c.is_control() && *c != '\n');
    controls.flat_map(|c| [format!("a{c}b"), format!("{c}{VICTIM}: fake"), c.to_string()])
}

/// What reorders or hides the letters around it.
fn invisible() -> impl Iterator<Item = String> {
    let chars = [
        '\u{61c}',
        '\u{200e}',
        '\u{200f}',
        '\u{202a}',
        '\u{202b}',
        '\u{202c}',
        '\u{202d}',
        '\u{202e}',
        '\u{2066}',
        '\u{2067}',
        '\u{2068}',
        '\u{2069}',
        '\u{2028}',
        '\u{2029}',
        '\u{200b}',
        '\u{200c}',
        '\u{200d}',
        '\u{2060}',
        '\u{2061}',
        '\u{2062}',
        '\u{2063}',
        '\u{2064}',
        '\u{206a}',
        '\u{206f}',
        '\u{feff}',
        '\u{ad}',
        '\u{34f}',
        '\u{115f}',
        '\u{1160}',
        '\u{17b4}',
        '\u{17b5}',
        '\u{180b}',
        '\u{180e}',
        '\u{3164}',
        '\u{ffa0}',
        '\u{fe00}',
        '\u{fe0f}',
        '\u{fff9}',
        '\u{fffa}',
        '\u{fffb}',
        '\u{1bca0}',
        '\u{1d173}',
        '\u{e0001}',
        '\u{e0041}',
        '\u{e007f}',
        '\u{e0100}',
        '\u{e01ef}',
    ];
    chars.into_iter().flat_map(|c| {
        [format!("a{c}b"), format!("{c}{VICTIM}: ekaf"), format!("{}x", c.to_string().repeat(40))]
    })
}

fn floods() -> Vec<String> {
    let many = |text: &str, count: usize| text.repeat(count);
    vec![
        many("\u{301}", 500),
        format!("a{}", many("\u{301}", 500)),
        format!("a{}", many("\u{20dd}", 100)),
        format!("ก{}", many("\u{e49}", 200)),
        format!("a{}{VICTIM}: fake", many("\u{489}\u{200d}", 100)),
        many("a\u{300}\u{301}\u{302}\u{303}\u{304}\u{305}", 50),
        many("👩\u{200d}", 100),
        many("❤\u{fe0f}", 200),
        many("🇩🇪", 100),
        many("x", 5000),
        many("世", 5000),
        many(" ", 5000),
        many("\t", 500),
        many("\n", 500),
        many("\u{a0}", 500),
        many("\u{3000}", 500),
        many("﷽", 200),
    ]
}

/// What would be a line of another, if rows or lines came out as they are here.
fn fakes() -> Vec<String> {
    let fake = format!("{VICTIM}: fake");
    let mut texts: Vec<String> =
        ["\n", "\n\n", "\r\n", "\r", "\u{b}", "\u{c}", "\u{85}", "\n\r", "\n ", "\n\t"]
            .map(|end| format!("hi{end}{fake}"))
            .into();
    texts.push(fake.clone());
    texts.push(format!("hi\n* {VICTIM} is here"));
    texts.push(format!("hi\n{VICTIM} -> ann: fake"));
    texts.push(format!("hi\n│ x\n{fake}"));
    texts.push(format!("{}{fake}", "\u{8}".repeat(40)));
    // Rows of every width that a terminal may have.
    for filler in ["x", " ", "世", "\t", "e\u{301}", "❤\u{fe0f}", "\u{a0}"] {
        for columns in [33, 34, 35, 39, 40, 41, 75, 76, 77, 79, 80, 81, 160] {
            texts.push(format!("{}{fake}", filler.repeat(columns)));
        }
    }
    texts
}
