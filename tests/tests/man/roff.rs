//! The little of roff that the manual pages need.

/// Words for people. What stands between backticks is a word of the program: bold.
///
/// It ends its line.
pub fn text(words: &str) -> String {
    let mut line = String::new();
    for (index, part) in words.split('`').enumerate() {
        match index % 2 {
            0 => line.push_str(&escape(part)),
            _ => line.push_str(&bold(part)),
        }
    }
    // A line that begins so would be a request.
    let guard = if line.starts_with(['.', '\'']) { "\\&" } else { "" };
    format!("{guard}{line}\n")
}

/// A word of the program, to be typed as it stands.
pub fn bold(word: &str) -> String {
    format!("\\fB{}\\fR", literal(word))
}

/// A word that stands for another.
pub fn italic(word: &str) -> String {
    format!("\\fI{}\\fR", literal(word))
}

/// An item of a list: what it is, and what is to be said of it.
pub fn item(tag: &str, words: &str) -> String {
    let words = if words.is_empty() { "\\&\n".into() } else { text(words) };
    format!(".TP\n{tag}\n{words}")
}

/// Lines that are shown as they stand.
pub fn example<'a>(lines: impl IntoIterator<Item = &'a str>) -> String {
    let line = |line| format!("\\&{}\n", literal(line));
    format!(".EX\n{}.EE\n", lines.into_iter().map(line).collect::<String>())
}

/// Words in which every sign stays what it is, also when it is copied.
pub fn literal(words: &str) -> String {
    escape(words)
        .replace('\'', "\\(aq")
        .replace('`', "\\(ga")
        .replace('^', "\\(ha")
        .replace('~', "\\(ti")
}

fn escape(words: &str) -> String {
    words.replace('\\', "\\e").replace('-', "\\-").replace('…', "\\&...")
}

#[test]
fn no_words_become_requests() {
    assert_eq!(text(".TH is `-x` \\ and it's"), "\\&.TH is \\fB\\-x\\fR \\e and it's\n");
    assert_eq!(example(["'a' ~ ^"]), ".EX\n\\&\\(aqa\\(aq \\(ti \\(ha\n.EE\n");
}
