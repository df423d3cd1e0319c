//! Who came and who left, gathered until it is pushed.
//!
//! Of many who enter at once each would be told of each: gathered, they cost everyone one
//! piece of bytes, a few times a second.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use proto::{Cap, Frame, Outgoing, RoomName, UserName, frame};
use schemars::JsonSchema;
use serde::Serialize;

use crate::members::Members;
use crate::{Account, AccountId};

/// How long who came has to stay before anybody is told.
///
/// A script that says one thing is there for some milliseconds, and would make three lines of
/// it for everyone; who lost the connection and is back has not left.
const GRACE: Duration = Duration::from_millis(500);

/// Changes of one room that nobody was told of yet.
#[derive(Debug, Default)]
pub(crate) struct Presence {
    changes: BTreeMap<AccountId, (UserName, Change)>,
    due: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Joined,
    Left,
}

/// The data of the pushes `joined` and `left`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Passage<'a> {
    /// Which room.
    room: &'a str,
    /// Who.
    username: &'a str,
}

/// The data of the push `counts`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Counts<'a> {
    /// How many users are in rooms where that changed.
    rooms: BTreeMap<&'a str, usize>,
}

impl Presence {
    /// The first connection of an account came.
    pub(crate) fn joined(&mut self, account: &Account) {
        self.note(account, Change::Joined);
    }

    /// The last connection of an account left.
    pub(crate) fn left(&mut self, account: &Account) {
        self.note(account, Change::Left);
    }

    fn note(&mut self, account: &Account, change: Change) {
        // One who came and left meanwhile, or the other way round, has done nothing.
        if self.changes.remove(&account.id).is_none_or(|(_, before)| before == change) {
            self.changes.insert(account.id, (account.name.clone(), change));
        }
    }

    /// Tells the members who take it, if it is time to; says when it will be.
    pub(crate) fn push(
        &mut self,
        room: &RoomName,
        members: &Members,
        now: Instant,
    ) -> Option<Instant> {
        let is_taken = || members.iter().any(|member| member.peer.takes(Cap::Presence));
        if self.changes.is_empty() || !is_taken() {
            *self = Presence::default();
            return None;
        }
        let due = *self.due.get_or_insert(now + GRACE);
        if now < due {
            return Some(due);
        }
        std::mem::take(self).tell(room, members);
        None
    }

    fn tell(self, room: &RoomName, members: &Members) {
        let changes = self.changes;
        let mut bytes = Vec::new();
        for (username, change) in changes.values() {
            let kind = match change {
                Change::Joined => "joined",
                Change::Left => "left",
            };
            let data = Passage { room: room.as_str(), username: username.as_str() };
            bytes.extend_from_slice(&frame(&Outgoing::ok(kind, data)));
        }
        let pushes: Frame = bytes.into();
        for member in members.iter().filter(|member| member.peer.takes(Cap::Presence)) {
            // Nobody needs to hear of oneself alone.
            if changes.len() > 1 || !changes.contains_key(&member.account.id) {
                member.peer.push(&pushes);
            }
        }
    }
}

/// The push that tells how many users are in some rooms.
pub(crate) fn counts<'a>(rooms: impl IntoIterator<Item = (&'a str, usize)>) -> Frame {
    frame(&Outgoing::ok("counts", Counts { rooms: rooms.into_iter().collect() }))
}
