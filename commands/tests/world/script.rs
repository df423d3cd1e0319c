//! Scripts: what people type, and what happens to the world meanwhile.
//!
//! A line of a script is one of
//!
//! - `ann> /enter attic`: a connection types a shell line, or the JSON of a request.
//!   `ann.2` is another connection of the account ann; `ann#7>` gives the request the
//!   id 7. `{x*40}` stands for 40 times x, `{token ann-1}` for the first token of ann.
//! - `* …`: something happens to the world, see [`Stage::happen`].
//!
//! What a connection receives follows the line that causes it: `ann< enter ok …` (an
//! error has its code in place of `ok`).

use std::fmt::Write;
use std::time::Duration;

use commands::Registration;
use expect_test::Expect;
use proto::{Cap, Caps, Code, Id, Line, Refusal, read_line, request_of};
use serde_json::{Map, Value};

use super::{CATALOGUE, Fate, Stage, token};

/// Plays `script` and compares what came of it.
#[track_caller]
pub(crate) fn check(script: &str, expected: Expect) {
    let mut stage = Stage::new();
    stage.play(script);
    expected.assert_eq(&stage.log);
}

impl Stage {
    /// Plays every line of a script.
    pub(crate) fn play(&mut self, script: &str) {
        for line in script.lines().map(str::trim_start).filter(|line| !line.is_empty()) {
            writeln!(self.log, "{line}").unwrap();
            if let Some(what) = line.strip_prefix("* ") {
                self.happen(what);
                continue;
            }
            let (who, typed) = line.split_once('>').expect("a line says who types it");
            let (label, id) = match who.split_once('#') {
                None => (who, None),
                Some((label, id)) => {
                    let id = id.parse().map_or_else(|_| Id::Text(id.into()), Id::Number);
                    (label, Some(id))
                }
            };
            match self.body_of(label, expanded(typed.trim_start_matches(' ')), id) {
                Ok(body) => self.send(label, body),
                Err(why) => writeln!(self.log, "{label}! {why}").unwrap(),
            }
        }
    }

    /// Something happens that nobody types; the arms say how it is written.
    fn happen(&mut self, what: &str) {
        let words: Vec<&str> = what.split_whitespace().collect();
        match &words[..] {
            // `in attic: ann, bob.2`, `in lobby with ping, resume: ann`, `outside: ann`
            ["in", place, ..] | [place @ "outside:", ..] => {
                let (how, who) = what.split_once(':').expect("a colon stands before the names");
                let caps = how.split_once(" with ").map_or("", |(_, caps)| caps);
                let caps: Caps = caps
                    .split(", ")
                    .filter(|cap| !cap.is_empty())
                    .map(|cap| Cap::from_name(cap).expect("the cap exists"))
                    .collect();
                for label in who.split(',').map(str::trim) {
                    self.put(label, place.trim_end_matches(':'), caps);
                }
            }
            ["the", "ledger", "waits"] => self.lands_at_once = false,
            ["the", "ledger", "goes", "on"] => self.lands_at_once = true,
            ["the", "ledger", "lands", n] => {
                for _ in 0..n.parse().expect("a number") {
                    self.ledger.land(&self.world.hall);
                }
            }
            ["the", "ledger", "is", "full"] => self.ledger.set_full(true),
            ["the", "ledger", "has", "room"] => self.ledger.set_full(false),
            ["the", "ledger", "refuses", "one"] => {
                self.ledger
                    .decide(Fate::Refuse(Refusal::new(Code::ServerBusy, "the disk is full")));
            }
            ["the", "ledger", "is", "unsure", "of", "one"] => self.ledger.decide(Fate::Unknown),
            ["the", "ledger", "drops", "one"] => self.ledger.decide(Fate::Drop),
            ["the", "accounts", "throttle", "one"] => self.accounts.refuse_next(
                Refusal::new(Code::Throttled, "too many attempts").with("retry_after_ms", 12_000),
            ),
            ["registration", "is", "closed"] => {
                self.world.policy.registration = Registration::Closed;
            }
            ["motd", ..] => self.world.policy.motd = Some(what[5..].into()),
            ["limits.text", n] => self.world.policy.limits.text = n.parse().unwrap(),
            ["limits.rooms_per_user", n] => {
                self.world.policy.limits.rooms_per_user = n.parse().unwrap();
            }
            [label, "stops", "reading"] => self.person(label).reads = false,
            [label, "reads"] => self.person(label).reads = true,
            // The connection is lost.
            [label, "is", "gone"] => self.person(label).session = None,
            // What is due is pushed, at a time that is made up.
            ["lists", "at", ms, "ms"] => {
                let now = self.list_clock + Duration::from_millis(ms.parse().unwrap());
                let next = self.world.hall.push_lists(now);
                self.collect(None);
                let next = next.map(|at| (at - self.list_clock).as_millis());
                let next = next.map_or("never".into(), |ms| format!("at {ms} ms"));
                return writeln!(self.log, "* next {next}").unwrap();
            }
            _ => panic!("nobody knows how to make this happen: {what}"),
        }
        self.run(None);
    }

    /// The body of the request that a line stands for.
    fn body_of(&mut self, label: &str, line: String, id: Option<Id>) -> Result<Vec<u8>, String> {
        if line.starts_with('{') {
            return Ok(line.into());
        }
        let (name, arguments) = match read_line(&line, false) {
            Line::Nothing => return Err("nothing is said".into()),
            Line::Command { name, arguments, .. } => (name.to_owned(), arguments.to_owned()),
            Line::Said(text) => {
                let state = self.state(label);
                let command = CATALOGUE.bare(state).ok_or("nothing is said here")?;
                let before = command.spec.bare.as_deref().unwrap_or_default();
                (command.spec.name.to_string(), format!("{before} {text}"))
            }
        };
        let data = match CATALOGUE.find(&name) {
            None => Map::new(),
            Some(command) => request_of(command, &arguments)
                .map_err(|error| format!("column {}: {error}", error.column))?,
        };
        let mut request = Map::new();
        request.insert("type".into(), name.into());
        if !data.is_empty() {
            request.insert("data".into(), data.into());
        }
        if let Some(id) = id {
            request.insert("id".into(), serde_json::to_value(id).unwrap());
        }
        Ok(Value::Object(request).to_string().into())
    }
}

/// A line without its abbreviations; other braces stand for themselves.
fn expanded(line: &str) -> String {
    let (mut text, mut rest) = (String::new(), line);
    while let Some(at) = rest.find('{') {
        let (before, inside) = (&rest[..at], &rest[at + 1..]);
        text.push_str(before);
        match inside.split_once('}').and_then(|(short, rest)| Some((long(short)?, rest))) {
            Some((long, after)) => {
                text.push_str(&long);
                rest = after;
            }
            None => {
                text.push('{');
                rest = inside;
            }
        }
    }
    text + rest
}

/// What an abbreviation stands for, if it is one.
fn long(short: &str) -> Option<String> {
    if let Some(name) = short.strip_prefix("token ") {
        return Some(token(name));
    }
    let (part, times) = short.split_once('*')?;
    let is_plain = !part.contains(['{', '"']);
    is_plain.then(|| times.parse().ok()).flatten().map(|times| part.repeat(times))
}
