//! What was said in the room last, for who hears of it again: that it was changed, or taken back.

use std::collections::VecDeque;

use serde_json::{Map, Value};
use unicode_width::UnicodeWidthChar;

/// How many messages are kept: as many as a page of history has at most.
const MESSAGES_MAX: usize = 200;

/// How many columns of a text are kept, enough to know it again.
const COLUMNS_MAX: usize = 30;

/// The last messages, each with its number, who said it, and how it begins.
#[derive(Debug, Default)]
pub(crate) struct Said(VecDeque<(i64, String, String)>);

impl Said {
    /// Takes note of a message in `room`, of each of a page, or of a change of one.
    pub(crate) fn note(&mut self, room: &str, data: &Map<String, Value>) {
        let page = data.get("messages").and_then(Value::as_array).into_iter().flatten();
        page.filter_map(Value::as_object).for_each(|data| self.note(room, data));
        let field = |name| data.get(name).and_then(Value::as_str);
        let number = |name| data.get(name).and_then(Value::as_i64);
        let Some(text) = field("text").filter(|_| field("room") == Some(room)) else { return };
        let known = number("target").or(number("seq")).and_then(|seq| self.place(seq));
        if let Some(known) = known {
            self.0[known].2 = beginning(text);
        } else if let (Some(seq), Some(from)) = (number("seq"), field("from")) {
            self.0.push_back((seq, from.to_owned(), beginning(text)));
            if self.0.len() > MESSAGES_MAX {
                self.0.pop_front();
            }
        }
    }

    /// Who said the message of this number, and how it begins.
    pub(crate) fn find(&self, seq: i64) -> Option<String> {
        let (_, from, text) = &self.0[self.place(seq)?];
        Some(format!("{from}: {text}"))
    }

    fn place(&self, seq: i64) -> Option<usize> {
        self.0.iter().rposition(|(known, ..)| *known == seq)
    }
}

fn beginning(text: &str) -> String {
    let mut width = 0;
    let mut is_within = |letter: &char| {
        width += letter.width().unwrap_or(0);
        *letter != '\n' && width <= COLUMNS_MAX
    };
    let beginning: String = text.chars().take_while(&mut is_within).collect();
    if beginning.len() == text.len() { beginning } else { beginning + "…" }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn note(said: &mut Said, data: Value) {
        said.note("ops", data.as_object().unwrap());
    }

    #[test]
    fn what_was_said_is_known_by_its_number() {
        let mut said = Said::default();
        let message = |seq: i64, text: &str| json!({ "room": "ops", "seq": seq, "from": "ann", "text": text });
        note(&mut said, message(3, "hello"));
        note(
            &mut said,
            json!({ "messages": [message(1, "one\ntwo"), message(2, &"x".repeat(31))] }),
        );
        assert_eq!(said.find(3).unwrap(), "ann: hello");
        assert_eq!(said.find(1).unwrap(), "ann: one…");
        assert_eq!(said.find(2).unwrap(), format!("ann: {}…", "x".repeat(30)));
        assert_eq!(said.find(4), None);
        // Changed, as all who are there are told.
        note(&mut said, json!({ "room": "ops", "by": "ann", "target": 3, "seq": 5, "text": "hi" }));
        assert_eq!(said.find(3).unwrap(), "ann: hi");
        assert_eq!(said.find(5), None);
        // What was said elsewhere has numbers of its own.
        note(&mut said, json!({ "room": "den", "seq": 3, "from": "bob", "text": "psst" }));
        note(&mut said, json!({ "seq": 3, "from": "bob", "to": "ann", "text": "psst" }));
        assert_eq!(said.find(3).unwrap(), "ann: hi");
        (10..10 + 200).for_each(|seq| note(&mut said, message(seq, "more")));
        assert_eq!(said.find(3), None);
        assert_eq!(said.find(10).unwrap(), "ann: more");
    }
}
