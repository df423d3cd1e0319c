//! One room: what its entries made of it, and who is in it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use proto::{Code, Outgoing, Refusal, RoomName, UserName, frame};

use crate::entry::Message;
use crate::list::ListClock;
use crate::members::Members;
use crate::{Account, AccountId, Answer, Body, Entry, Reply, RoomId, Seq};

/// A room. Its id and its name never change.
pub struct Room {
    /// What entries call it.
    pub id: RoomId,
    /// As it was created.
    pub name: RoomName,
    inside: Mutex<Inside>,
}

/// What the entries of a room have made of it, members apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomRecord {
    /// What entries call it.
    pub id: RoomId,
    /// As it was created.
    pub name: RoomName,
    /// Who made it; nobody for a room of the configuration.
    pub owner: Option<AccountId>,
    /// What it is about.
    pub topic: Option<String>,
    /// The oldest entry that is kept.
    pub oldest: Seq,
    /// The last entry.
    pub last: Seq,
}

/// What changes in a room.
///
/// Whoever reads or changes who is here, or hands out an entry, holds the lock until
/// its frames are queued: so there is no gap and no double between a reply and what
/// follows it, and all members see one order.
pub(crate) struct Inside {
    pub(crate) owner: Option<AccountId>,
    pub(crate) topic: Option<String>,
    pub(crate) oldest: Seq,
    /// The last entry that was handed out to the members.
    pub(crate) delivered: Seq,
    pub(crate) members: Members,
    pub(crate) list: ListClock,
}

impl Room {
    /// The room as the ledger had it when the server started.
    pub(crate) fn new(record: RoomRecord) -> Room {
        let inside = Inside {
            owner: record.owner,
            topic: record.topic,
            oldest: record.oldest,
            delivered: record.last,
            members: Members::default(),
            list: ListClock::default(),
        };
        Room { id: record.id, name: record.name, inside: Mutex::new(inside) }
    }

    /// The last entry that was delivered.
    pub fn last_seq(&self) -> Seq {
        self.inside().delivered
    }

    /// The account of that name, if it is in the room.
    pub fn find(&self, name: &UserName) -> Option<Arc<Account>> {
        self.inside().members.find(name).cloned()
    }

    pub(crate) fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands an entry out: the author's connection that waits for it gets it as its
    /// reply, everyone else whom it is for as a push. Says how long the push is.
    pub(crate) fn deliver(&self, entry: &Entry, answer: Option<Answer>) -> usize {
        let mut inside = self.inside();
        apply(&mut inside, entry);
        let Some(message) = Message::of(entry, &self.name) else { return 0 };
        let push = frame(&Outgoing::ok("msg", &message));
        let waiting = answer.as_ref().map(Answer::peer);
        for member in inside.members.iter() {
            let is_told = member.is_live && Some(member.peer.id()) != waiting;
            if is_told && entry.is_for(member.account.id) {
                member.peer.push(&push);
            }
        }
        // Under the lock too: the author's own connections see one order.
        if let Some(answer) = answer {
            answer.reply_as(&message, &push);
        }
        push.len()
    }

    /// Answers one who asked again for what was kept before.
    pub(crate) fn repeat(&self, entry: &Entry, answer: Option<Answer>) {
        if let (Some(message), Some(answer)) = (Message::of(entry, &self.name), answer) {
            answer.reply(Reply::data(message));
        }
    }
}

/// What an entry makes of a room: the only place where rooms change.
fn apply(inside: &mut Inside, entry: &Entry) {
    inside.delivered = entry.seq;
    match &entry.body {
        Body::Created { topic, .. } => {
            inside.owner = entry.author.as_ref().map(|author| author.id);
            inside.topic.clone_from(topic);
            inside.oldest = entry.seq;
        }
        Body::Said { .. } => {}
    }
}

/// What one is told who owns as many rooms as one may.
pub fn too_many_rooms(rooms_max: u32) -> Refusal {
    let message = format!("you own as many rooms as one may: {rooms_max} (limits.rooms_per_user)");
    Refusal::new(Code::Forbidden, message)
}

/// What one is told who wants to create a room that is there.
pub fn room_exists(name: &RoomName) -> Refusal {
    Refusal::new(Code::RoomExists, format!("there is a room \"{name}\", or one that looks like it"))
}
