//! A script is checked before it is run: every line is understood, and the state that
//! the lines before it lead to allows it. No server is asked.

use std::path::{Path, PathBuf};

use proto::{Catalogue, State, States};

use crate::book::Book;
use crate::entrance;
use crate::local::Local;
use crate::script::SOURCE_DEPTH_MAX;
use crate::source::Script;
use crate::step::{self, Step, Trouble};

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    file: String,
    line: usize,
    column: usize,
    message: String,
    /// Is it a command that nobody here knows? A server may have it all the same.
    pub(crate) is_unheard_of: bool,
}

/// The problems in the script `text`, which begins before a login: the line, counted from
/// 1, and what is wrong with it. By the commands of chatd as it is shipped.
pub fn problems(text: &str, keep_going: bool) -> Vec<(usize, String)> {
    let script = match Script::read("script".into(), text.as_bytes()) {
        Ok(script) => script,
        Err(bad) => return vec![(0, bad)],
    };
    let found = check(&script, &Book::new().catalogue, State::Auth, keep_going);
    found.into_iter().map(|problem| (problem.line, problem.message)).collect()
}

impl Problem {
    /// `file:line:column: message`, as compilers say it.
    pub(crate) fn report(&self) -> String {
        format!("{}:{}:{}: {}", self.file, self.line, self.column, self.message)
    }
}

/// Checks `script`, which begins in the state `from`, and the files that it names.
///
/// `keep_going`: a command that fails does not end the script, so after it the session
/// may be where it was before.
pub(crate) fn check(
    script: &Script,
    catalogue: &Catalogue,
    from: State,
    keep_going: bool,
) -> Vec<Problem> {
    let mut checker = Checker {
        catalogue,
        keep_going,
        within: Vec::new(),
        checked: Vec::new(),
        problems: Vec::new(),
    };
    checker.script(script, States::of(&[from]));
    checker.problems
}

/// Where the address of `/connect ADDRESS` stands.
const CONNECT_COLUMN: usize = 10;

/// Where a session is that may be anywhere.
const ANYWHERE: States = States::of(&[State::Auth, State::Lobby, State::Chat]);

struct Checker<'a> {
    catalogue: &'a Catalogue,
    keep_going: bool,
    /// The files that we are in, which name each other in this order.
    within: Vec<PathBuf>,
    /// Files that were checked, where each began, and where it led.
    checked: Vec<(PathBuf, States, Option<States>)>,
    problems: Vec<Problem>,
}

impl Checker<'_> {
    /// Where the script leads that begins in one of these states; none if it quits.
    fn script(&mut self, script: &Script, mut states: States) -> Option<States> {
        for line in &script.lines {
            match step::understand(&line.text, true, self.catalogue, states) {
                Ok(
                    Step::Nothing
                    | Step::Here(
                        Local::Help(_)
                        | Local::Sleep(_)
                        | Local::Wait(_)
                        | Local::Set(_)
                        | Local::Settings(_),
                    ),
                ) => {}
                Ok(Step::Here(Local::Connect(address))) => match entrance::leads_to(&address) {
                    Ok(to) if self.keep_going => states = either(states, States::of(&[to])),
                    Ok(to) => states = States::of(&[to]),
                    Err(failure) => {
                        let why = format!("connect: {}", failure.message);
                        self.add(script, line.number, CONNECT_COLUMN, why);
                        states = ANYWHERE;
                    }
                },
                Ok(Step::Here(Local::Quit)) => return None,
                Ok(Step::Here(Local::Source(file))) => match self.file(&file, states) {
                    Ok(after) => states = after?,
                    Err(why) => self.add(script, line.number, 1, format!("source: {why}")),
                },
                Ok(Step::Ask { command, .. }) => {
                    let spec = &command.spec;
                    let allowed = both(states, spec.states);
                    if allowed.is_empty() {
                        let why = not_allowed(&spec.name, self.catalogue, states, spec.states);
                        self.add(script, line.number, 1, why);
                    }
                    let before = if self.keep_going { states } else { allowed };
                    states = match spec.leads_to {
                        to if to.is_empty() && allowed.is_empty() => states,
                        to if to.is_empty() => before,
                        to if self.keep_going => either(before, to),
                        to => to,
                    };
                }
                Err(trouble) => {
                    self.add(script, line.number, trouble.column(), trouble.to_string());
                    let is_unheard_of = matches!(trouble, Trouble::Unknown { nearest: None, .. });
                    self.problems.last_mut().into_iter().for_each(|problem| {
                        problem.is_unheard_of = is_unheard_of;
                    });
                }
            }
        }
        Some(states)
    }

    /// The same of a file that a script names.
    fn file(&mut self, file: &Path, states: States) -> Result<Option<States>, String> {
        // A pipe can be read once only.
        if file.exists() && !file.is_file() {
            return Ok(Some(ANYWHERE));
        }
        let name = file.display();
        if self.within.len() == SOURCE_DEPTH_MAX {
            return Err(format!("{name}: files that name files, {SOURCE_DEPTH_MAX} deep"));
        }
        let path = file.canonicalize().unwrap_or_else(|_| file.into());
        if self.within.contains(&path) {
            return Err(format!("{name} names itself, and would never end"));
        }
        // Files that name many files would be read again and again.
        let known = self.checked.iter().find(|(known, from, _)| *known == path && *from == states);
        let after = match known {
            Some((.., after)) => *after,
            None => {
                let script = Script::open(file)?;
                self.within.push(path.clone());
                let after = self.script(&script, states);
                self.within.pop();
                self.checked.push((path, states, after));
                after
            }
        };
        Ok(if self.keep_going { Some(ANYWHERE) } else { after })
    }

    fn add(&mut self, script: &Script, line: usize, column: usize, message: String) {
        let file = script.name.clone();
        self.problems.push(Problem { file, line, column, message, is_unheard_of: false });
    }
}

fn not_allowed(name: &str, catalogue: &Catalogue, from: States, to: States) -> String {
    let place = match from.iter().next() {
        Some(State::Auth) => "before a login",
        Some(State::Lobby) => "in the lobby",
        Some(State::Chat) => "in a room",
        Some(State::Ended) | None => "after the end",
    };
    let way = step::way(catalogue, from, to);
    let way: Vec<_> = way.iter().map(|command| format!("/{}", command.spec.name)).collect();
    match way.is_empty() {
        true => format!("/{name} is not allowed {place}"),
        false => {
            format!("/{name} is not allowed {place}: did you forget {}?", way.join(" and "))
        }
    }
}

fn both(a: States, b: States) -> States {
    a.iter().filter(|state| b.contains(*state)).collect::<Vec<_>>().into()
}

fn either(a: States, b: States) -> States {
    a.iter().chain(b.iter()).collect::<Vec<_>>().into()
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::{local, testing};

    #[track_caller]
    fn check_from(from: State, keep_going: bool, text: &str, expected: Expect) {
        let mut catalogue = testing::catalogue();
        catalogue.commands.extend(local::commands());
        let script = Script::read("post.chat".into(), text.as_bytes()).unwrap();
        let problems = check(&script, &catalogue, from, keep_going);
        let reports: Vec<_> = problems.iter().map(|problem| problem.report()).collect();
        expected.assert_eq(&reports.join("\n"));
    }

    #[test]
    fn a_good_script_has_no_problems() {
        let script = "\
            # Says hello.\n\
            /register harper 1234\n/login harper 1234\n/create tech_talk\n/enter tech_talk\n\
            Hello everyone!\n/list\n/wait --from bob\n/exit\n/logout\n/login ann 1234\n/quit\n\
            this is never reached";
        check_from(State::Auth, false, script, expect![""]);
        check_from(State::Chat, false, "hello\n/exit\n/list", expect![""]);
        check_from(State::Auth, false, "/resume t0p --room ops\nhello", expect![""]);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        check_from(
            State::Lobby,
            false,
            "/entre ops\n\n/enter\n/create ops --privat\n/xyzzy\n/sleep soon",
            expect![[r#"
                post.chat:1:1: there is no command /entre: did you mean /enter?
                post.chat:3:8: enter: room is missing: /enter ROOM
                post.chat:4:13: create: there is no option --privat: did you mean --private?
                post.chat:5:1: there is no command /xyzzy: /help lists them
                post.chat:6:8: sleep: "soon" is no time: 500ms, 2s and 1m30s are"#]],
        );
    }

    #[test]
    fn a_command_must_be_allowed_where_the_script_is() {
        check_from(
            State::Lobby,
            false,
            "/list\n/exit\nhello",
            expect![[r#"
                post.chat:2:1: /exit is not allowed in the lobby: did you forget /enter?
                post.chat:3:1: a line without a slash is said in a room, and here is none: /enter ROOM first"#]],
        );
        check_from(
            State::Auth,
            false,
            "/msg public hi\n/list",
            expect![[r#"
                post.chat:1:1: /msg is not allowed before a login: did you forget /login and /enter?
                post.chat:2:1: /list is not allowed before a login: did you forget /login?"#]],
        );
        check_from(
            State::Chat,
            false,
            "/login ann 1234",
            expect![[r#"
                post.chat:1:1: /login is not allowed in a room: did you forget /exit and /logout?"#]],
        );
        check_from(
            State::Lobby,
            false,
            "hello",
            expect![
                "post.chat:1:1: a line without a slash is said in a room, and here is none: /enter ROOM first"
            ],
        );
    }

    #[test]
    fn another_server_is_where_its_address_leads() {
        check_from(
            State::Chat,
            false,
            "/connect 127.0.0.1:1\n/list\n/connect ann@127.0.0.1:1\n/list\n\
             /connect ann@127.0.0.1:1/ops\nhello\n/connect a:b:c\n/connect 127.0.0.1/ops",
            expect![[r#"
                post.chat:2:1: /list is not allowed before a login: did you forget /login?
                post.chat:7:10: connect: "b:c" is no port
                post.chat:8:10: connect: a room is entered after logging in: say NAME@HOST/ROOM, or -u NAME"#]],
        );
        // It may fail, and the session be where it was.
        check_from(State::Chat, true, "/connect 127.0.0.1:1\nhello\n/login ann 1234", expect![""]);
    }

    #[test]
    fn when_it_keeps_going_it_may_be_where_it_was() {
        check_from(State::Lobby, true, "/enter a\n/enter b\nhello\n/exit\n/logout", expect![""]);
    }
}
