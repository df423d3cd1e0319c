//! What people say, and to whom.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{NameError, UserName};

/// A text that can be shown: not empty, and of all control characters only LF and TAB.
///
/// How long it may be is a setting of the server, so it is not part of the type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text(String);

/// Why a text cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// No byte at all.
    #[error("a text has at least one character")]
    Empty,
    /// A control character other than LF and TAB.
    #[error("the control character U+{:04X} cannot be sent, only line feeds and tabs", *.0 as u32)]
    Control(char),
}

impl Text {
    /// Takes a text as it is.
    ///
    /// # Errors
    /// Says which rule it breaks.
    pub fn new(text: String) -> Result<Text, TextError> {
        if text.is_empty() {
            return Err(TextError::Empty);
        }
        match text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
            Some(control) => Err(TextError::Control(control)),
            None => Ok(Text(text)),
        }
    }

    /// The text as it came.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text itself.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        Text::new(String::deserialize(input)?).map_err(de::Error::custom)
    }
}

impl JsonSchema for Text {
    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "text", "minLength": 1 })
    }
}

/// Whom a message is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Addressee {
    /// All in the room, the sender included.
    Public,
    /// One user who is in the room.
    User(UserName),
}

impl fmt::Display for Addressee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Addressee::Public => f.write_str("public"),
            Addressee::User(name) => f.write_str(name.as_str()),
        }
    }
}

impl Serialize for Addressee {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Addressee {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        match String::deserialize(input)?.as_str() {
            "public" => Ok(Addressee::Public),
            name => match UserName::new(name) {
                Ok(name) => Ok(Addressee::User(name)),
                Err(NameError::Reserved) => Err(de::Error::custom(
                    "the name is reserved; \"public\" is for all in the room",
                )),
                Err(error) => Err(de::Error::custom(error)),
            },
        }
    }
}

impl JsonSchema for Addressee {
    fn schema_name() -> Cow<'static, str> {
        "Addressee".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "`public`, or the name of a user who is in the room.",
            "type": "string",
            "format": "addressee",
            "minLength": 1,
            "maxLength": crate::name::USER_NAME_CHARS_MAX
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_all_control_characters_only_line_feed_and_tab_are_text() {
        for c in (0..0xa0u32).filter_map(char::from_u32).filter(|c| c.is_control()) {
            let allowed = matches!(c, '\n' | '\t');
            assert_eq!(Text::new(format!("a{c}b")).is_ok(), allowed, "{c:?}");
        }
        assert_eq!(Text::new(String::new()), Err(TextError::Empty));
        assert!(Text::new("\u{202e}عربى e\u{301} 👩‍👩‍👧".into()).is_ok());
        assert!(serde_json::from_str::<Text>(r#""\u0000""#).is_err());
        assert!(serde_json::from_str::<Text>(r#""\u001b[2J""#).is_err());
    }

    #[test]
    fn an_addressee_is_all_or_one() {
        let read = serde_json::from_str::<Addressee>;
        assert_eq!(read(r#""public""#).unwrap(), Addressee::Public);
        assert_eq!(read(r#""Ann""#).unwrap().to_string(), "Ann");
        assert!(read(r#""PUBLIC""#).unwrap_err().to_string().contains("for all in the room"));
        assert!(read(r#""""#).is_err());
    }
}
