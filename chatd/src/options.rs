//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// A chat server: TLS, accounts and durable rooms, with no set-up.
#[derive(Debug, Parser)]
#[command(name = "chatd", version, about, max_term_width = 100)]
pub struct Options {
    #[command(flatten)]
    pub(crate) settings: SettingsOptions,
    #[command(subcommand)]
    pub(crate) action: Option<Action>,
}

#[derive(Debug, Args)]
pub(crate) struct SettingsOptions {
    /// Read the configuration from this file (see chatd.toml(5)).
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
    /// Listen on this address; may be repeated. Port 0 takes a free one.
    #[arg(long, value_name = "ADDR", global = true, value_parser = address)]
    pub(crate) listen: Vec<SocketAddr>,
    /// Keep database, key and certificate in this folder.
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) data: Option<PathBuf>,
    /// Set a key of the configuration; the value is TOML, and what is no TOML is a string.
    #[arg(long, value_name = "KEY=VALUE", global = true, value_parser = pair)]
    pub(crate) set: Vec<(String, String)>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Serve until a signal stops it; this is what chatd does without a sub-command.
    Serve,
    /// What is in force.
    #[command(subcommand)]
    Config(ConfigAction),
    /// Accounts.
    #[command(subcommand)]
    User(UserAction),
    /// The server's identity.
    #[command(subcommand)]
    Key(KeyAction),
    /// Print the whole protocol as JSON Schema.
    Schema,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigAction {
    /// Say whether the configuration can be used.
    Check,
    /// Print every key with its value and where it comes from.
    Print,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UserAction {
    /// Create an account; its password is asked for, or is the first line of stdin.
    Add {
        /// The name of the account.
        name: String,
    },
    /// Name every account.
    List,
    /// Give an account another password, and end its tokens and its sessions.
    Passwd {
        /// The name of the account.
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyAction {
    /// Print the fingerprint that clients pin.
    Fingerprint,
    /// Make a new key and certificate; the old ones are kept beside them. Clients that
    /// pinned the old key will refuse the server.
    New,
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "say a number and a port, as in 127.0.0.1:65432 or [::]:65432".into())
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) => Ok((key.trim().to_owned(), value.trim().to_owned())),
        None => Err("it has no \"=\": write KEY=VALUE".into()),
    }
}

impl SettingsOptions {
    /// The options as keys and values.
    pub(crate) fn pairs(&self) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        if !self.listen.is_empty() {
            let list: Vec<String> = self.listen.iter().map(|a| format!("\"{a}\"")).collect();
            pairs.push(("listen".into(), format!("[{}]", list.join(", "))));
        }
        if let Some(data) = &self.data {
            pairs
                .push(("data".into(), toml::Value::String(data.display().to_string()).to_string()));
        }
        pairs.extend(self.set.iter().cloned());
        pairs
    }
}
