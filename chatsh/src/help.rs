//! The text of `/help`, from the catalogue.

use proto::{Catalogue, State};
use unicode_width::UnicodeWidthStr;

use crate::style::Style;
use crate::{moment, step};

/// Help on the command `about`, or on all that can be done in `state`.
///
/// # Errors
/// There is no such command; says which one may be meant.
pub(crate) fn text(
    catalogue: &Catalogue,
    state: State,
    about: Option<&str>,
    style: Style,
) -> Result<String, String> {
    let Some(name) = about else {
        let mut text = proto::overview(catalogue, state);
        text.push_str("/help COMMAND says more about one, and its options.");
        if catalogue.bare(state).is_some() {
            text.push_str("\nAny other line is said in the room; //x says /x.");
        }
        return Ok(folded(&text, style));
    };
    let Some(command) = catalogue.find(name) else {
        return Err(step::unknown(name, catalogue).to_string());
    };
    let mut text = proto::page(command).trim_end().to_owned();
    if moment::is_taken_by(command) {
        text.push_str("\n  ");
        text.push_str(moment::WORDS);
    }
    Ok(folded(&text, style))
}

/// What the keys do at the prompt.
pub(crate) fn keys(style: Style) -> String {
    let text = "Tab completes, Up and Ctrl-R find what was typed before, Alt-Enter begins another line \
                of the same message, Ctrl-C clears the line, Ctrl-D leaves.";
    folded(text, style)
}

/// `text`, whose lines go on under their last column when they are longer than the terminal.
fn folded(text: &str, style: Style) -> String {
    let Some(columns) = style.columns() else { return text.to_owned() };
    // Some terminals are on the next row as soon as the last column is written.
    let lines: Vec<_> = text.lines().map(|line| folded_line(line, columns - 1)).collect();
    lines.join("\n")
}

fn folded_line(line: &str, width_max: usize) -> String {
    let (first, text) = line.split_at(last_column(line, width_max / 2));
    let indent = first.width();
    let mut folded = first.to_owned();
    let mut width = indent;
    for (number, word) in text.split(' ').enumerate() {
        if number > 0 && width + 1 + word.width() > width_max {
            folded.push_str(&format!("\n{:indent$}", ""));
            width = indent;
        } else if number > 0 {
            folded.push(' ');
            width += 1;
        }
        folded.push_str(word);
        width += word.width();
    }
    folded
}

/// Where in `line` the text begins that may have several rows: behind the first two
/// blanks in it, or in front; never further to the right than `width_max`.
fn last_column(line: &str, width_max: usize) -> usize {
    let is_near = |at: &usize| line[..*at].width() <= width_max;
    let start = line.len() - line.trim_start_matches(' ').len();
    let gap = line[start..].find("  ").map(|gap| start + gap);
    let behind = gap.map(|gap| line.len() - line[gap..].trim_start_matches(' ').len());
    behind.filter(is_near).or(Some(start).filter(is_near)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_longer_than_the_terminal_goes_on_in_its_column() {
        let check = |line: &str, expected: &str| {
            assert_eq!(folded(line, Style::NONE.within(31)), expected);
        };
        check("/list  List what there is", "/list  List what there is");
        check(
            "/list  List the rooms, and who is in them",
            "/list  List the rooms, and who\n       is in them",
        );
        check(
            "  more  text that is longer than that",
            "  more  text that is longer\n        than that",
        );
        check(
            "  allowed in: auth, lobby, chat, ended",
            "  allowed in: auth, lobby,\n  chat, ended",
        );
        check(&"x".repeat(40), &"x".repeat(40));
        assert_eq!(folded("a  b c", Style::NONE), "a  b c");
    }

    proptest! {
        #[test]
        fn no_word_is_lost(line in "[ a-zé世]{0,60}", columns in 1..50usize) {
            let folded = folded(&line, Style::NONE.within(columns));
            let words = |text: &str| text.split_whitespace().map(String::from).collect::<Vec<_>>();
            prop_assert_eq!(words(&folded), words(&line));
        }
    }
}
