//! Hosts that have a name: the tables `[hosts.NAME]` of chatsh.toml.
//!
//! A name stands where an address can stand, and brings with it who to be there.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use certs::Fingerprint;
use proto::{RoomName, UserName, nearest};
use toml::{Table, Value};

use crate::address::Address;
use crate::exit::{Exit, Failure};
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
    key("room", "Which room to enter, as `-r`."),
    key("pin", "The fingerprint of its key, as `--pin`."),
    key("ca", "A PEM file with the authority of its certificate, as `--ca`."),
    key("password_file", "As `--password-file`."),
    key("password_command", "As `--password-command`."),
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

/// All hosts that have a name.
#[derive(Debug, Default)]
pub(crate) struct Hosts(BTreeMap<String, Host>);

impl Hosts {
    /// Reads chatsh.toml, if there is one.
    ///
    /// # Errors
    /// [`Exit::Usage`] says what is wrong in it, and where.
    pub(crate) fn read() -> Result<Hosts, Failure> {
        let Some(file) = paths::config() else { return Ok(Hosts::default()) };
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Hosts::default()),
            Err(error) => {
                let message = format!("cannot read {}: {error}", file.display());
                return Err(Failure::new(Exit::Usage, message));
            }
        };
        let folder = file.parent().unwrap_or(Path::new("."));
        Hosts::parse(&text, folder)
            .map_err(|why| Failure::new(Exit::Usage, format!("{}: {why}", file.display())))
    }

    /// The host of that name.
    pub(crate) fn find(&self, name: &str) -> Option<&Host> {
        self.0.get(name)
    }

    /// The names that there are.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The hosts in `text`, whose files are beside it in `folder`.
    fn parse(text: &str, folder: &Path) -> Result<Hosts, String> {
        let all: Table = text.parse().map_err(|error: toml::de::Error| {
            let line = error.span().map(|span| text[..span.start].matches('\n').count() + 1);
            let line = line.map_or(String::new(), |line| format!("line {line}: "));
            format!("{line}{}", error.message())
        })?;
        let mut hosts = BTreeMap::new();
        for (name, value) in &all {
            check_key(name, &["hosts"]).map_err(|why| format!("{why}; a host is [hosts.NAME]"))?;
            let Value::Table(tables) = value else {
                return Err("hosts: it has a table for each host: [hosts.NAME]".into());
            };
            for (name, value) in tables {
                let Value::Table(table) = value else {
                    return Err(format!("hosts.{name}: it is a table: [hosts.NAME]"));
                };
                let host = host(table, folder).map_err(|why| format!("hosts.{name}{why}"))?;
                check_name(name)?;
                hosts.insert(name.clone(), host);
            }
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

fn check_key(name: &str, known: &[&str]) -> Result<(), String> {
    if known.contains(&name) {
        return Ok(());
    }
    let near = nearest(name, known.iter().copied());
    let near = near.map_or(String::new(), |near| format!(": did you mean \"{near}\"?"));
    Err(format!("there is no key \"{name}\"{near}"))
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

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let read = match Hosts::parse(text, Path::new("/etc/chatsh")) {
            Ok(hosts) => format!("{:?}", hosts.0.keys().collect::<Vec<_>>()),
            Err(why) => why,
        };
        assert_eq!(read, expected, "{text}");
    }

    #[test]
    fn a_host_has_a_name_and_an_address() {
        check("", "[]");
        check("[hosts.a]\naddress = 'h'\n[hosts.b-c]\naddress = 'ann@h:7/ops'", r#"["a", "b-c"]"#);
        check("[hosts.a]\nuser = 'ann'", "hosts.a: address is missing: address = \"HOST:PORT\"");
        check("[hosts.a]\naddress = 7", "hosts.a.address: it is a string");
        check("[hosts.a]\naddress = 'a b'", "hosts.a.address: \"a b\" is no host");
        check(
            "[hosts.'a b']\naddress = 'h'",
            "hosts.a b: a name is a word of letters, digits, - and .",
        );
        check(
            "[hosts.'a:7']\naddress = 'h'",
            "hosts.a:7: a name is a word of letters, digits, - and .",
        );
        check("hosts = 'a'", "hosts: it has a table for each host: [hosts.NAME]");
        check("[hosts]\na = 'h'", "hosts.a: it is a table: [hosts.NAME]");
    }

    #[test]
    fn an_unknown_key_is_an_error_with_the_nearest_known_one() {
        check(
            "[hosts.a]\naddress = 'h'\nusr = 'ann'",
            "hosts.a: there is no key \"usr\": did you mean \"user\"?",
        );
        check(
            "[host.a]\naddress = 'h'",
            "there is no key \"host\": did you mean \"hosts\"?; a host is [hosts.NAME]",
        );
        check("[hosts.a]\nxyzzy = 'h'", "hosts.a: there is no key \"xyzzy\"");
    }

    #[test]
    fn what_is_wrong_is_named() {
        check(
            "[hosts.a]\naddress = 'h'\n\nuser = ",
            "line 4: string values must be quoted, expected literal string",
        );
        check(
            "[hosts.a]\naddress = 'h'\nuser = 'a b'",
            "hosts.a.user: a name has no ' ' in it: letters, digits, _ - . are fine",
        );
        check("[hosts.a]\naddress = 'h'\nroom = 'lobby'", "hosts.a.room: the name is reserved");
        check(
            "[hosts.a]\naddress = 'h'\npin = 'x'",
            "hosts.a.pin: a fingerprint starts with \"SHA256:\"",
        );
        check(
            "[hosts.a]\naddress = 'h#SHA256:7Q9Zbtvg8q6W0qV+4L8N75s0HNMqOlJJMh/F4H10YtY'\nca = 'ca.pem'",
            "hosts.a: a server is known by its pin or by its ca, not by both",
        );
    }

    #[test]
    fn files_are_beside_it_or_in_the_home() {
        let folder = Path::new("/etc/chatsh");
        assert_eq!(path("password", folder), Path::new("/etc/chatsh/password"));
        assert_eq!(path("/run/password", folder), Path::new("/run/password"));
        let home = std::env::home_dir().unwrap();
        assert_eq!(path("~/.bot", folder), home.join(".bot"));
    }
}
