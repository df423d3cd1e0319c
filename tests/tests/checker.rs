//! `chatsh --check` against the server's own rules: what the server accepts the checker
//! never rejects, and every error of state that it would give is predicted.
//!
//! The server is the one of the stories, without a network: thousands of scripts are run.

#![allow(clippy::unwrap_used)]

#[path = "../../commands/tests/world/mod.rs"]
mod world;

use chatsh::check::problems;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::FileFailurePersistence;
use proto::{Code, Line, read_line, request_of};
use serde_json::json;
use tests::is_slow;

use world::{CATALOGUE, Stage};

/// Who runs the script.
const WHO: &str = "ann";

/// Lines that are fine somewhere, wrong somewhere, or wrong everywhere.
const LINES: [&str; 27] = [
    "/register ann 1234",
    "/register bob 1234",
    "/login ann 1234",
    "/login ann 1234",
    "/login ann 1234",
    "/login ann 4321",
    "/login ann",
    "/resume {token ann-1}",
    "/logout",
    "/enter attic",
    "/enter attic",
    "/enter nowhere",
    "/enter",
    "/entre attic",
    "/create cellar --topic wine",
    "/create cellar --tpoic wine",
    "/exit",
    "/list",
    "hello everyone",
    "//etc is a folder",
    "/msg public hi",
    "/msg bob hi",
    "/history --limit 5",
    "/history --limit many",
    "# a comment",
    "/help enter",
    "",
];

/// The lines, and the example of each command that there is.
fn line() -> impl Strategy<Value = String> {
    let examples = CATALOGUE.commands.iter().map(|command| command.spec.example.to_string());
    let token = world::token("ann-1");
    let lines = LINES.iter().map(|line| line.replace("{token ann-1}", &token));
    let rare = examples.chain(["/quit".into(), "/xyzzy".into()]).collect::<Vec<_>>();
    prop_oneof![5 => select(lines.collect::<Vec<_>>()), 1 => select(rare)]
}

/// Scripts that get somewhere, and scripts that do not.
fn script() -> impl Strategy<Value = Vec<String>> {
    let start = select(vec![
        vec![],
        vec!["/login ann 1234".to_owned()],
        vec!["/login ann 1234".to_owned(), "/enter attic".to_owned()],
    ]);
    (start, prop::collection::vec(line(), 0..12)).prop_map(|(start, rest)| [start, rest].concat())
}

/// What became of a line.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    /// It was done, or there was nothing to do.
    Fine,
    /// It is the end.
    End,
    /// No request can be made of it.
    NoRequest,
    /// The server refused it with this code.
    Refused(String),
}

/// A server with ann's account and a room, as a script finds it.
fn stage() -> Stage {
    let mut stage = Stage::new();
    stage.put("zoe", "attic", proto::Caps::default());
    let account = json!({ "username": WHO, "password": "1234" });
    stage.ask(WHO, json!({ "type": "register", "data": account }).to_string());
    stage
}

/// Runs a line as chatsh runs those of a script.
fn run(stage: &mut Stage, line: &str) -> Fate {
    let request = match read_line(line, true) {
        Line::Nothing | Line::Command { name: "help", .. } => return Fate::Fine,
        Line::Command { name: "quit", .. } => return Fate::End,
        Line::Command { name, arguments, .. } => CATALOGUE
            .find(name)
            .and_then(|command| Some((command, request_of(command, arguments).ok()?))),
        Line::Said(text) => CATALOGUE.bare(stage.person(WHO).state()).and_then(|command| {
            let bare = command.spec.bare.as_deref().unwrap();
            Some((command, request_of(command, &format!("{bare} -- {text}")).ok()?))
        }),
    };
    let Some((command, data)) = request else { return Fate::NoRequest };
    let body = json!({ "type": command.spec.name, "data": data, "id": 1 }).to_string();
    let replies = stage.ask(WHO, body);
    let reply = replies.iter().find(|frame| frame.id.is_some()).expect("a request has a reply");
    match &reply.code {
        Some(code) => Fate::Refused(code.clone()),
        None => Fate::Fine,
    }
}

fn config() -> ProptestConfig {
    let persistence = FileFailurePersistence::WithSource("regressions");
    ProptestConfig {
        failure_persistence: Some(Box::new(persistence)),
        ..ProptestConfig::with_cases(if is_slow() { 10_000 } else { 500 })
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_checker_finds_the_first_line_that_cannot_be(script in script()) {
        let found = problems(&script.join("\n"), false);
        let first = found.first().map(|(line, _)| *line);
        let mut stage = stage();
        for (index, line) in script.iter().enumerate() {
            let number = index + 1;
            match run(&mut stage, line) {
                Fate::Fine => prop_assert_ne!(first, Some(number), "{}: {:?}", line, found),
                Fate::End => {
                    prop_assert_eq!(first, None);
                    return Ok(());
                }
                fate => {
                    // The script ends here, and nothing before was found wrong.
                    let is_predictable =
                        fate == Fate::NoRequest || fate == Fate::Refused(Code::WrongState.name().into());
                    if is_predictable {
                        prop_assert_eq!(first, Some(number), "{}: {:?} {:?}", line, fate, found);
                    }
                    return Ok(());
                }
            }
        }
        prop_assert_eq!(found, vec![]);
    }

    #[test]
    fn when_it_keeps_going_no_line_is_rejected_that_the_server_accepts(script in script()) {
        let found = problems(&script.join("\n"), true);
        let mut stage = stage();
        for (index, line) in script.iter().enumerate() {
            match run(&mut stage, line) {
                Fate::Fine => {
                    let wrong = found.iter().find(|(number, _)| *number == index + 1);
                    prop_assert_eq!(wrong, None, "{}", line);
                }
                Fate::End => return Ok(()),
                Fate::NoRequest | Fate::Refused(_) => {}
            }
        }
    }
}
