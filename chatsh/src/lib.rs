//! chatsh: a chat client that is a shell on a terminal and a program for scripts.
//!
//! It knows no command of the server by name, but for what it does by itself: greeting,
//! asking for the commands there are, logging in and entering as the options say,
//! answering pings, leaving, and what a verb is for. Everything else comes from the
//! server's catalogue.

use std::process::ExitCode;

mod address;
mod book;
mod bookmark;
pub mod check;
mod comeback;
mod completion;
mod config;
#[cfg(test)]
#[path = "../tests/corpus/mod.rs"]
mod corpus;
mod dial;
mod editor;
mod elsewhere;
mod entrance;
mod events;
mod exit;
mod floor;
mod help;
mod helper;
mod history_file;
#[cfg(test)]
mod hostile;
pub mod hosts;
mod job;
mod json;
mod key;
mod keys;
mod link;
mod listener;
mod local;
mod login;
mod masking;
mod mention;
mod moment;
pub mod options;
mod output;
mod page;
mod paths;
mod plan;
mod printer;
mod random;
mod repl;
mod reply;
mod rows;
mod safe;
mod said;
mod script;
mod secret;
mod session;
mod settings;
mod show;
mod source;
mod step;
mod stopped;
mod style;
mod talk;
mod terminal;
#[cfg(test)]
mod testing;
mod verb;
mod waiting;
mod words;

/// Runs chatsh with the options of this process.
pub fn main() -> ExitCode {
    let (outcome, meant) = match options::Options::read(std::env::args_os()) {
        Ok(options) => {
            let meant = options.meant_verb();
            (options.settle().and_then(|options| job::run(&options)), meant)
        }
        Err(said) => (output::print_of_clap(&said), None),
    };
    let exit = outcome.unwrap_or_else(|failure| {
        // Taken for an address, it is one that leads nowhere, or one that wants more said.
        let is_of_address = matches!(failure.exit, exit::Exit::NoConnection | exit::Exit::Usage);
        let meant = meant.filter(|_| is_of_address);
        if !failure.message.is_empty() {
            talk::say(&(failure.message + &meant.unwrap_or_default()));
        }
        failure.exit
    });
    exit.into()
}
