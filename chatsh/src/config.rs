//! chatsh.toml: the hosts that have a name, and how the shell is set when it starts.

use std::fs;
use std::io;
use std::path::Path;

use proto::nearest;
use toml::{Table, Value};

use crate::exit::{Exit, Failure};
use crate::hosts::Hosts;
use crate::paths;
use crate::settings::Setting;

/// What chatsh.toml says.
#[derive(Debug, Default)]
pub(crate) struct Config {
    /// The tables `[hosts.NAME]`.
    pub(crate) hosts: Hosts,
    /// The table `[shell]`: as if each were set with `/set`.
    pub(crate) settings: Vec<Setting>,
}

impl Config {
    /// Reads chatsh.toml, if there is one.
    ///
    /// # Errors
    /// [`Exit::Usage`] says what is wrong in it, and where.
    pub(crate) fn read() -> Result<Config, Failure> {
        let Some(file) = paths::config() else { return Ok(Config::default()) };
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Config::default()),
            Err(error) => {
                let message = format!("cannot read {}: {error}", file.display());
                return Err(Failure::new(Exit::Usage, message));
            }
        };
        let folder = file.parent().unwrap_or(Path::new("."));
        Config::parse(&text, folder)
            .map_err(|why| Failure::new(Exit::Usage, format!("{}: {why}", file.display())))
    }

    /// What `text` says, whose files are beside it in `folder`.
    fn parse(text: &str, folder: &Path) -> Result<Config, String> {
        let all: Table = text.parse().map_err(|error: toml::de::Error| {
            let line = error.span().map(|span| text[..span.start].matches('\n').count() + 1);
            let line = line.map_or(String::new(), |line| format!("line {line}: "));
            format!("{line}{}", error.message())
        })?;
        let mut config = Config::default();
        for (name, value) in &all {
            check_key(name, &["hosts", "shell"])
                .map_err(|why| format!("{why}; there are [shell] and [hosts.NAME]"))?;
            match value {
                Value::Table(hosts) if name == "hosts" => {
                    config.hosts = Hosts::in_table(hosts, folder)?;
                }
                Value::Table(settings) => config.settings = in_table(settings)?,
                _ if name == "hosts" => {
                    return Err("hosts: it has a table for each host: [hosts.NAME]".into());
                }
                _ => return Err("shell: it is a table: [shell]".into()),
            }
        }
        Ok(config)
    }
}

/// The settings in the table `[shell]`.
fn in_table(table: &Table) -> Result<Vec<Setting>, String> {
    let setting = |(name, value): (&String, &Value)| {
        let value = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Setting::read(name, &value).map_err(|why| format!("shell: {why}"))
    };
    table.iter().map(setting).collect()
}

/// Is `name` one of the `known` keys?
///
/// # Errors
/// Says which one may be meant.
pub(crate) fn check_key(name: &str, known: &[&str]) -> Result<(), String> {
    if known.contains(&name) {
        return Ok(());
    }
    let near = nearest(name, known.iter().copied());
    let near = near.map_or(String::new(), |near| format!(": did you mean \"{near}\"?"));
    Err(format!("there is no key \"{name}\"{near}"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let read = match Config::parse(text, Path::new("/etc/chatsh")) {
            Ok(config) => format!("{:?}", config.hosts.names().collect::<Vec<_>>()),
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
            "there is no key \"host\": did you mean \"hosts\"?; there are [shell] and [hosts.NAME]",
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
    fn the_shell_starts_as_it_is_set_there() {
        let text = "[shell]\nbell = false\nclock = 'on'\nhistory = 20\ntimeout = 2.5";
        let config = Config::parse(text, Path::new("")).unwrap();
        let wanted = [
            Setting::Bell(false),
            Setting::Clock(true),
            Setting::History(20),
            Setting::Timeout(Duration::from_millis(2500)),
        ];
        assert_eq!(config.settings, wanted);
        check("[shell]\nbell = 7", "shell: bell is on or off, not \"7\"");
        check("[shell]\ncolor = true", "shell: color is auto, always or never, not \"true\"");
        check(
            "[shell]\nbel = true",
            "shell: there is no setting \"bel\": it is color, bell, clock, history or timeout",
        );
        check("shell = 7", "shell: it is a table: [shell]");
    }
}
