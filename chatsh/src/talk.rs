//! What chatsh itself has to say: on stderr, a line each, so that stdout is results only.

use std::io::{self, Write};

use crate::safe;
use crate::style::Style;

/// Says `text`. That nobody may be listening there is no reason to stop.
pub(crate) fn say(text: &str) {
    let text = safe::one_line(text, Style::NONE);
    let _ = writeln!(io::stderr(), "chatsh: {text}");
}

/// Says `text` as it is, without our name: for what other programs read.
pub(crate) fn report(text: &str) {
    let text = safe::one_line(text, Style::NONE);
    let _ = writeln!(io::stderr(), "{text}");
}
