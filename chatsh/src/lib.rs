//! chatsh: a chat client that is a shell on a terminal and a program for scripts.
//!
//! It knows no command of the server by name, but for what it does by itself: greeting,
//! asking for the commands there are, logging in and entering as the options say,
//! answering pings, and leaving. Everything else comes from the server's catalogue.

use std::process::ExitCode;

use clap::Parser;

mod address;
mod book;
mod bookmark;
mod check;
mod comeback;
mod completion;
mod dial;
mod editor;
mod entrance;
mod exit;
mod help;
mod helper;
mod job;
mod json;
mod key;
mod link;
mod local;
mod login;
mod masking;
pub mod options;
mod paths;
mod plan;
mod printer;
mod random;
mod repl;
mod reply;
mod safe;
mod script;
mod secret;
mod session;
mod show;
mod source;
mod step;
mod style;
mod talk;
mod terminal;
#[cfg(test)]
mod testing;
mod waiting;
mod words;

/// Runs chatsh with the options of this process.
pub fn main() -> ExitCode {
    let exit = job::run(&options::Options::parse()).unwrap_or_else(|failure| {
        if !failure.message.is_empty() {
            talk::say(&failure.message);
        }
        failure.exit
    });
    exit.into()
}
