//! Who reads, and whether what is said is meant for them: their name is in it, or nobody
//! else was told.

use jiff::{Timestamp, Zoned};
use proto::NameKey;
use serde_json::{Map, Value};
use unicode_width::UnicodeWidthStr;

use crate::said::Message;
use crate::show::Lead;
use crate::style::Style;

/// Who reads; nobody in a script.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reader {
    user: Option<NameKey>,
    /// Where somebody sits and reads now: what time it is there.
    now: Option<Zoned>,
    has_clock: bool,
    /// What the message was like that is changed, or taken back.
    was: Option<Message>,
}

impl Reader {
    /// The user who is logged in, if one is.
    pub(crate) fn of(user: Option<&str>) -> Reader {
        Reader { user: user.map(NameKey::of), ..Reader::default() }
    }

    /// The same at a prompt, with or without the time beside what is said.
    pub(crate) fn at_prompt(self, now: Zoned, has_clock: bool) -> Reader {
        Reader { now: Some(now), has_clock, ..self }
    }

    /// The same, who has read the message that is told of.
    pub(crate) fn who_has_read(self, was: Option<Message>) -> Reader {
        Reader { was, ..self }
    }

    /// What the message was like that is changed, or taken back, if the reader has read it.
    pub(crate) fn was(&self) -> Option<&Message> {
        self.was.as_ref()
    }

    /// Does somebody read it now? In a script numbers and times would be others on every run.
    pub(crate) fn is_at_prompt(&self) -> bool {
        self.now.is_some()
    }

    /// When `data` was told, if that is to stand before it.
    pub(crate) fn lead(&self, data: &Map<String, Value>, style: Style) -> Lead {
        let Some(now) = self.now.as_ref().filter(|_| self.has_clock) else {
            return Lead::default();
        };
        let told = data.get("ts").and_then(Value::as_str).and_then(|ts| ts.parse().ok());
        let told = told.unwrap_or(now.timestamp()).to_zoned(now.time_zone().clone());
        let is_today = told.date() == now.date();
        let time = told.strftime(if is_today { "%H:%M" } else { "%Y-%m-%d %H:%M" }).to_string();
        Lead { width: time.width() + 1, shown: format!("{} ", style.dim(&time)) }
    }

    /// A sentence of the server's, with its points in time by the clock on the reader's wall.
    pub(crate) fn times(&self, sentence: &str) -> String {
        let word = |word: &str| {
            let time = word.trim_end_matches([':', ',', '.', ';']);
            self.time(time) + &word[time.len()..]
        };
        sentence.split(' ').map(word).collect::<Vec<_>>().join(" ")
    }

    /// The point in time `text` by the clock on the reader's wall; else as it is.
    pub(crate) fn time(&self, text: &str) -> String {
        let told = text.parse::<Timestamp>().ok().zip(self.now.as_ref());
        told.map_or(text.to_owned(), |(told, now)| {
            let told = told.to_zoned(now.time_zone().clone());
            told.strftime("%Y-%m-%d %H:%M:%S").to_string()
        })
    }

    /// Is `data` about the coming or going of the reader alone?
    pub(crate) fn is_about(&self, data: &Map<String, Value>) -> bool {
        let user = data.get("username").and_then(Value::as_str);
        user.is_some_and(|user| self.user == Some(NameKey::of(user)))
    }

    /// Is `data` what somebody else says to the reader?
    pub(crate) fn is_meant(&self, data: &Map<String, Value>) -> bool {
        let field = |name| data.get(name).and_then(Value::as_str);
        let (Some(user), Some(from), Some(text)) = (&self.user, field("from"), field("text"))
        else {
            return false;
        };
        let is_user = |word: &str| !word.is_empty() && NameKey::of(word) == *user;
        !is_user(from) && (field("to").is_some_and(is_user) || words(text).any(is_user))
    }
}

/// What may be names in a text: a full stop or a dash at the end is not a part of one.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_of_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    text.split(move |c| !is_of_name(c)).map(|word| word.trim_matches(['-', '.']))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_are_those_of_the_reader() {
        let now = "2026-01-02T01:00:00+01:00[+01:00]".parse().unwrap();
        let ann = Reader::of(Some("ann")).at_prompt(now, false);
        let sentence = "you may not speak until 2026-01-01T23:30:00Z: spam,  bob";
        let local = "you may not speak until 2026-01-02 00:30:00: spam,  bob";
        assert_eq!(ann.times(sentence), local);
        assert_eq!(Reader::of(Some("ann")).times(sentence), sentence);
    }

    #[test]
    fn a_name_is_a_word_of_its_own() {
        let ann = Reader::of(Some("ann"));
        let is_meant = |from: &str, to: &str, text: &str| {
            let data = json!({ "from": from, "to": to, "text": text });
            ann.is_meant(data.as_object().unwrap())
        };
        for text in ["ann", "hi Ann!", "@ann: look", "ask ann.", "(ann)", "bob\nann-"] {
            assert!(is_meant("bob", "public", text), "{text}");
        }
        for text in ["", "annabel", "joann", "an", "ann_b", "ann.b"] {
            assert!(!is_meant("bob", "public", text), "{text}");
        }
        assert!(is_meant("bob", "ann", "psst"));
        assert!(!is_meant("bob", "eve", "psst"));
        assert!(!is_meant("ann", "public", "I, ann"));
        let nobody = json!({ "from": "bob", "to": "public", "text": "ann" });
        assert!(!Reader::default().is_meant(nobody.as_object().unwrap()));
    }
}
