//! Hosts that have a name: the tables `[hosts.NAME]` of chatsh.toml.
//!
//! A name stands where an address can stand, and brings with it who to be there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use certs::Fingerprint;
use proto::{RoomName, UserName};
use toml::{Table, Value};

use crate::address::Address;
use crate::config::{Config, check_key};
use crate::paths;

/// One key of a host.
pub struct Key {
    /// As it is written.
    pub name: &'static str,
    /// What it does.
    pub help: &'static str,
}

const fn key(name: &'static str, help: &'static str) -> Key {
    Key { name, help }
}

/// Every key of a host, in the order of the manual.
pub const KEYS: &[Key] = &[
    key("address", "Where it is, as on the command line. The only one that there has to be."),
    key("user", "Who to be, as `-u`."),
    key("room", "Which room to enter, as `-r`; `who` lists all of them all the same."),
    key("pin", "The fingerprint of its key, as `--pin`."),
    key("ca", "A PEM file with the authority of its certificate, as `--ca`."),
    key("password_file", "As `--password-file`."),
    key("password_command", "As `--password-command`; it counts more than a file."),
    key("token_file", "As `--token-file`."),
];

/// A host that has a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Host {
    /// Where it is, who to be there, which room to enter and which key it must have.
    pub(crate) address: Address,
    pub(crate) ca: Option<PathBuf>,
    pub(crate) password_file: Option<PathBuf>,
    pub(crate) password_command: Option<String>,
    pub(crate) token_file: Option<PathBuf>,
}

/// What to add to an error of `host`, which looks like the name of one here: that it is none, or
/// that it is one, and was not meant as that: with a port of its own, or as another one's address.
pub(crate) fn no_name(host: &str) -> Option<String> {
    let file = paths::config().filter(|_| !host.contains(['.', ':']))?;
    let is_known = Config::read().is_ok_and(|config| config.hosts.find(host).is_some());
    let file = file.display();
    Some(match is_known {
        true => format!("; [hosts.{host}] in {file} is meant by its name alone, without a port"),
        false => format!("; and there is no [hosts.{host}] in {file}"),
    })
}

/// All hosts that have a name.
#[derive(Debug, Default)]
pub(crate) struct Hosts(BTreeMap<String, Host>);

impl Hosts {
    /// The host of that name.
    pub(crate) fn find(&self, name: &str) -> Option<&Host> {
        self.0.get(name)
    }

    /// The names that there are.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The hosts in the table `hosts`, whose files are beside it in `folder`.
    ///
    /// # Errors
    /// Says what is wrong, and with which.
    pub(crate) fn in_table(all: &Table, folder: &Path) -> Result<Hosts, String> {
        let mut hosts = BTreeMap::new();
        for (name, value) in all {
            let Value::Table(table) = value else {
                return Err(format!("hosts.{name}: it is a table: [hosts.NAME]"));
            };
            let host = host(table, folder).map_err(|why| format!("hosts.{name}{why}"))?;
            check_name(name)?;
            hosts.insert(name.clone(), host);
        }
        Ok(Hosts(hosts))
    }
}

/// The host in `table`; what is wrong with it goes behind its name.
fn host(table: &Table, folder: &Path) -> Result<Host, String> {
    let mut texts = BTreeMap::new();
    for (name, value) in table {
        let names: Vec<_> = KEYS.iter().map(|key| key.name).collect();
        check_key(name, &names).map_err(|why| format!(": {why}"))?;
        let text = value.as_str().ok_or_else(|| format!(".{name}: it is a string"))?;
        texts.insert(name.as_str(), text);
    }
    let get = |name: &str| texts.get(name).copied();
    let path = |name: &str| get(name).map(|text| path(text, folder));
    let wrong = |name: &'static str| move |why: String| format!(".{name}: {why}");
    let text = get("address").ok_or(": address is missing: address = \"HOST:PORT\"")?;
    let mut address: Address = text.parse().map_err(|e| format!(".address: {e}"))?;
    if let Some(name) = get("user") {
        address.user = Some(UserName::new(name).map_err(|e| wrong("user")(e.to_string()))?);
    }
    if let Some(name) = get("room") {
        address.room = Some(RoomName::new(name).map_err(|e| wrong("room")(e.to_string()))?);
    }
    if let Some(pin) = get("pin") {
        let pin: Result<Fingerprint, _> = pin.parse();
        address.pin = Some(pin.map_err(|e| wrong("pin")(e.to_string()))?);
    }
    let ca = path("ca");
    if ca.is_some() && address.pin.is_some() {
        return Err(": a server is known by its pin or by its ca, not by both".into());
    }
    Ok(Host {
        address,
        ca,
        password_file: path("password_file"),
        password_command: get("password_command").map(Into::into),
        token_file: path("token_file"),
    })
}

/// A name is what an address could be as well, or it could not be given as one.
fn check_name(name: &str) -> Result<(), String> {
    let is_word = !name.contains([':', '/', '@', '#', '[']) && name.parse::<Address>().is_ok();
    match is_word {
        true => Ok(()),
        false => Err(format!("hosts.{name}: a name is a word of letters, digits, - and .")),
    }
}

/// A path: `~/` is the home, and what is not absolute is beside chatsh.toml.
fn path(text: &str, folder: &Path) -> PathBuf {
    match (text.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => folder.join(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_beside_it_or_in_the_home() {
        let folder = Path::new("/etc/chatsh");
        assert_eq!(path("password", folder), Path::new("/etc/chatsh/password"));
        assert_eq!(path("/run/password", folder), Path::new("/run/password"));
        let home = std::env::home_dir().unwrap();
        assert_eq!(path("~/.bot", folder), home.join(".bot"));
    }
}
