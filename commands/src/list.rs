//! Who is where, and when those who want the whole list get it again.
//!
//! A client with `list-push` gets the list of its place on arriving and after each
//! change, at most [`PUSHES_PER_S`] times a second and less often the more bytes that
//! makes: of many people who enter at once each costs a flag, not a list for everyone.

use std::time::{Duration, Instant};

use proto::{Cap, Frame, Outgoing, RoomName, UserName, frame};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::hall::Place;
use crate::members::{Member, Members};

/// How often a list is pushed to the same connection, at most.
const PUSHES_PER_S: u32 = 5;

/// How many bytes of lists one place makes in a second, at most.
///
/// A list of 2,000 users for 2,000 users is 40 MB: it then goes out every ten seconds,
/// and not five times in each.
const LIST_BYTES_PER_S: usize = 4 << 20;

/// Rooms (or the lobby) and the users in them, sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing(Vec<(RoomName, Vec<UserName>)>);

impl Listing {
    pub(crate) fn of(place: &Place<'_>) -> Listing {
        match place {
            Place::Outside => Listing(Vec::new()),
            Place::Room(room, inside) => Listing(vec![(room.name.clone(), inside.members.names())]),
            Place::Lobby(directory, account) => {
                let lobby = (RoomName::trusted("lobby"), directory.lobby.names());
                let rooms = directory.rooms().filter(|room| room.is_known_to(*account));
                let rooms = rooms.map(|room| (room.name.clone(), room.inside().members.names()));
                Listing(std::iter::once(lobby).chain(rooms).collect())
            }
        }
    }
}

impl Serialize for Listing {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let mut map = out.serialize_map(Some(self.0.len()))?;
        for (room, users) in &self.0 {
            map.serialize_entry(room, users)?;
        }
        map.end()
    }
}

impl JsonSchema for Listing {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Listing".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Each room, or `lobby`, with the users in it, sorted.",
            "type": "object",
            "additionalProperties": { "type": "array", "items": { "type": "string" } }
        })
    }
}

/// The push of the list of `place`: in a room its type is not that of the reply to
/// `list`, so that a client can tell where it is meant.
pub(crate) fn push_of(place: &Place<'_>) -> Frame {
    let kind = match place {
        Place::Room(..) => "list_room",
        Place::Lobby(..) | Place::Outside => "list",
    };
    frame(&Outgoing::ok(kind, Listing::of(place)))
}

/// The last list that a member was sent: which one, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sent {
    /// None yet.
    Never,
    /// The list as it was after that many changes.
    Version(u64, Instant),
}

/// When the list of one place is to be pushed again.
#[derive(Debug, Default)]
pub(crate) struct ListClock {
    version: u64,
    is_due: bool,
    not_before: Option<Instant>,
}

impl ListClock {
    /// Somebody came or left, or a room was made.
    pub(crate) fn change(&mut self) {
        self.version += 1;
        self.is_due = true;
    }

    /// What a member who gets the list now was sent.
    pub(crate) fn sent(&self, now: Instant) -> Sent {
        Sent::Version(self.version, now)
    }

    /// When to push, if there is something to push.
    pub(crate) fn due_at(&self, now: Instant) -> Option<Instant> {
        self.is_due.then(|| self.not_before.unwrap_or(now))
    }

    /// Who of `members` has to get the list now. Those who had one just before wait
    /// for the next turn.
    pub(crate) fn takers<'a>(
        &mut self,
        members: &'a mut Members,
        now: Instant,
    ) -> Vec<&'a mut Member> {
        let shortest = Duration::from_secs(1) / PUSHES_PER_S;
        self.not_before = Some(now + shortest);
        self.is_due = false;
        let mut takers = Vec::new();
        for member in members.iter_mut().filter(|member| member.peer.takes(Cap::ListPush)) {
            match member.list {
                Sent::Version(version, _) if version == self.version => {}
                Sent::Version(_, at) if now < at + shortest => self.is_due = true,
                _ => takers.push(member),
            }
        }
        takers
    }

    /// So many bytes were pushed.
    pub(crate) fn pushed(&mut self, bytes: usize, now: Instant) {
        let pause = Duration::from_secs_f64(bytes as f64 / LIST_BYTES_PER_S as f64);
        self.not_before = self.not_before.max(Some(now + pause));
    }
}
