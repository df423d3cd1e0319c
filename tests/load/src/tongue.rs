//! What a client says and hears, whichever language it speaks.

use crate::{chat, irc};

/// A language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tongue {
    /// That of chatd.
    Chat,
    /// That of InspIRCd, ngIRCd and others.
    Irc,
}

/// Somebody who connects.
#[derive(Debug, Clone)]
pub struct Person {
    pub name: String,
    /// What opens the account: chatd wants it, an IRC server has no accounts.
    pub token: String,
}

/// What a client has heard.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard<'a> {
    /// A text that somebody said in the room.
    Said(&'a [u8]),
    /// It is logged in.
    Welcome,
    /// It is in the room.
    Entered,
    /// It has to give an answer, which is this.
    Asked(Vec<u8>),
    /// Any other reply of chatd, whole.
    Reply(&'a [u8]),
    /// It was refused something.
    Refused(&'a [u8]),
    /// What does not matter here.
    Other,
    /// The connection has ended.
    Ended,
}

impl Tongue {
    /// The first thing in `bytes`, and how long it is; `None` while it is not whole.
    pub fn hear(self, bytes: &[u8]) -> Option<(Heard<'_>, usize)> {
        match self {
            Tongue::Chat => chat::hear(bytes),
            Tongue::Irc => irc::hear(bytes),
        }
    }

    /// Logs in.
    pub fn log_in(self, person: &Person) -> Vec<u8> {
        match self {
            Tongue::Chat => chat::resume(&person.token),
            Tongue::Irc => irc::register(&person.name),
        }
    }

    /// Enters a room, and makes it if it is missing.
    pub fn enter(self, room: usize) -> Vec<u8> {
        match self {
            Tongue::Chat => chat::enter(room),
            Tongue::Irc => irc::join(room),
        }
    }

    /// Says something in the room.
    pub fn say(self, room: usize, text: &str) -> Vec<u8> {
        match self {
            Tongue::Chat => chat::say(text),
            Tongue::Irc => irc::say(room, text),
        }
    }

    /// Does a speaker get what it says itself? In chatd it is the acknowledgement.
    pub fn hears_itself(self) -> bool {
        self == Tongue::Chat
    }
}
