//! Secrets that cross the wire: never shown by Debug, wiped when dropped.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use zeroize::Zeroizing;

/// The longest password, in bytes.
///
/// Hashing is slow on purpose; an endless password would make it slower.
pub const PASSWORD_BYTES_MAX: usize = 256;

/// Bytes of a token: 256 random bits cannot be guessed.
pub const TOKEN_BYTES: usize = 32;

macro_rules! secret {
    ($(#[$doc:meta])* $name:ident, $format:literal, $min:expr, $max:expr) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(Zeroizing<String>);

        impl $name {
            /// Takes a secret, if its length can be.
            ///
            /// # Errors
            /// Says the lengths that can be; never the secret.
            pub fn new(secret: Zeroizing<String>) -> Result<Self, SecretError> {
                if !($min..=$max).contains(&secret.len()) {
                    return Err(SecretError { what: $format, min: $min, max: $max });
                }
                Ok($name(secret))
            }

            /// The secret itself.
            pub fn expose(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
                out.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
                let secret = Zeroizing::new(String::deserialize(input)?);
                $name::new(secret).map_err(de::Error::custom)
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
                json_schema!({ "type": "string", "format": $format, "minLength": $min, "maxLength": $max })
            }
        }
    };
}

/// A secret of a length that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a {what} has {}", match (min, max) { (a, b) if a == b => format!("{a} bytes"), (a, b) => format!("{a} to {b} bytes") })]
pub struct SecretError {
    what: &'static str,
    min: usize,
    max: usize,
}

secret!(
    /// A password: 1 to [`PASSWORD_BYTES_MAX`] bytes; how short a new one may be is a
    /// setting of the server.
    Password, "password", 1, PASSWORD_BYTES_MAX
);

secret!(
    /// A token in URL-safe base64 without padding, as `login` gives it.
    Token, "token", TOKEN_BYTES.div_ceil(3) * 4 - 1, TOKEN_BYTES.div_ceil(3) * 4 - 1
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_shown_even_when_it_is_refused() {
        let password: Password = serde_json::from_str(r#""hunter22""#).unwrap();
        assert_eq!(format!("{password:?}"), "Password(…)");
        assert_eq!(password.expose(), "hunter22");
        let error = serde_json::from_str::<Token>(r#""hunter22""#).unwrap_err();
        assert!(!error.to_string().contains("hunter22"), "{error}");
        let error = serde_json::from_str::<Password>("12345").unwrap_err();
        assert!(!error.to_string().contains("hunter"), "{error}");
    }

    #[test]
    fn a_password_has_its_limits_in_bytes() {
        let password = |bytes: usize| Password::new(Zeroizing::new("x".repeat(bytes)));
        assert!(password(0).is_err());
        assert!(password(1).is_ok());
        assert!(password(PASSWORD_BYTES_MAX).is_ok());
        assert!(password(PASSWORD_BYTES_MAX + 1).is_err());
    }

    #[test]
    fn a_token_has_the_length_of_its_bytes_in_base64() {
        assert!(Token::new(Zeroizing::new("x".repeat(43))).is_ok());
        assert!(Token::new(Zeroizing::new("x".repeat(42))).is_err());
        assert!(Token::new(Zeroizing::new("x".repeat(44))).is_err());
    }
}
