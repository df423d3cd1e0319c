//! Who reads, and whether what is said is meant for them: their name is in it, or nobody
//! else was told.

use proto::NameKey;
use serde_json::{Map, Value};

/// Who reads; nobody in a script.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reader {
    user: Option<NameKey>,
}

impl Reader {
    /// The user who is logged in, if one is.
    pub(crate) fn of(user: Option<&str>) -> Reader {
        Reader { user: user.map(NameKey::of) }
    }

    /// Does anybody read at all?
    pub(crate) fn is_somebody(&self) -> bool {
        self.user.is_some()
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
