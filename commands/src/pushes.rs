//! What a server sends without being asked, for the catalogue.

use proto::{Cap, Push};

use crate::Listing;
use crate::cmd::ping::Pong;
use crate::hall::PutOut;
use crate::presence::{Counts, Passage};
use crate::telling::{Change, Message, Notice, Tell};

/// Every kind of push, by name. Those that go with a command's reply have its type.
pub(crate) fn pushes() -> Vec<Push> {
    vec![
        Push::of::<Counts<'static>>(
            "counts",
            Some(Cap::Presence),
            "In the lobby: how many users are in rooms where that changed",
        ),
        Push::of::<Change<'static>>("edit", Some(Cap::Edits), "A message of your room was changed"),
        Push::of::<PutOut<'static>>("exit", None, "You were put out of your room into the lobby"),
        Push::of::<Passage<'static>>(
            "joined",
            Some(Cap::Presence),
            "Somebody came into your room, and stayed for half a second",
        ),
        Push::of::<Passage<'static>>(
            "left",
            Some(Cap::Presence),
            "Somebody left your room, and did not come back at once",
        ),
        Push::of::<Listing>("list", Some(Cap::ListPush), "In the lobby: who is where"),
        Push::of::<Listing>("list_room", Some(Cap::ListPush), "In a room: who is there"),
        Push::of::<Message<'static>>("msg", None, "Somebody said something in your room"),
        Push::of::<Notice<'static>>(
            "notice",
            Some(Cap::Notices),
            "A keeper of your room did something",
        ),
        Push::of::<Pong>("ping", Some(Cap::Ping), "You were silent: answer with any frame"),
        Push::of::<Change<'static>>(
            "redact",
            Some(Cap::Edits),
            "A message of your room was taken back",
        ),
        Push::of::<Tell<'static>>("tell", Some(Cap::Tells), "Somebody wrote to your account"),
    ]
}
