//! `completions`: what a shell needs to complete the options and verbs of chatsh.

use clap::{Arg, ValueHint};
use clap_complete::{Shell, generate};

use crate::exit::{Exit, Failure};
use crate::options;
use crate::output;

/// Prints the script for `shell`.
pub(super) fn print(shell: Shell) -> Result<Exit, Failure> {
    let command = options::command().mut_args(with_hint);
    let mut command = command.mut_subcommands(|verb| verb.mut_args(with_hint));
    let mut script = Vec::new();
    generate(shell, &mut command, "chatsh", &mut script);
    output::print(String::from_utf8_lossy(&script).trim_end()).map(|()| Exit::Done)
}

/// Says what a value is: where that is not known, a shell offers the files that there are.
fn with_hint(arg: Arg) -> Arg {
    let hint = match arg.get_id().as_str() {
        _ if !arg.get_action().takes_values() => return arg,
        _ if arg.get_value_hint() != ValueHint::Unknown => return arg,
        "address_given" | "address_option" => ValueHint::Hostname,
        "password_command" | "exec" => ValueHint::CommandString,
        _ => ValueHint::Other,
    };
    arg.value_hint(hint)
}
