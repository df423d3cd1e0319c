//! What was said in the room last, for who hears of it again: that it was changed, or taken back.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use unicode_width::UnicodeWidthChar;

/// How many messages are kept: as many as a page of history has at most.
const MESSAGES_MAX: usize = 200;

/// How many columns of a text are kept, enough to know it again; what has none counts as one.
const COLUMNS_MAX: usize = 30;

/// The last messages, by their numbers.
#[derive(Debug, Default)]
pub(crate) struct Said(BTreeMap<i64, Message>);

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    /// Who said it.
    pub(crate) from: String,
    /// How it begins.
    pub(crate) text: String,
}

impl Said {
    /// Takes note of a message in `room`, of each of a page, or of a change of one.
    pub(crate) fn note(&mut self, room: &str, data: &Map<String, Value>) {
        let page = data.get("messages").and_then(Value::as_array).into_iter().flatten();
        page.filter_map(Value::as_object).for_each(|data| self.note(room, data));
        let field = |name| data.get(name).and_then(Value::as_str);
        let number = |name| data.get(name).and_then(Value::as_i64);
        let Some(text) = field("text").filter(|_| field("room") == Some(room)) else { return };
        let text = beginning(text);
        if let Some(changed) = number("target").and_then(|seq| self.0.get_mut(&seq)) {
            changed.text = text;
        } else if let (Some(seq), Some(from)) = (number("seq"), field("from")) {
            self.0.insert(seq, Message { from: beginning(from), text });
            if self.0.len() > MESSAGES_MAX {
                self.0.pop_first();
            }
        }
    }

    /// The message of this number, if it is one of the last.
    pub(crate) fn find(&self, seq: i64) -> Option<&Message> {
        self.0.get(&seq)
    }
}

/// How `text` begins: enough to know it again.
pub(crate) fn beginning(text: &str) -> String {
    let mut width = 0;
    let mut is_within = |letter: &char| {
        width += letter.width().unwrap_or(0).max(1);
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
        let text = |said: &Said, seq| said.find(seq).map(|message| message.text.clone());
        note(&mut said, message(3, "hello"));
        note(
            &mut said,
            json!({ "messages": [message(1, "one\ntwo"), message(2, &"x".repeat(31))] }),
        );
        let hello = Message { from: "ann".into(), text: "hello".into() };
        assert_eq!(said.find(3), Some(&hello));
        assert_eq!(text(&said, 1).unwrap(), "one…");
        assert_eq!(text(&said, 2).unwrap(), format!("{}…", "x".repeat(30)));
        assert_eq!(said.find(4), None);
        note(&mut said, message(4, &"\u{200b}".repeat(1000)));
        assert_eq!(text(&said, 4).unwrap().chars().count(), 31);
        // Changed, as all who are there are told.
        note(&mut said, json!({ "room": "ops", "by": "ann", "target": 3, "seq": 5, "text": "hi" }));
        assert_eq!(text(&said, 3).unwrap(), "hi");
        assert_eq!(said.find(5), None);
        // What was said elsewhere has numbers of its own.
        note(&mut said, json!({ "room": "den", "seq": 3, "from": "bob", "text": "psst" }));
        note(&mut said, json!({ "seq": 3, "from": "bob", "to": "ann", "text": "psst" }));
        assert_eq!(text(&said, 3).unwrap(), "hi");
        // What is old goes, also when it came last.
        (10..10 + 200).for_each(|seq| note(&mut said, message(seq, "more")));
        note(&mut said, json!({ "messages": [message(8, "old"), message(9, "old")] }));
        assert_eq!((said.find(3), said.find(9)), (None, None));
        assert_eq!(text(&said, 10).unwrap(), "more");
    }
}
