//! What a line asks for: nothing, a request to the server, or a command of our own.

use proto::{Catalogue, Description, Line, State, States, read_line, request_of, usage};
use serde_json::{Map, Value};

use crate::local::{self, Local};
use crate::{elsewhere, masking, moment};

/// A line that was understood.
#[derive(Debug)]
pub(crate) enum Step<'a> {
    /// Blank, or a comment.
    Nothing,
    /// To be asked of the server.
    Ask {
        /// Which command.
        command: &'a Description,
        /// With which data.
        data: Map<String, Value>,
        /// Was it a line without a slash?
        is_bare: bool,
    },
    /// To be done here.
    Here(Local),
}

/// Why a line cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Trouble {
    /// No command has that name.
    #[error("there is no command /{name}: {}", match nearest {
        Some(nearest) => format!("did you mean /{nearest}?"),
        // The path of a file, most likely.
        None if name.contains('/') => format!("what begins with a slash is said with two: //{name}"),
        None => elsewhere::instead(name).unwrap_or("/help lists them").into(),
    })]
    Unknown {
        /// The word behind the slash.
        name: String,
        /// What it was probably meant to be.
        nearest: Option<String>,
    },
    /// In a script it would be said in the room, a password with it.
    #[error("a command has no blanks before its slash; to say this line put \"/msg public\" there")]
    Indented {
        /// Where the slash is, in characters, from 1.
        column: usize,
    },
    /// The arguments are not those of the command.
    #[error("{message}")]
    Arguments {
        /// Where in the line, in characters, from 1.
        column: usize,
        /// What is wrong and what to do.
        message: String,
    },
    /// A line to be said where nobody would hear it.
    #[error("a line without a slash is said in a room, and here is none: {}", match way.as_slice() {
        [] => "/help lists what can be done".into(),
        way => format!("{} first", way.join(", then ")),
    })]
    NoRoom {
        /// The commands that lead into a room, as they are written.
        way: Vec<String>,
    },
}

impl Trouble {
    /// Where in the line, in characters, from 1.
    pub(crate) fn column(&self) -> usize {
        match self {
            Trouble::Arguments { column, .. } | Trouble::Indented { column } => *column,
            Trouble::Unknown { .. } | Trouble::NoRoom { .. } => 1,
        }
    }
}

/// Understands `line`; `states` is where the session may be when its turn comes.
///
/// Whether a command is allowed there is for the server to say; only what a line
/// without a slash means depends on the place.
///
/// # Errors
/// The line cannot be sent at all.
pub(crate) fn understand<'a>(
    line: &str,
    in_script: bool,
    catalogue: &'a Catalogue,
    states: States,
) -> Result<Step<'a>, Trouble> {
    match read_line(line, in_script) {
        Line::Nothing => Ok(Step::Nothing),
        Line::Said(text) if in_script && let Some(column) = indented(text, catalogue) => {
            Err(Trouble::Indented { column })
        }
        Line::Said(text) => {
            let (command, data) = said(text, catalogue, states)?;
            Ok(Step::Ask { command, data, is_bare: true })
        }
        Line::Command { name, arguments, column } => {
            let command = catalogue.find(name).ok_or_else(|| unknown(name, catalogue))?;
            let data = local::data_of_few(name, arguments)
                .map_or_else(|| request_of(command, arguments), Ok);
            let mut data = data.map_err(|e| {
                // What is wrong may be the password, which is not to be repeated.
                let message = match masking::secret_from(line, catalogue) {
                    Some(_) => format!(
                        "these are not its arguments (one with blanks or quotes is quoted): {}",
                        usage(command)
                    ),
                    None => e.message,
                };
                let (column, message) = (column + e.column, format!("{name}: {message}"));
                Trouble::Arguments { column, message }
            })?;
            let wrong =
                |why: String| Trouble::Arguments { column, message: format!("{name}: {why}") };
            match local::read(name, &data) {
                None => {
                    moment::give(command, &mut data).map_err(wrong)?;
                    Ok(Step::Ask { command, data, is_bare: false })
                }
                Some(Ok(local)) => Ok(Step::Here(local)),
                Some(Err(why)) => Err(wrong(why)),
            }
        }
    }
}

/// Where the slash of a command is that has blanks before it, in characters, from 1.
fn indented(line: &str, catalogue: &Catalogue) -> Option<usize> {
    let command = line.trim_start();
    let name = command.strip_prefix('/')?.split_whitespace().next()?;
    let column = line[..line.len() - command.len()].chars().count() + 1;
    let is_command = catalogue.find(&name.to_lowercase()).is_some()
        || masking::secret_from(command, catalogue).is_some();
    (column > 1 && is_command).then_some(column)
}

/// What to say of `name`, which is no command.
pub(crate) fn unknown(name: &str, catalogue: &Catalogue) -> Trouble {
    Trouble::Unknown { name: name.into(), nearest: elsewhere::meant(name, catalogue) }
}

/// The request that says `text` to all.
///
/// # Errors
/// There is nobody in any of these states.
pub(crate) fn said<'a>(
    text: &str,
    catalogue: &'a Catalogue,
    states: States,
) -> Result<(&'a Description, Map<String, Value>), Trouble> {
    let Some((command, bare)) = states
        .iter()
        .find_map(|state| catalogue.bare(state))
        .and_then(|command| Some((command, command.spec.bare.as_deref()?)))
    else {
        let speaking = catalogue.commands.iter().filter(|command| command.spec.bare.is_some());
        let targets: Vec<State> = speaking.flat_map(|command| command.spec.states.iter()).collect();
        let way = way(catalogue, states, targets.into()).into_iter().map(usage).collect();
        return Err(Trouble::NoRoom { way });
    };
    // Behind the dashes nothing in the text is taken for an option.
    let data = request_of(command, &format!("{bare} -- {text}"))
        .map_err(|e| Trouble::Arguments { column: 1, message: e.message })?;
    Ok((command, data))
}

/// The fewest commands that lead from one of the states `from` to one of `to`.
///
/// Only commands that lead to one place for sure: a way is advice. None means that
/// there is no way, or that it is already there.
pub(crate) fn way(catalogue: &Catalogue, from: States, to: States) -> Vec<&Description> {
    let mut reached: Vec<(State, Vec<&Description>)> =
        from.iter().map(|state| (state, Vec::new())).collect();
    let mut next = 0;
    while let Some((state, way)) = reached.get(next).cloned() {
        if to.contains(state) {
            return way;
        }
        next += 1;
        for command in catalogue.allowed(state) {
            let mut targets = command.spec.leads_to.iter();
            let (Some(target), None) = (targets.next(), targets.next()) else { continue };
            if reached.iter().all(|(known, _)| *known != target) {
                let mut way = way.clone();
                way.push(command);
                reached.push((target, way));
            }
        }
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[track_caller]
    fn check(line: &str, state: State, expected: &str) {
        let catalogue = testing::catalogue();
        let result = match understand(line, true, &catalogue, States::of(&[state])) {
            Ok(Step::Nothing) => "nothing".into(),
            Ok(Step::Ask { command, data, .. }) => {
                format!("{} {}", command.spec.name, Value::Object(data))
            }
            Ok(Step::Here(local)) => format!("{local:?}"),
            Err(trouble) => format!("{}: {trouble}", trouble.column()),
        };
        assert_eq!(result, expected, "{line:?}");
    }

    #[test]
    fn a_line_is_a_request() {
        check("/enter attic", State::Lobby, r#"enter {"room":"attic"}"#);
        check("hello all", State::Chat, r#"msg {"to":"public","text":"hello all"}"#);
        check("//etc", State::Chat, r#"msg {"to":"public","text":"/etc"}"#);
        check("--key is a flag", State::Chat, r#"msg {"to":"public","text":"--key is a flag"}"#);
        check("  two blanks", State::Chat, r#"msg {"to":"public","text":"  two blanks"}"#);
        check("  /usr/bin", State::Chat, r#"msg {"to":"public","text":"  /usr/bin"}"#);
        check("// /enter", State::Chat, r#"msg {"to":"public","text":"/ /enter"}"#);
        check("a\nb", State::Chat, r#"msg {"to":"public","text":"a\nb"}"#);
        check("", State::Chat, "nothing");
        check("# comment", State::Chat, "nothing");
    }

    #[test]
    fn what_cannot_be_sent_says_what_to_do() {
        check(
            "\t /enter attic",
            State::Chat,
            "3: a command has no blanks before its slash; to say this line put \"/msg public\" there",
        );
        for line in ["  /Login ann 1234", "  /logn ann 1234"] {
            check(
                line,
                State::Chat,
                "3: a command has no blanks before its slash; to say this line put \"/msg public\" there",
            );
        }
        check("/entre attic", State::Lobby, "1: there is no command /entre: did you mean /enter?");
        check(
            "/usr/bin/env is there",
            State::Chat,
            "1: there is no command /usr/bin/env: what begins with a slash is said with two: //usr/bin/env",
        );
        check("/join ops", State::Lobby, "1: there is no command /join: did you mean /enter?");
        check("/xyzzy", State::Lobby, "1: there is no command /xyzzy: /help lists them");
        check("/enter", State::Lobby, "8: enter: room is missing: /enter ROOM");
        check("/roll --sides six", State::Lobby, "7: roll: sides: \"six\" is not a whole number");
        check(
            "hello",
            State::Lobby,
            "1: a line without a slash is said in a room, and here is none: /enter ROOM first",
        );
        check(
            "hello",
            State::Auth,
            "1: a line without a slash is said in a room, and here is none: \
             /login USERNAME PASSWORD, then /enter ROOM first",
        );
    }
}
