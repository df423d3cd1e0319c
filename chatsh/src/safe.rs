//! Text of others, made safe to show: nothing in it moves the cursor, changes the
//! terminal, reorders or fakes a line. What could do that is shown, not obeyed.
//!
//! Every output goes through here: names, rooms, texts, errors and help of a server.

use std::fmt::Write;

use unicode_width::UnicodeWidthChar;

use crate::style::Style;

/// How many marks one letter may carry.
///
/// No script that people write needs more; floods of them climb over the lines around.
const MARKS_MAX: usize = 4;

/// How many columns the bar and its blank take, as the colon and the blank after a name.
const BAR_COLUMNS: usize = 2;

/// A tab leads to the next column of so many.
pub(crate) const TAB_COLUMNS: usize = 8;

/// How many columns there must be for a text, however wide the name before it: the widest
/// piece is an escape, such as `\u{e0041}`.
const ROOM_MIN: usize = 16;

/// `text` on one line: a line feed is shown like every other control character.
pub(crate) fn one_line(text: &str, style: Style) -> String {
    let mut shown = String::with_capacity(text.len());
    write_safely(text, style, |piece, _| shown.push_str(piece));
    shown
}

/// `text` whose further lines stand `indent` columns from the margin, behind a bar; in
/// front of the first one stand as many columns already.
///
/// On a terminal a tab is blanks that lead to a column of the text, wherever that stands:
/// what is aligned with tabs stays so, behind a name of any length.
///
/// Only names stand at the margin, so no line of a text can pass for another message:
/// neither one of its own, nor what the terminal would make of a line that is too long.
/// A word is cut only where it is longer than a row.
pub(crate) fn block(text: &str, indent: usize, style: Style) -> String {
    let columns = style.columns().unwrap_or(usize::MAX).max(ROOM_MIN);
    // A name may be wider than the terminal.
    let mut column = (indent + BAR_COLUMNS) % columns;
    let mut margin = column;
    let indent = if indent + ROOM_MIN < columns { indent } else { 0 };
    let further = format!("\n{:indent$}{} ", "", style.dim(style.bar()));
    let mut shown = String::with_capacity(text.len());
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            shown.push_str(&further);
            column = indent + BAR_COLUMNS;
            margin = column;
        }
        // Behind the last blank of the row: where in `shown`, and in which column.
        let mut word: Option<(usize, usize)> = None;
        write_safely(line, style, |piece, width| {
            let (piece, width) = match piece {
                "\t" if style.columns().is_some() => tab(column - margin),
                _ => (piece, width),
            };
            let is_between_words = piece.starts_with([' ', '\t']);
            // A mark stays with what it stands on.
            word = word.filter(|(at, _)| width > 0 || *at < shown.len());
            // Some terminals are on the next row as soon as the last column is written.
            if column + width >= columns && width > 0 {
                let begun = word.take().map(|(at, begin)| (at, column - begin));
                let fits =
                    |begun: &(usize, usize)| indent + BAR_COLUMNS + begun.1 + width < columns;
                let begun = begun.filter(fits).filter(|_| !is_between_words);
                let (at, begun) = begun.unwrap_or((shown.len(), 0));
                shown.insert_str(at, &further);
                margin = indent + BAR_COLUMNS;
                column = margin + begun;
                if is_between_words {
                    return;
                }
            }
            shown.push_str(piece);
            column += width;
            if is_between_words {
                word = Some((shown.len(), column));
            }
        });
    }
    shown
}

/// The blanks that a tab is in `column` of a text, and how many they are.
fn tab(column: usize) -> (&'static str, usize) {
    let width = TAB_COLUMNS - column % TAB_COLUMNS;
    (&"        "[..width], width)
}

/// `json`, compact and valid, with what is not safe to show as `\u` escapes.
///
/// For a program it is the same: such characters stand in strings only.
pub(crate) fn json(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for c in json.chars() {
        if !is_unsafe(c) {
            shown.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            write!(shown, "\\u{unit:04x}").expect("a string takes everything");
        }
    }
    shown
}

/// Gives `put` all of `text` piece by piece, each with the columns that it may take.
fn write_safely(text: &str, style: Style, mut put: impl FnMut(&str, usize)) {
    let mut before = None;
    let mut marks = 0;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let mut letter = [0; 4];
        let letter = &*c.encode_utf8(&mut letter);
        let is_joiner = matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe0f}');
        if is_joiner && joins(before, c, chars.peek().copied()) {
            // It asks for the wide form of what is before it.
            put(letter, usize::from(c == '\u{fe0f}'));
        } else if is_unsafe(c) {
            let escape = format!("\\u{{{:x}}}", c as u32);
            put(&style.dim(&escape), escape.len());
        } else if c == '\t' {
            put(letter, TAB_COLUMNS);
        } else if c.width() == Some(0) {
            marks += 1;
            match marks {
                // A mark in front would settle on what we write before it.
                1 if before.is_none() => put(&format!("\u{25cc}{c}"), 1),
                1..=MARKS_MAX => put(letter, 0),
                _ if marks == MARKS_MAX + 1 => put(&style.dim("…"), 1),
                _ => {}
            }
            // The letter below stays the one before.
            continue;
        } else {
            put(letter, c.width().unwrap_or(0));
        }
        marks = 0;
        before = Some(c);
    }
}

/// Is `c` a control character, or does it reorder or hide what stands around it?
fn is_unsafe(c: char) -> bool {
    match c {
        c if drives(c) => true,
        // Invisible: joiners, fillers, selectors, annotations, tags.
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' => true,
        '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2065}' => true,
        '\u{206a}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' => true,
        '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' => true,
        '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}' => true,
        _ => false,
    }
}

/// Does a terminal do something for `c`, but show it? Tabs are shown.
pub(crate) fn drives(c: char) -> bool {
    match c {
        '\t' => false,
        c if c.is_control() => true,
        // Direction: marks, embeddings, overrides, isolates.
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' => true,
        '\u{2066}'..='\u{2069}' => true,
        // Separators that some terminals and programs take for the end of a line.
        '\u{2028}' | '\u{2029}' => true,
        _ => false,
    }
}

/// Is the invisible `joiner` one that the writing around it needs?
///
/// Emoji are put together with U+200D and U+FE0F, Arabic and Indic words need U+200C
/// and U+200D; anywhere else they only hide something.
fn joins(before: Option<char>, joiner: char, after: Option<char>) -> bool {
    let before_is = |kind: fn(char) -> bool| before.is_some_and(kind);
    let after_is = |kind: fn(char) -> bool| after.is_some_and(kind);
    match joiner {
        '\u{fe0f}' => before_is(is_pictograph) || (before_is(is_key) && after == Some('\u{20e3}')),
        '\u{200d}' if before_is(|c| is_pictograph(c) || c == '\u{fe0f}') => after_is(is_pictograph),
        _ => before_is(is_joining_letter) && after_is(is_joining_letter),
    }
}

fn is_pictograph(c: char) -> bool {
    matches!(
        c,
        '\u{a9}' | '\u{ae}' | '\u{203c}'..='\u{2bff}' | '\u{3030}' | '\u{303d}'
            | '\u{3297}' | '\u{3299}' | '\u{1f000}'..='\u{1faff}'
    )
}

fn is_key(c: char) -> bool {
    matches!(c, '0'..='9' | '#' | '*')
}

/// A letter or mark of the Arabic and Indic scripts.
fn is_joining_letter(c: char) -> bool {
    matches!(c, '\u{620}'..='\u{6ff}' | '\u{710}'..='\u{74f}' | '\u{900}'..='\u{dff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_width::UnicodeWidthStr;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(one_line(text, Style::NONE), expected, "{text:?}");
    }

    #[test]
    fn what_drives_a_terminal_is_shown() {
        check("\u{1b}[2J\u{1b}[H", r"\u{1b}[2J\u{1b}[H");
        check("\u{1b}]0;title\u{7}", r"\u{1b}]0;title\u{7}");
        check("\u{1b}]52;c;aGk=\u{1b}\\", r"\u{1b}]52;c;aGk=\u{1b}\");
        check("\u{1b}P+q\u{1b}\\", r"\u{1b}P+q\u{1b}\");
        check("\u{9b}31mred\u{9c}", r"\u{9b}31mred\u{9c}");
        check("\u{90}\u{9d}\u{85}", r"\u{90}\u{9d}\u{85}");
        check("abc\rxyz", r"abc\u{d}xyz");
        check("abc\u{8}\u{8}\u{8}xyz", r"abc\u{8}\u{8}\u{8}xyz");
        check("a\u{b}b\u{c}c", r"a\u{b}b\u{c}c");
        check("\0\u{7f}\u{e}\u{f}", r"\u{0}\u{7f}\u{e}\u{f}");
    }

    #[test]
    fn no_control_character_but_the_tab_passes() {
        for c in (0..0xa0).filter_map(char::from_u32).filter(|c| c.is_control()) {
            let passes = one_line(&format!("a{c}b"), Style::NONE).contains(c);
            assert_eq!(passes, c == '\t', "{c:?}");
        }
    }

    #[test]
    fn what_reorders_or_hides_text_is_shown() {
        check("user \u{202e}nimda", r"user \u{202e}nimda");
        check("\u{202a}\u{202b}\u{202c}\u{202d}", r"\u{202a}\u{202b}\u{202c}\u{202d}");
        check("\u{2066}a\u{2067}b\u{2068}c\u{2069}", r"\u{2066}a\u{2067}b\u{2068}c\u{2069}");
        check("\u{200e}\u{200f}\u{61c}", r"\u{200e}\u{200f}\u{61c}");
        check("a\u{2028}b\u{2029}", r"a\u{2028}b\u{2029}");
        check("pay\u{200b}pal", r"pay\u{200b}pal");
        check("pay\u{200d}pal\u{200c}x", r"pay\u{200d}pal\u{200c}x");
        check("a\u{ad}b\u{2060}c\u{feff}d", r"a\u{ad}b\u{2060}c\u{feff}d");
        check("\u{3164}\u{115f}\u{ffa0}", r"\u{3164}\u{115f}\u{ffa0}");
        check("a\u{fe0f}b", r"a\u{fe0f}b");
        check("a\u{e0041}\u{e0100}", r"a\u{e0041}\u{e0100}");
        check("a\u{fff9}b\u{fffa}c\u{fffb}", r"a\u{fff9}b\u{fffa}c\u{fffb}");
    }

    #[test]
    fn what_people_write_stays_as_it_is() {
        for text in [
            "Grüße, \u{5e9}\u{5dc}\u{5d5}\u{5dd}, مرحبا, 你好, สวัสดี, हिन्दी",
            "e\u{301} Việt Nam",
            "می\u{200c}خواهم",
            "क्\u{200d}ष",
            "👩\u{200d}👩\u{200d}👧 ❤\u{fe0f} 🏳\u{fe0f}\u{200d}🌈 1\u{fe0f}\u{20e3} 👍🏽",
            "a\tb \\u{1b} C:\\new",
        ] {
            check(text, text);
        }
    }

    #[test]
    fn a_flood_of_marks_is_cut() {
        let marks = |n: usize| "\u{301}".repeat(n);
        check(&format!("a{}b", marks(MARKS_MAX)), &format!("a{}b", marks(MARKS_MAX)));
        check(&format!("a{}b", marks(MARKS_MAX + 1)), &format!("a{}…b", marks(MARKS_MAX)));
        check(&format!("a{}b", marks(5000)), &format!("a{}…b", marks(MARKS_MAX)));
        check("\u{301}a", "\u{25cc}\u{301}a");
    }

    #[test]
    fn further_lines_stand_behind_a_bar() {
        assert_eq!(block("one\n\nann: two", 3, Style::NONE), "one\n   │ \n   │ ann: two");
        assert_eq!(block("one\n", 0, Style::NONE), "one\n│ ");
        assert_eq!(block("a\r\nb", 1, Style::NONE), "a\\u{d}\n │ b");
    }

    #[test]
    fn a_line_that_is_too_long_goes_on_behind_the_bar() {
        let block = |text: &str| block(text, 3, Style::NONE.within(32));
        let fits = "x".repeat(32 - 5 - 1);
        assert_eq!(block(&fits), fits);
        assert_eq!(block(&format!("{fits}ann: hi")), format!("{fits}\n   │ ann: hi"));
        assert_eq!(block(&format!("{fits}\nb")), format!("{fits}\n   │ b"));
        // Words are cut only if they are longer than a row.
        assert_eq!(
            block("a word, and another one, and more"),
            "a word, and another one, \n   │ and more"
        );
        assert_eq!(block(&format!("a {fits}b")), format!("a \n   │ {fits}\n   │ b"));
        assert_eq!(block(&format!("{fits} b")), format!("{fits}\n   │ b"));
        let wide = "世".repeat(13);
        assert_eq!(block(&format!("{wide}世")), format!("{wide}\n   │ 世"));
        assert_eq!(block("\t\t\t\tann: hi"), format!("{:24}\n   │ ann: hi", ""));
        // What some terminals show in two columns counts as two.
        let hearts = "❤\u{fe0f}".repeat(13);
        assert_eq!(block(&format!("{hearts}❤")), format!("{hearts}\n   │ ❤"));
    }

    #[test]
    fn what_is_aligned_with_tabs_stays_so_behind_any_name() {
        let text = "id\tstate\nfrontend\tup\n世\tdown";
        for indent in 0..20 {
            let shown = block(text, indent, Style::NONE.within(60));
            let rows: Vec<_> =
                shown.split("\n").map(|row| row.trim_start_matches([' ', '│'])).collect();
            assert_eq!(rows, ["id      state", "frontend        up", "世      down"]);
        }
        // A pipe is for programs.
        assert_eq!(block("id\tstate", 3, Style::NONE), "id\tstate");
    }

    #[test]
    fn a_name_as_wide_as_the_terminal_leaves_room_for_the_text() {
        let text = "x".repeat(40);
        let shown = block(&text, 60, Style::NONE.within(40));
        let rows: Vec<_> = shown.split('\n').collect();
        // The name takes a row and a half.
        assert_eq!(rows, [&"x".repeat(17)[..], &format!("│ {}", "x".repeat(23))]);
    }

    #[test]
    fn json_stays_the_same_json() {
        let text = "a\u{202e}b\u{e0041}\u{9b}\u{7f}\u{1b}é\"";
        let written = serde_json::to_string(text).unwrap();
        let shown = json(&written);
        assert_eq!(shown, r#""a\u202eb\udb40\udc41\u009b\u007f\u001bé\"""#);
        assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), text);
    }

    proptest! {
        #[test]
        fn one_line_is_one_line_without_anything_that_drives_a_terminal(
            text in prop::collection::vec(prop_oneof![
                any::<char>(),
                prop::char::range('\0', '\u{ff}'),
                prop::char::range('\u{200b}', '\u{206f}'),
                Just('\n'),
                Just('\u{301}'),
            ], 0..60),
        ) {
            let text: String = text.into_iter().collect();
            let shown = one_line(&text, Style::NONE);
            prop_assert!(!shown.contains(|c: char| c.is_control() && c != '\t'), "{:?}", shown);
            let hidden = ['\u{202e}', '\u{2066}', '\u{2028}', '\u{200b}'];
            prop_assert!(!shown.contains(hidden), "{:?}", shown);
        }

        #[test]
        fn no_row_of_a_block_is_wider_than_the_terminal(
            text in prop::collection::vec(prop_oneof![
                any::<char>(), Just('\n'), Just('\t'), Just('世'), Just(' '),
            ], 0..200),
            indent in 0..100usize,
            columns in ROOM_MIN..100usize,
        ) {
            let text: String = text.into_iter().collect();
            let shown = block(&text, indent, Style::NONE.within(columns));
            prop_assert!(!shown.contains('\t'), "{:?}", shown);
            for row in shown.split('\n').skip(1) {
                prop_assert!(row.width() < columns, "{:?}", row);
            }
        }

        #[test]
        fn no_line_of_a_block_but_the_first_begins_at_the_margin(text in any::<String>()) {
            for line in block(&text, 2, Style::NONE).split('\n').skip(1) {
                prop_assert!(line.starts_with("  │ "), "{:?}", line);
            }
        }
    }
}
