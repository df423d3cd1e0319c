//! The idempotency key of a send: what makes it safe to repeat.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The longest key, in characters: room for a UUID and a word.
pub const KEY_CHARS_MAX: usize = 64;

/// A key that a client makes up; per account and room, the same key is the same send.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key(Box<str>);

/// Why a text is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a key has 1 to {KEY_CHARS_MAX} characters, none of them a control character")]
pub struct KeyError;

impl Key {
    /// Takes a key as it is.
    ///
    /// # Errors
    /// [`KeyError`] says what a key is.
    pub fn new(key: &str) -> Result<Key, KeyError> {
        let chars = key.chars().count();
        match (1..=KEY_CHARS_MAX).contains(&chars) && !key.chars().any(char::is_control) {
            true => Ok(Key(key.into())),
            false => Err(KeyError),
        }
    }

    /// The key as it came.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        Key::new(&String::deserialize(input)?).map_err(de::Error::custom)
    }
}

impl JsonSchema for Key {
    fn schema_name() -> Cow<'static, str> {
        "Key".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1, "maxLength": KEY_CHARS_MAX })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_its_limit_in_characters() {
        assert!(Key::new("").is_err());
        assert!(Key::new("a\nb").is_err());
        assert!(Key::new(&"é".repeat(KEY_CHARS_MAX)).is_ok());
        assert!(Key::new(&"é".repeat(KEY_CHARS_MAX + 1)).is_err());
    }
}
