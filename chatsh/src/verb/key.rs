//! The keys that make it safe to send a message again.

use proto::{KEY_CHARS_MAX, Key};

use crate::exit::{Exit, Failure};

/// How many random bytes are in a key: nobody meets the same one again.
const BYTES: usize = 16;

/// A key that nobody used before.
///
/// # Errors
/// The system has no random numbers.
pub(super) fn fresh() -> Result<Key, Failure> {
    let failed = |why: String| Failure::new(Exit::Refused, format!("no key can be made: {why}"));
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|e| failed(e.to_string()))?;
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Key::new(&digits).map_err(|e| failed(e.to_string()))
}

/// The key of a line, from that of all lines.
///
/// # Errors
/// With the number it is too long.
pub(super) fn of_line(key: &Key, number: usize) -> Result<Key, Failure> {
    Key::new(&format!("{}.{number}", key.as_str())).map_err(|_| {
        let message =
            format!("with the number of the line the key has over {KEY_CHARS_MAX} characters");
        Failure::new(Exit::Refused, message)
    })
}
