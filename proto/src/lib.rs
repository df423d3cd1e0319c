//! The language that chatd and chatsh speak: frames, messages, names, states and
//! the specifications of commands, and how a shell line becomes a request.
//!
//! Nothing here does input or output, knows the time or runs anything. The wire
//! itself is described in `chat-protocol(7)`.

mod cap;
mod catalogue;
mod code;
mod frame;
mod help;
mod key;
mod line;
mod message;
mod name;
mod secret;
mod spec;
mod state;
mod strict;
mod text;

pub use cap::{Cap, Caps};
pub use catalogue::{Catalogue, Push, nearest};
pub use code::Code;
pub use frame::{DecodeError, Decoder, Frame, FrameError, HEADER_BYTES, frame};
pub use help::{arguments, overview, page, usage};
pub use key::{KEY_CHARS_MAX, Key, KeyError};
pub use line::{Line, LineError, quoted, read_line, request_of, write_line};
pub use message::{ID_CHARS_MAX, Id, Incoming, Malformed, Outgoing, Refusal, Request, Status};
pub use name::{NameError, NameKey, ROOM_NAME_CHARS_MAX, RoomName, USER_NAME_CHARS_MAX, UserName};
pub use secret::{PASSWORD_BYTES_MAX, Password, SecretError, TOKEN_BYTES, Token};
pub use spec::{Arg, Description, Kind, Role, Spec};
pub use state::{State, States};
pub use text::{Addressee, Text, TextError};

/// The version of the protocol that this crate speaks, as `hello` tells it.
pub const VERSION: u32 = 1;

/// The TCP port that a server listens on and a client asks for, when none is named.
pub const PORT: u16 = 65432;
