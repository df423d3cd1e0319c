//! chatd: a chat server that an operator starts and forgets.
//!
//! The way of a message: `session` reads a frame and hands it to `commands::dispatch`;
//! what lasts goes through `ledger` into `database`, comes out of its tail, and the
//! hall hands it out to each member's `connection`, from which a `flusher` writes.

mod accounts;
mod changes;
pub mod config;
mod connection;
mod control;
mod database;
mod entries;
mod exit;
mod filler;
mod flusher;
mod folder;
mod gate;
mod hasher;
mod history;
#[doc(hidden)]
pub mod hot;
mod integrity;
mod keyed_lock;
mod ledger;
mod listener;
mod log;
#[cfg(test)]
mod model;
mod options;
mod outbox;
mod pace;
mod queue;
mod random;
mod retention;
mod schema;
mod seals;
mod search;
mod server;
mod session;
mod settings;
mod tables;
mod throttle;
mod tls;
mod turns;
mod uptime;
mod user;
mod watch;
mod witness;
mod writer;

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use color_eyre::eyre::eyre;

use crate::exit::{Exit, Failure};
use crate::options::{Action, ConfigAction, KeyAction, Options};
use crate::settings::{Settings, SettingsError};

/// The program. A server with further commands is a program that names their crate
/// and calls this.
pub fn main() -> ExitCode {
    if let Err(error) = color_eyre::install() {
        eprintln!("chatd: {error}");
    }
    let done = match Options::try_parse() {
        Ok(options) => run(options).and_then(|text| print(&text)),
        Err(said) if said.use_stderr() => said.exit(),
        Err(help) => written(help.print()),
    };
    match done {
        Ok(()) => Exit::Ok.into(),
        Err(Failure { exit, report }) => {
            eprintln!("chatd: {report:#}");
            exit.into()
        }
    }
}

/// The command line, for its manual.
pub fn command() -> clap::Command {
    Options::command()
}

/// Puts what a sub-command has to say on stdout.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout();
    written(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// How it ends that so much was written on stdout. One who listens no further has heard enough.
fn written(outcome: std::io::Result<()>) -> Result<(), Failure> {
    match outcome {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let report = eyre!("stdout cannot be written: {error}");
            Err(Failure::new(Exit::CannotMake, report))
        }
        _ => Ok(()),
    }
}

/// Does what the command line says; gives what is for stdout.
fn run(options: Options) -> Result<String, Failure> {
    let usage = |error: SettingsError| Failure::new(Exit::Usage, error.into());
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let file = options.settings.config.as_deref();
    let settings = Settings::gather(file, environment, &options.settings.pairs()).map_err(usage)?;
    let config = settings.config().map_err(usage)?;
    match options.action.unwrap_or(Action::Serve) {
        Action::Serve => {
            log::start(config.log);
            server::serve(config).map(|()| String::new())
        }
        Action::Config(ConfigAction::Check) => {
            server::given_identity(&config).transpose()?;
            Ok("the configuration can be used\n".into())
        }
        Action::Config(ConfigAction::Print) => Ok(settings.print()),
        Action::User(action) => user::run(&config, action),
        Action::Key(KeyAction::Fingerprint) => {
            let data = config.data().map_err(|e| Failure::new(Exit::Usage, eyre!(e)))?;
            let identity = match server::given_identity(&config) {
                Some(identity) => identity?,
                None => {
                    folder::check_used(&data)?;
                    server::identity(&config, &data)?
                }
            };
            Ok(format!("{}\n", identity.fingerprint()))
        }
        Action::Key(KeyAction::New) => {
            if server::given_identity(&config).is_some() {
                let why =
                    "tls.cert and tls.key are the server's identity: chatd makes none for them";
                return Err(Failure::new(Exit::Usage, eyre!(why)));
            }
            let data = config.data().map_err(|e| Failure::new(Exit::Usage, eyre!(e)))?;
            let folder = folder::Folder::lock(&data)?;
            let identity = certs::Identity::make_new(folder.path())
                .map_err(|e| Failure::new(Exit::CannotMake, e.into()))?;
            Ok(format!("{}\n", identity.fingerprint()))
        }
        Action::Schema => Ok(format!("{:#}\n", schema::protocol())),
    }
}
