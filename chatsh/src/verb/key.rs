//! The keys that make it safe to send a message again.

use proto::{KEY_CHARS_MAX, Key};

use crate::exit::{Exit, Failure};

/// A key that nobody used before.
pub(super) fn fresh() -> Key {
    Key::new(&crate::key::fresh()).expect("a key of our own is short and plain")
}

/// The key of a part of a line, from that of all lines.
///
/// # Errors
/// With the number it is too long.
pub(super) fn of_line(key: &Key, number: usize, part: usize) -> Result<Key, Failure> {
    let part = if part > 1 { format!(".{part}") } else { String::new() };
    Key::new(&format!("{}.{number}{part}", key.as_str())).map_err(|_| {
        let message =
            format!("with the number of the line the key has over {KEY_CHARS_MAX} characters");
        Failure::new(Exit::Refused, message)
    })
}
