//! Where the values of the configuration come from: defaults, then the file, then the
//! environment, then the command line. The last one that says something wins.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

use crate::config::{Config, KEYS};

/// What every environment variable of ours begins with; sections are divided by `__`.
const VARIABLE_PREFIX: &str = "CHATD_";

/// The values that were given, and by whom.
pub struct Settings {
    table: Table,
    origins: BTreeMap<&'static str, String>,
}

/// Why the configuration cannot be used. It names the file, the variable or the option.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SettingsError(String);

impl Settings {
    /// Reads everything that says something.
    ///
    /// # Errors
    /// A file that cannot be read or is no TOML, a key that does not exist.
    pub fn gather(
        file: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
        options: &[(String, String)],
    ) -> Result<Settings, SettingsError> {
        let mut settings = Settings { table: Table::new(), origins: BTreeMap::new() };
        for key in KEYS.iter().filter(|key| !key.default.is_empty()) {
            settings.put(key.name, value_of(key.default), "default")?;
        }
        if let Some(file) = file {
            settings.read(file)?;
        }
        for (variable, value) in environment {
            if let Some(key) = variable.strip_prefix(VARIABLE_PREFIX) {
                let key = key.to_lowercase().replace("__", ".");
                settings.put(&key, value_of(&value), &format!("environment {variable}"))?;
            }
        }
        for (key, value) in options {
            settings.put(key, value_of(value), "command line")?;
        }
        Ok(settings)
    }

    /// The configuration in force.
    ///
    /// # Errors
    /// A value of the wrong type or out of its bounds; says which and where it is from.
    pub fn config(&self) -> Result<Config, SettingsError> {
        let config: Config = serde_path_to_error::deserialize(Value::Table(self.table.clone()))
            .map_err(|e| {
                let key = e.path().to_string();
                let from = self.origins.iter().find(|(name, _)| key.starts_with(**name));
                let from = from.map_or(String::new(), |(_, origin)| format!(" ({origin})"));
                SettingsError(format!("{key}{from}: {}", in_words(e.inner().message())))
            })?;
        config.check().map_err(SettingsError)?;
        Ok(config)
    }

    /// All keys with their values and where each is from, as TOML.
    pub fn print(&self) -> String {
        let mut text = String::new();
        let mut section = "";
        for key in KEYS {
            let (of, name) = key.name.rsplit_once('.').unwrap_or(("", key.name));
            if of != section {
                text.push_str(&format!("\n[{of}]\n"));
                section = of;
            }
            let line = match self.value(key.name) {
                Some(value) => format!("{name} = {value}"),
                None => format!("# {name} ="),
            };
            let origin = self.origins.get(key.name).map_or("not set", String::as_str);
            text.push_str(&format!("{line:<44} # {origin}\n"));
        }
        text
    }

    fn read(&mut self, file: &Path) -> Result<(), SettingsError> {
        let error = |what: String| SettingsError(format!("{}: {what}", file.display()));
        let text = std::fs::read_to_string(file).map_err(|e| error(e.to_string()))?;
        let table: Table = text.parse().map_err(|e: toml::de::Error| {
            let place = e.span().map_or_else(String::new, |span| place_in(&text, span.start));
            SettingsError(format!("{}{place}: {}", file.display(), e.message()))
        })?;
        let mut leaves = Vec::new();
        flatten("", &table, &mut leaves);
        let mut places = BTreeMap::new();
        if let Ok(table) = DeTable::parse(&text) {
            places_of("", table.get_ref(), &mut places);
        }
        for (key, value) in leaves {
            let before = &text[..places.get(&key).copied().unwrap_or(0)];
            let line = before.matches('\n').count() + 1;
            self.put(&key, value, &format!("{}:{line}", file.display()))?;
        }
        Ok(())
    }

    fn value(&self, name: &str) -> Option<&Value> {
        let mut parts = name.split('.');
        let first = self.table.get(parts.next()?)?;
        parts.try_fold(first, |value, part| value.get(part))
    }

    fn put(&mut self, name: &str, value: Value, origin: &str) -> Result<(), SettingsError> {
        let Some(key) = KEYS.iter().find(|key| key.name == name) else {
            let near = proto::nearest(name, KEYS.iter().map(|key| key.name));
            let near = near.map_or(String::new(), |near| format!(": did you mean \"{near}\"?"));
            return Err(SettingsError(format!("{origin}: there is no key \"{name}\"{near}")));
        };
        let (sections, last) = name.rsplit_once('.').unwrap_or(("", name));
        let mut table = &mut self.table;
        for section in sections.split('.').filter(|section| !section.is_empty()) {
            let entry = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
            table = entry.as_table_mut().expect("only sections stand where keys have a dot");
        }
        table.insert(last.to_owned(), value);
        self.origins.insert(key.name, origin.to_owned());
        Ok(())
    }
}

/// `:line:column` of this byte, as compilers say it.
fn place_in(text: &str, byte: usize) -> String {
    let before = &text[..text.floor_char_boundary(byte)];
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    let line = before.matches('\n').count() + 1;
    format!(":{line}:{}", before[line_start..].chars().count() + 1)
}

/// A value that somebody wrote: TOML, and what is no TOML is a string.
fn value_of(text: &str) -> Value {
    #[derive(Deserialize)]
    struct Line {
        value: Value,
    }
    match toml::from_str::<Line>(&format!("value = {text}")) {
        Ok(line) => line.value,
        Err(_) => Value::String(text.to_owned()),
    }
}

/// What serde says of a value, without the names of Rust's types.
fn in_words(message: &str) -> String {
    let words = [
        ("expected u32", "expected a whole number from 0 to 4294967295"),
        ("expected usize", "expected a whole number"),
        ("expected u8", "expected a whole number from 0 to 255"),
        ("expected a sequence", "expected a list, as in [\"a\", \"b\"]"),
        ("expected a boolean", "expected true or false"),
        (
            "invalid socket address syntax",
            "an address is a number and a port, as in 127.0.0.1:65432 or [::]:65432",
        ),
    ];
    let found = words.iter().find(|(theirs, _)| message.ends_with(theirs));
    found.map_or(message.into(), |(theirs, ours)| message.replace(theirs, ours))
}

/// Where each key stands in the text, in bytes.
fn places_of(prefix: &str, table: &DeTable<'_>, places: &mut BTreeMap<String, usize>) {
    for (name, value) in table {
        let place = name.span().start;
        let name = match prefix.is_empty() {
            true => name.get_ref().to_string(),
            false => format!("{prefix}.{}", name.get_ref()),
        };
        if let DeValue::Table(inner) = value.get_ref() {
            places_of(&name, inner, places);
        }
        places.insert(name, place);
    }
}

fn flatten(prefix: &str, table: &Table, leaves: &mut Vec<(String, Value)>) {
    for (name, value) in table {
        let name = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match value {
            Value::Table(inner) if !KEYS.iter().any(|key| key.name == name) => {
                flatten(&name, inner, leaves);
            }
            value => leaves.push((name, value.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gather(
        file: &str,
        environment: &[(&str, &str)],
        options: &[(&str, &str)],
    ) -> Result<Settings, SettingsError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chatd.toml");
        std::fs::write(&path, file).unwrap();
        let own = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect()
        };
        Settings::gather(Some(&path), own(environment).into_iter(), &own(options))
    }

    #[test]
    fn the_defaults_are_a_configuration() {
        let config = gather("", &[], &[]).unwrap().config().unwrap();
        assert_eq!(config.limits.frame, 65536);
        assert_eq!(config.rooms[0].as_str(), "general");
        assert!(!config.password.is_weak());
        assert!(gather("", &[], &[]).unwrap().print().contains("\n# motd ="));
    }

    #[test]
    fn the_keys_and_their_defaults_are_those_of_the_contract() {
        let settings = Settings::gather(None, std::iter::empty(), &[]).unwrap();
        for (key, default) in [
            ("listen", r#"["127.0.0.1:65432"]"#),
            ("data", ""),
            ("rooms", r#"["general"]"#),
            ("default_caps", "[]"),
            ("motd", ""),
            ("durability", r#""power""#),
            ("tls.cert", ""),
            ("tls.key", ""),
            ("registration.policy", r#""open""#),
            ("password.min_length", "4"),
            ("password.log_n", "15"),
            ("password.r", "8"),
            ("password.p", "3"),
            ("limits.frame", "65536"),
            ("limits.frame_before_login", "4096"),
            ("limits.text", "16384"),
            ("limits.connections", ""),
            ("limits.unauthenticated", "256"),
            ("limits.unauthenticated_per_prefix", "8"),
            ("limits.connections_per_prefix", "1000"),
            ("limits.handshake_s", "5"),
            ("limits.login_s", "120"),
            ("limits.frame_s", "10"),
            ("limits.commands_burst", "100"),
            ("limits.commands_per_s", "20"),
            ("limits.logins_per_min", "5"),
            ("limits.registrations_per_hour", "3"),
            ("limits.outbox_bytes", "262144"),
            ("limits.stall_s", "10"),
            ("limits.ping_s", "60"),
            ("limits.rooms_per_user", "20"),
            ("limits.spare_loopback", "true"),
            ("log.format", r#""text""#),
            ("log.level", r#""info""#),
        ] {
            assert!(KEYS.iter().any(|known| known.name == key), "there is no {key}");
            let value = settings.value(key).map_or(String::new(), ToString::to_string);
            assert_eq!(value, default, "{key}");
        }
    }

    #[test]
    fn the_command_line_wins_over_the_environment_over_the_file() {
        let settings = gather(
            "motd = 'from the file'\n[limits]\nframe = 600\ntext = 2\nping_s = 3",
            &[("CHATD_LIMITS__TEXT", "20"), ("CHATD_LIMITS__PING_S", "30"), ("PATH", "/bin")],
            &[("limits.ping_s", "300")],
        )
        .unwrap();
        let config = settings.config().unwrap();
        assert_eq!((config.limits.frame, config.limits.text), (600, 20));
        assert_eq!(config.policy().limits.ping_s, 300);
        assert_eq!(config.policy().motd.unwrap(), "from the file");
        assert!(settings.print().contains("frame = 600 "));
        assert!(settings.print().contains("chatd.toml:3\n"), "{}", settings.print());
        assert!(settings.print().contains("# environment CHATD_LIMITS__TEXT"));
    }

    #[test]
    fn what_is_no_toml_is_a_string() {
        let settings = gather("", &[], &[("durability", "process"), ("motd", "a = b")]).unwrap();
        let config = settings.config().unwrap();
        assert_eq!(config.durability, crate::config::Durability::Process);
        assert_eq!(config.policy().motd.unwrap(), "a = b");
    }

    #[test]
    fn an_unknown_key_is_an_error_with_the_nearest_known_one() {
        let error = |result: Result<Settings, SettingsError>| result.err().unwrap().to_string();
        let from_file = error(gather("[limits]\nframes = 1", &[], &[]));
        assert!(
            from_file.contains(r#"no key "limits.frames": did you mean "limits.frame"?"#),
            "{from_file}"
        );
        assert!(from_file.contains("chatd.toml:2: there is"), "{from_file}");
        let from_variable = error(gather("", &[("CHATD_LISTN", "x")], &[]));
        assert!(from_variable.contains(r#"did you mean "listen"?"#), "{from_variable}");
        assert!(error(gather("", &[], &[("zzz", "1")])).contains("no key \"zzz\""));
    }

    /// It took five lines, of which only the second said where.
    #[test]
    fn what_is_no_toml_is_an_error_that_says_where() {
        let told = |text| {
            let error = gather(text, &[], &[]).err().unwrap().to_string();
            error.rsplit_once("/chatd.toml").unwrap().1.to_owned()
        };
        assert_eq!(told("motd = 'é' = 1"), ":1:12: unexpected key or value, expected newline, `#`");
        assert_eq!(told("[limits]\nframe = = 3\n"), ":2:9: extra `=`, expected nothing");
        assert_eq!(told("listen = [1"), ":1:12: unclosed array, expected `]`");
        assert_eq!(told("motd = ''\nmotd = ''"), ":2:1: duplicate key");
    }

    #[test]
    fn a_wrong_value_is_an_error_that_names_the_key_and_its_origin() {
        let settings = gather("", &[], &[("limits.frame", "many")]).unwrap();
        let error = settings.config().unwrap_err().to_string();
        assert!(error.starts_with("limits.frame (command line): "), "{error}");
        assert!(error.ends_with("expected a whole number from 0 to 4294967295"), "{error}");
        let settings = gather("[limits]\nframe = 10\n", &[], &[]).unwrap();
        assert!(settings.config().unwrap_err().to_string().contains("nobody can log in"));
        let settings = gather("", &[], &[("tls.cert", "/x")]).unwrap();
        assert!(settings.config().unwrap_err().to_string().contains("go together"));
        let settings = gather("", &[], &[("password.log_n", "60")]).unwrap();
        assert!(settings.config().unwrap_err().to_string().contains("scrypt cannot do"));
        // Nobody could have had an account.
        let settings = gather("", &[], &[("password.min_length", "257")]).unwrap();
        assert!(settings.config().unwrap_err().to_string().contains("no password has 257"));
        let text = |bytes| gather("", &[], &[("limits.text", bytes)]).unwrap().config();
        assert!(text("65537").unwrap_err().to_string().contains("limits.text: no frame"));
        assert_eq!(text("0").unwrap().policy().limits.text, 65_536);
    }
}
