//! How chatsh ends: the true `$?` of a script, and the last words that go with it.

use std::process::ExitCode;

use proto::{Code, State};

/// The exit codes. They are frozen: scripts live by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// All is done and acknowledged.
    Done = 0,
    /// The server refused, or a line could not be sent.
    Refused = 1,
    /// The options, a file they name, or a script found wrong before connecting.
    Usage = 2,
    /// The server does not know or does not let us: log in, or as somebody else.
    Unauthorized = 3,
    /// No connection, or it ended while nothing was under way.
    NoConnection = 4,
    /// The server is not the one that is meant; nothing was sent to it.
    WrongServer = 5,
    /// Too many attempts, and we were told not to wait.
    Throttled = 6,
    /// A line may or may not have had its effect.
    UnknownOutcome = 7,
    /// The peer does not speak this protocol.
    OtherProtocol = 8,
    /// A reply did not come in time.
    Timeout = 124,
    /// The user ended it.
    Interrupted = 130,
}

impl Exit {
    /// What it means for a script that the server refused with `code` in `state`.
    pub(crate) fn of_refusal(code: Option<&str>, state: State) -> Exit {
        let is = |wanted: Code| code == Some(wanted.name());
        if is(Code::Unauthorized) || is(Code::Forbidden) {
            return Exit::Unauthorized;
        }
        if is(Code::WrongState) && state == State::Auth {
            return Exit::Unauthorized;
        }
        if is(Code::Throttled) {
            return Exit::Throttled;
        }
        if is(Code::UnknownOutcome) {
            return Exit::UnknownOutcome;
        }
        Exit::Refused
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// The end of chatsh, for a reason that the user is told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    /// What the shell gets as `$?`.
    pub(crate) exit: Exit,
    /// For the user; empty when all was said.
    pub(crate) message: String,
    /// Is it that nobody reads our stdout any more?
    pub(crate) is_unread: bool,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Failure {
        Failure { exit, message: message.into(), is_unread: false }
    }

    /// The user asked for it: there is nothing to explain.
    pub(crate) fn interrupted() -> Failure {
        Failure::new(Exit::Interrupted, "")
    }

    /// Nobody reads our stdout any more.
    pub(crate) fn unread() -> Failure {
        Failure { is_unread: true, ..Failure::new(Exit::Refused, "stdout is closed") }
    }

    /// The same while a line was under way: it may have had its effect.
    pub(crate) fn with_unknown_outcome(self) -> Failure {
        Failure { exit: Exit::UnknownOutcome, ..self.with_doubt() }
    }

    /// The same, and it is not known what became of the line.
    pub(crate) fn with_doubt(self) -> Failure {
        let message = format!("{}; the line may or may not have had its effect", self.message);
        Failure { message, ..self }
    }

    /// The same, with what we were doing in front.
    pub(crate) fn while_doing(self, what: &str) -> Failure {
        match self.message.is_empty() {
            true => self,
            false => Failure { message: format!("{what}: {}", self.message), ..self },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_has_the_exit_code_of_the_contract() {
        for (code, state, exit) in [
            ("unauthorized", State::Auth, 3),
            ("forbidden", State::Chat, 3),
            ("wrong_state", State::Auth, 3),
            ("wrong_state", State::Lobby, 1),
            ("throttled", State::Auth, 6),
            ("unknown_outcome", State::Chat, 7),
            ("no_such_room", State::Lobby, 1),
            ("a_code_of_tomorrow", State::Lobby, 1),
        ] {
            assert_eq!(Exit::of_refusal(Some(code), state) as u8, exit, "{code}");
        }
        assert_eq!(Exit::of_refusal(None, State::Lobby), Exit::Refused);
    }
}
