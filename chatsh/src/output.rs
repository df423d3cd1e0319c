//! What is printed on stdout: results, a line each, and nothing else.

use std::io::{self, Write};

use crate::exit::{Exit, Failure};

/// Writes a line to stdout.
///
/// # Errors
/// Nobody reads it any more, or it cannot be written.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    writeln!(io::stdout(), "{text}").map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::unread(),
        _ => Failure::new(Exit::Refused, format!("cannot write to stdout: {error}")),
    })
}
