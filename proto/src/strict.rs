//! JSON as the protocol wants it: what serde alone would let through is refused here.
//!
//! serde takes the last of two equal keys, an array for a struct, and does not look
//! into fields that nobody asked for. Two readers of such a frame could see two
//! different messages, so it is no frame.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// How deep objects and arrays may nest, the outermost counted.
///
/// Readers of JSON recurse; 32 is far above what a message needs and far below
/// what any stack holds.
pub(crate) const NESTING_MAX: usize = 32;

/// Checks that `bytes` are one JSON object and nothing else, in UTF-8, nested at
/// most [`NESTING_MAX`] deep, without a key twice or an unpaired surrogate anywhere.
///
/// # Errors
/// What is wrong, in words for the log and the peer.
pub(crate) fn check(bytes: &[u8]) -> Result<(), serde_json::Error> {
    let error = <serde_json::Error as de::Error>::custom;
    if bytes.first() != Some(&b'{') {
        return Err(error("the body does not begin with an object"));
    }
    if bytes.last() != Some(&b'}') {
        return Err(error("the body does not end with its object"));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    Walk { depth: 0 }.deserialize(&mut json)?;
    json.end()
}

/// Visits a value and everything in it; `depth` containers are open around it.
#[derive(Clone, Copy)]
struct Walk {
    depth: usize,
}

impl Walk {
    fn inside<E: de::Error>(self) -> Result<Walk, E> {
        if self.depth == NESTING_MAX {
            return Err(E::custom(format_args!("nested deeper than {NESTING_MAX}")));
        }
        Ok(Walk { depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Walk {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let inside = self.inside()?;
        let mut keys: Vec<Cow<'de, str>> = Vec::new();
        while let Some(key) = map.next_key_seed(Key)? {
            keys.push(key);
            map.next_value_seed(inside)?;
        }
        // Sorted rather than compared in pairs: 64 KiB hold thousands of keys.
        keys.sort_unstable();
        match keys.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(de::Error::custom(format_args!("the key {:?} twice", pair[0]))),
            None => Ok(()),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let inside = self.inside()?;
        while seq.next_element_seed(inside)?.is_some() {}
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// A key, borrowed from the body where it has no escapes.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, key: D) -> Result<Cow<'de, str>, D::Error> {
        key.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(key.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_object_and_nothing_else_is_let_through() {
        for body in ["{}", r#"{"a":1}"#, r#"{ "a" : [true, null, -1, 1e3, "\ud83d\ude00"] }"#] {
            check(body.as_bytes()).unwrap_or_else(|e| panic!("{body}: {e}"));
        }
        for body in [
            "",
            "[]",
            r#"["msg",{"to":"public"}]"#,
            "null",
            "{}{}",
            "{} x",
            " {}",
            "{}\n",
            "\u{feff}{}",
            r#"{"a":1"#,
            r#"{"a":1,}"#,
            r#"{"a":NaN}"#,
        ] {
            assert!(check(body.as_bytes()).is_err(), "{body}");
        }
        assert!(check(b"{\"a\":\"\xff\"}").is_err());
    }

    #[test]
    fn a_key_may_stand_only_once_in_its_object() {
        assert!(check(br#"{"a":{"b":1},"b":1}"#).is_ok());
        assert!(check(br#"{"a":1,"a":1}"#).is_err());
        assert!(check(br#"{"a":1,"\u0061":2}"#).is_err());
        assert!(check(br#"{"x":[{"y":{"a":1,"b":2,"a":3}}]}"#).is_err());
    }

    #[test]
    fn nesting_ends_at_its_limit() {
        let nested =
            |depth: usize| format!("{}{}{}", r#"{"a":"#.repeat(depth), "1", "}".repeat(depth));
        let lists = |depth: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
        assert!(check(nested(NESTING_MAX).as_bytes()).is_ok());
        assert!(check(nested(NESTING_MAX + 1).as_bytes()).is_err());
        assert!(check(lists(NESTING_MAX - 1).as_bytes()).is_ok());
        assert!(check(lists(NESTING_MAX).as_bytes()).is_err());
        assert!(check(lists(100_000).as_bytes()).is_err());
    }

    #[test]
    fn an_unpaired_surrogate_is_refused_even_where_nobody_looks() {
        assert!(check(br#"{"ignored":"\ud83d"}"#).is_err());
        assert!(check(br#"{"\ude00":1}"#).is_err());
        assert!(check(br#"{"a":"\ud83dx"}"#).is_err());
    }

    #[test]
    fn thousands_of_keys_are_checked_in_no_time() {
        let keys: Vec<String> = (0..9_000).map(|i| format!(r#""{i}":0"#)).collect();
        assert!(check(format!("{{{}}}", keys.join(",")).as_bytes()).is_ok());
    }
}
