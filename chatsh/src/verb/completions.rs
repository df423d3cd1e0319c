//! `completions`: what a shell needs to complete the options and verbs of chatsh.

use clap_complete::{Shell, generate};

use crate::exit::{Exit, Failure};
use crate::options;
use crate::output;

/// Prints the script for `shell`.
pub(super) fn print(shell: Shell) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    generate(shell, &mut options::command(), "chatsh", &mut script);
    output::print(String::from_utf8_lossy(&script).trim_end()).map(|()| Exit::Done)
}
