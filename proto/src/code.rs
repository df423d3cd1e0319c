//! The codes that stand on every error, for programs. They are frozen.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// What kind of error it is; the name on the wire never changes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum Code {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)*
        }

        impl Code {
            /// Every code, in the order of the reference.
            pub const ALL: &[Code] = &[$(Code::$variant,)*];

            /// The name on the wire.
            pub const fn name(self) -> &'static str {
                match self { $(Code::$variant => $name,)* }
            }

            /// What it means, in a line of the reference.
            pub fn meaning(self) -> &'static str {
                match self { $(Code::$variant => first_line(&[$(stringify!($doc),)*]),)* }
            }
        }
    };
}

/// The text of the first attribute `doc = "…"`, as `stringify!` spells it.
fn first_line(attributes: &[&'static str]) -> &'static str {
    let first = attributes.first().copied().unwrap_or_default();
    let text = first.split_once('"').map_or("", |(_, rest)| rest);
    text.rsplit_once('"').map_or(text, |(text, _)| text).trim()
}

codes! {
    /// The frame is not one JSON object with a string `type`.
    BadFrame = "bad_frame",
    /// The frame is empty or longer than the limit; the connection ends.
    FrameTooLarge = "frame_too_large",
    /// No command has this name.
    UnknownCommand = "unknown_command",
    /// The command is not allowed in this state; `data.states` lists where it is.
    WrongState = "wrong_state",
    /// A field is missing, unknown or has a value that cannot be; see `data.field`.
    BadRequest = "bad_request",
    /// The name and the password, or the token, do not open an account.
    Unauthorized = "unauthorized",
    /// Too many attempts: wait `data.retry_after_ms` milliseconds.
    Throttled = "throttled",
    /// An account with this name, or one that looks like it, exists.
    NameTaken = "name_taken",
    /// There is no account with this name.
    NoSuchUser = "no_such_user",
    /// There is no room with this name.
    NoSuchRoom = "no_such_room",
    /// A room with this name, or one that looks like it, exists.
    RoomExists = "room_exists",
    /// It is so already.
    AlreadyThere = "already_there",
    /// The user is not in this room.
    NotInRoom = "not_in_room",
    /// You may not do this.
    Forbidden = "forbidden",
    /// The text is longer than the limit.
    TooLong = "too_long",
    /// You did not read what was sent to you; the connection ends.
    SlowConsumer = "slow_consumer",
    /// The server has too much to do: try again later.
    ServerBusy = "server_busy",
    /// It may or may not have happened: repeat it with the same `key`.
    UnknownOutcome = "unknown_outcome",
    /// It took too long; the connection ends.
    Timeout = "timeout",
    /// The server stops; the connection ends.
    ShuttingDown = "shutting_down",
    /// A defect of the server; its log says more.
    Internal = "internal",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_one_name_and_a_meaning() {
        for code in Code::ALL {
            let json = serde_json::to_value(code).unwrap();
            assert_eq!(json, code.name());
            assert!(code.meaning().ends_with(['.', '`']), "{code}: {}", code.meaning());
        }
        assert_eq!(Code::NotInRoom.meaning(), "The user is not in this room.");
    }
}
