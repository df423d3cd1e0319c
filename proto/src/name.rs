//! Names of users and rooms, and when two of them are the same name.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use unicode_normalization::UnicodeNormalization;
use unicode_security::MixedScript;

/// The longest user name, in characters.
pub const USER_NAME_CHARS_MAX: usize = 32;

/// The longest room name, in characters.
pub const ROOM_NAME_CHARS_MAX: usize = 64;

/// Names that mean something else: all in a room, the place without a room, and the
/// senders of what nobody sent.
pub(crate) const RESERVED: [&str; 4] = ["public", "lobby", "server", "system"];

/// Why a text is no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// No character at all.
    #[error("a name has at least one character that can be seen")]
    Empty,
    /// Too many characters.
    #[error("a name has at most {max} characters, this one has {chars}")]
    TooLong {
        /// How many it has.
        chars: usize,
        /// How many it may have.
        max: usize,
    },
    /// A character that no name has.
    #[error("a name has no {0:?} in it: letters, digits, _ - . are fine")]
    Character(char),
    /// Letters of several scripts, as in a name that is to look like another.
    #[error("a name is written in one script, this one mixes several")]
    MixedScripts,
    /// A name that means something else, such as `lobby`, or one that looks like it.
    #[error("the name is reserved")]
    Reserved,
}

/// What two names have in common when they are the same name.
///
/// NFKC case folding, then the skeleton of UTS 39 (what looks alike is alike), then
/// folding again, since a skeleton can have capitals.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameKey(Box<str>);

impl NameKey {
    /// The key of any text; only a valid name has an account or a room under it.
    pub fn of(name: &str) -> NameKey {
        // Nearly all names are lower-case ASCII without a letter that looks like others.
        if name
            .bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'2'..=b'9' | b'_' | b'-' | b'.') && b != b'm')
        {
            return NameKey(name.into());
        }
        let skeleton: String = unicode_security::skeleton(&fold(name)).collect();
        NameKey(fold(&skeleton).into())
    }

    /// The key as text, as the database keeps it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// NFKC case folding: caseless and without compatibility forms.
fn fold(text: &str) -> String {
    let folded: String = caseless::default_case_fold_str(&text.nfkc().collect::<String>());
    // Folding can bring forms back that NFKC takes apart, and the other way round.
    caseless::default_case_fold_str(&folded.nfkc().collect::<String>()).nfkc().collect()
}

fn check(name: &str, max: usize) -> Result<(), NameError> {
    let chars = name.chars().count();
    if chars == 0 {
        return Err(NameError::Empty);
    }
    if chars > max {
        return Err(NameError::TooLong { chars, max });
    }
    if let Some(other) =
        name.chars().find(|c| !c.is_alphanumeric() && !matches!(c, '_' | '-' | '.'))
    {
        return Err(NameError::Character(other));
    }
    if !name.is_single_script() {
        return Err(NameError::MixedScripts);
    }
    let key = NameKey::of(name);
    if key.as_str().is_empty() {
        // Letters that nobody sees, such as U+3164.
        return Err(NameError::Empty);
    }
    match RESERVED.iter().any(|reserved| NameKey::of(reserved) == key) {
        true => Err(NameError::Reserved),
        false => Ok(()),
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $format:literal, $max:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes a name as it is spelled.
            ///
            /// # Errors
            /// Says which rule it breaks.
            pub fn new(name: &str) -> Result<Self, NameError> {
                check(name, $max)?;
                Ok($name(name.into()))
            }

            /// A name that was checked when it was first taken, as from our own database.
            pub fn trusted(name: &str) -> Self {
                $name(name.into())
            }

            /// What it has in common with every name that is the same.
            pub fn key(&self) -> NameKey {
                NameKey::of(&self.0)
            }

            /// The name as it is spelled.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
                out.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
                $name::new(&String::deserialize(input)?).map_err(de::Error::custom)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "format": $format, "minLength": 1, "maxLength": $max })
            }
        }
    };
}

name!(
    /// The name of an account.
    UserName, "user-name", USER_NAME_CHARS_MAX
);

name!(
    /// The name of a room.
    RoomName, "room-name", ROOM_NAME_CHARS_MAX
);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn same(a: &str, b: &str) -> bool {
        UserName::new(a).unwrap().key() == UserName::new(b).unwrap().key()
    }

    #[test]
    fn a_name_has_letters_and_digits_of_one_script() {
        for name in
            ["harper", "tech_talk", "a-b.c", "7", "Ünïcode", "Алиса", "鈴木さん", "김철수", "user"]
        {
            assert!(UserName::new(name).is_ok(), "{name}: {:?}", UserName::new(name));
        }
        for (name, error) in [
            ("", NameError::Empty),
            ("a b", NameError::Character(' ')),
            ("a\nb", NameError::Character('\n')),
            ("a\u{1b}[1m", NameError::Character('\u{1b}')),
            ("a\u{202e}b", NameError::Character('\u{202e}')),
            ("a\u{200b}b", NameError::Character('\u{200b}')),
            ("ann!", NameError::Character('!')),
            ("\u{3164}", NameError::Empty),
            ("аlice", NameError::MixedScripts),
            ("Public", NameError::Reserved),
            ("1obby", NameError::Reserved),
            ("SYSTEM", NameError::Reserved),
        ] {
            assert_eq!(UserName::new(name), Err(error), "{name:?}");
        }
    }

    #[test]
    fn a_name_has_its_limit_in_characters() {
        assert!(UserName::new(&"é".repeat(USER_NAME_CHARS_MAX)).is_ok());
        assert!(UserName::new(&"é".repeat(USER_NAME_CHARS_MAX + 1)).is_err());
        assert!(RoomName::new(&"é".repeat(ROOM_NAME_CHARS_MAX)).is_ok());
        assert!(RoomName::new(&"é".repeat(ROOM_NAME_CHARS_MAX + 1)).is_err());
    }

    #[test]
    fn names_that_look_alike_are_the_same_name() {
        assert!(same("harper", "Harper"));
        assert!(same("harper", "ＨＡＲＰＥＲ"));
        assert!(same("straße", "STRASSE"));
        assert!(same("paypal", "раураӏ"));
        assert!(same("bill1", "bi1ll"));
        assert!(same("modern", "rnodern"));
        assert!(same("é", "e\u{301}".nfc().collect::<String>().as_str()));
        assert!(!same("ann", "anne"));
        assert!(!same("user2", "user3"));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_check_panic(text in any::<String>()) {
            let _ = RoomName::new(&text);
        }

        #[test]
        fn capitals_make_no_other_name(name in "[a-z0-9à-öα-ωа-я_.-]{1,12}") {
            prop_assert_eq!(NameKey::of(&name.to_uppercase()), NameKey::of(&name));
        }

        #[test]
        fn the_short_way_gives_what_the_long_one_gives(text in "[a-z0-9_.-]{1,12}") {
            let skeleton: String = unicode_security::skeleton(&fold(&text)).collect();
            let key = NameKey::of(&text);
            prop_assert_eq!(key.as_str(), fold(&skeleton));
        }
    }
}
