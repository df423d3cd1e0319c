//! The commands that chatsh does itself; all others are the server's.
//!
//! They are described like those of a server, so that reading, help, completion and
//! checking are the same for both.

use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;
use proto::{Arg, Description, Incoming, Kind, NameKey, Spec, State, States, UserName};
use regex::Regex;
use serde_json::{Map, Value};

use crate::paths;
use crate::settings::{self, NAMES, Setting};

/// One of our own commands, ready to be done.
#[derive(Debug)]
pub(crate) enum Local {
    /// Help on one command, or on those that are allowed here.
    Help(Option<String>),
    /// The end.
    Quit,
    /// Do nothing for a while.
    Sleep(Duration),
    /// Do nothing until somebody says something.
    Wait(Wait),
    /// Change a setting.
    Set(Setting),
    /// Say what is set: all, or the one of this name.
    Settings(Option<&'static str>),
    /// Do the lines of this file.
    Source(PathBuf),
    /// Leave, and go to the server at this address, or of this name.
    Connect(String),
}

/// Which message is waited for.
#[derive(Debug)]
pub(crate) struct Wait {
    from: Option<NameKey>,
    text: Option<Regex>,
    /// How long; without it as long as it takes.
    pub(crate) timeout: Option<Duration>,
}

impl Wait {
    /// Waits for what this user says, if it is one, that has this, if it is something.
    pub(crate) fn new(
        from: Option<UserName>,
        text: Option<Regex>,
        timeout: Option<Duration>,
    ) -> Wait {
        Wait { from: from.map(|name| name.key()), text, timeout }
    }

    /// Is `message` the one?
    pub(crate) fn is_for(&self, message: &Incoming) -> bool {
        let field = |name| message.data.get(name).and_then(Value::as_str);
        let (Some(from), Some(text)) = (field("from"), field("text")) else { return false };
        self.from.as_ref().is_none_or(|wanted| *wanted == NameKey::of(from))
            && self.text.as_ref().is_none_or(|wanted| wanted.is_match(text))
    }
}

/// What our own commands are called and take.
pub(crate) fn commands() -> [Description; 7] {
    let help = Spec::new(
        "help",
        States::ANY,
        "Say what can be done here, or explain one command",
        "/help",
    );
    let quit = Spec::new("quit", States::ANY, "End the connection and chatsh", "/quit")
        .leads_to(&[State::Ended]);
    let sleep = Spec::new("sleep", States::ANY, "Do nothing for a while", "/sleep 2s");
    let wait = Spec::new(
        "wait",
        States::ANY,
        "Wait for a message that arrives after the line before was sent",
        "/wait --from harper --match 'ready|done' --timeout 30s",
    );
    let set = Spec::new(
        "set",
        States::ANY,
        "Change a setting until chatsh ends, or say what is set",
        "/set bell off",
    );
    let source = Spec::new(
        "source",
        States::ANY,
        "Do the lines of a file, if there is nothing wrong in it",
        "/source post.chat",
    );
    let connect = Spec::new(
        "connect",
        States::ANY,
        "End the connection, and go to another server",
        "/connect chat.example",
    );
    [
        describe(help, vec![arg("command", Kind::String, true, "What to explain; or nothing.")]),
        describe(quit, vec![]),
        describe(
            set,
            vec![
                arg("setting", Kind::String, true, &format!("Which: {NAMES}; or nothing.")),
                arg("value", Kind::String, true, "What it is from now on."),
            ],
        ),
        describe(source, vec![arg("file", Kind::String, true, "Where the lines are.")]),
        describe(
            connect,
            vec![arg(
                "address",
                Kind::String,
                true,
                "HOST, USER@HOST:PORT/ROOM, as on the command line; or a host's name.",
            )],
        ),
        describe(sleep, vec![arg("time", Kind::String, true, "How long: 500ms, 2s, 1m30s.")]),
        describe(
            wait,
            vec![
                arg("from", Kind::UserName, false, "Only one of this user."),
                arg("match", Kind::String, false, "Only one that has this regular expression."),
                arg(
                    "timeout",
                    Kind::String,
                    false,
                    "How long at most: 30s. In a script else as --timeout says.",
                ),
            ],
        ),
    ]
}

/// The data of the command `name` if it has fewer arguments than it can have, and does without.
///
/// For a server's commands what can be left out is an option; `/help` has none.
pub(crate) fn data_of_few(name: &str, arguments: &str) -> Option<Map<String, Value>> {
    let mut words = arguments.split_whitespace();
    match (name, words.next(), words.next()) {
        ("help" | "set", None, _) => Some(Map::new()),
        ("set", Some(word), None) => {
            Some([("setting".to_owned(), Value::from(word))].into_iter().collect())
        }
        _ => None,
    }
}

/// The command `name` with the arguments `data`; none if it is not one of ours.
///
/// # Errors
/// Says what is wrong with an argument.
pub(crate) fn read(name: &str, data: &Map<String, Value>) -> Option<Result<Local, String>> {
    let field = |name| data.get(name).and_then(Value::as_str);
    Some(match name {
        "help" => Ok(Local::Help(field("command").map(|word| word.trim_start_matches('/').into()))),
        "quit" => Ok(Local::Quit),
        "set" => match (field("setting"), field("value")) {
            (Some(name), Some(value)) => Setting::read(name, value).map(Local::Set),
            (Some(name), None) => settings::named(name).map(|name| Local::Settings(Some(name))),
            (None, _) => Ok(Local::Settings(None)),
        },
        "source" => Ok(Local::Source(paths::at_home(field("file").unwrap_or_default()))),
        "connect" => Ok(Local::Connect(field("address").unwrap_or_default().into())),
        "sleep" => duration(field("time").unwrap_or_default()).map(Local::Sleep),
        "wait" => wait(field("from"), field("match"), field("timeout")).map(Local::Wait),
        _ => return None,
    })
}

fn wait(from: Option<&str>, text: Option<&str>, timeout: Option<&str>) -> Result<Wait, String> {
    let from = from.map(UserName::new).transpose().map_err(|e| format!("--from: {e}"))?;
    let text = text.map(regex).transpose().map_err(|why| format!("--match: {why}"))?;
    Ok(Wait::new(from, text, timeout.map(duration).transpose()?))
}

/// A regular expression.
pub(crate) fn regex(text: &str) -> Result<Regex, String> {
    // The error shows the expression over several lines, the reason is the last one.
    Regex::new(text).map_err(|e| {
        let text = e.to_string();
        let last = text.lines().next_back().unwrap_or_default();
        last.trim_start_matches("error: ").to_owned()
    })
}

/// `2s`, `500ms`, `1m30s`, `1d`; a number alone is seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.strip_suffix('d') {
        Some(days) => (days, 86_400.0),
        None => (text, 1.0),
    };
    let seconds = number.parse::<f64>().ok().map(|number| number * unit);
    let seconds = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds
        .or_else(|| text.parse::<SignedDuration>().ok().and_then(|d| Duration::try_from(d).ok()))
        .ok_or_else(|| format!("{text:?} is no time: 500ms, 2s and 1m30s are"))
}

fn describe(spec: Spec, args: Vec<Arg>) -> Description {
    Description { spec, args, request: Value::Null, reply: Value::Null }
}

fn arg(name: &str, kind: Kind, required: bool, summary: &str) -> Arg {
    Arg { name: name.into(), kind, required, rest: false, summary: summary.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_that_is_described_can_be_read() {
        for command in commands() {
            assert!(read(&command.spec.name, &Map::new()).is_some(), "{}", command.spec.name);
        }
        assert!(read("list", &Map::new()).is_none());
    }

    #[test]
    fn a_time_has_a_unit_or_is_in_seconds() {
        for (text, millis) in [
            ("2s", 2000),
            ("500ms", 500),
            ("1m30s", 90_000),
            ("2", 2000),
            ("0.5", 500),
            ("1d", 86_400_000),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "soon", "-2s", "-1", "inf", "NaN", "1e300", "d", "1e300d"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_wait_is_for_a_message_of_that_user_with_that_text() {
        let message = |from: &str, text: &str| -> Incoming {
            let data = serde_json::json!({ "from": from, "text": text, "to": "public" });
            let frame = serde_json::json!({ "type": "msg", "status": "ok", "data": data });
            serde_json::from_value(frame).unwrap()
        };
        let any = wait(None, None, None).unwrap();
        assert!(any.is_for(&message("ann", "hi")));
        let one = wait(Some("ann"), Some("^ready|done$"), Some("30s")).unwrap();
        assert!(one.is_for(&message("ann", "ready to go")));
        assert!(!one.is_for(&message("bob", "ready to go")));
        assert!(!one.is_for(&message("ann", "not ready")));
        let list = serde_json::from_str(r#"{"type":"list","status":"ok","data":{"ops":["ann"]}}"#);
        assert!(!any.is_for(&list.unwrap()));
        assert_eq!(wait(None, Some("("), None).unwrap_err(), "--match: unclosed group");
    }
}
