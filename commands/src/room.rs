//! One room: what its entries made of it, and who is in it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use proto::{Code, Refusal, Role, RoomName, UserName};

use crate::list::ListClock;
use crate::members::{Member, Members};
use crate::presence::Presence;
use crate::telling::Telling;
use crate::{Account, AccountId, Answer, Body, Entry, PeerId, Reply, Rights, RoomId, Seq, Sight};

/// A room. Its id and its name never change.
pub struct Room {
    /// What entries call it.
    pub id: RoomId,
    /// As it was created.
    pub name: RoomName,
    inside: Mutex<Inside>,
}

/// A room as the ledger has it when the server starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomRecord {
    /// What entries call it.
    pub id: RoomId,
    /// As it was created.
    pub name: RoomName,
    /// All its entries that change a room, in their order.
    pub changes: Vec<Entry>,
    /// The last message that is no longer kept.
    pub trimmed: Seq,
    /// The last entry.
    pub last: Seq,
}

/// What changes in a room.
///
/// Whoever reads or changes who is here, or hands out an entry, holds the lock until
/// its frames are queued: so there is no gap and no double between a reply and what
/// follows it, and all members see one order.
#[derive(Default)]
pub(crate) struct Inside {
    pub(crate) rights: Rights,
    pub(crate) topic: Option<String>,
    /// For how many days messages are kept; for ever, if it is none.
    pub(crate) days: Option<u32>,
    /// The oldest entry that is kept with all that follow it.
    pub(crate) oldest: Seq,
    /// The last message that is no longer kept.
    pub(crate) trimmed: Seq,
    /// The last entry that was handed out to the members.
    pub(crate) delivered: Seq,
    pub(crate) members: Members,
    pub(crate) list: ListClock,
    /// Who came and left since the members were last told.
    pub(crate) presence: Presence,
}

impl Room {
    /// The room that a record tells of.
    pub(crate) fn new(record: RoomRecord) -> Room {
        let mut inside = Inside::default();
        record.changes.iter().for_each(|entry| apply(&mut inside, entry));
        inside.delivered = record.last;
        inside.trim(record.trimmed);
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

    /// What an account is here.
    pub fn role_of(&self, account: AccountId) -> Role {
        self.inside().rights.role_of(account)
    }

    /// What it is about.
    pub fn topic(&self) -> Option<String> {
        self.inside().topic.clone()
    }

    /// For how many days messages are kept; for ever, if it is none.
    pub fn days(&self) -> Option<u32> {
        self.inside().days
    }

    /// Asks the rights something.
    pub fn rights<T>(&self, ask: impl FnOnce(&Rights) -> T) -> T {
        ask(&self.inside().rights)
    }

    /// What an account may read here; nothing, if it may not come in.
    pub fn sight_of(&self, account: AccountId) -> Option<Sight> {
        self.inside().rights.sight_of(account, Timestamp::now())
    }

    /// May an account know that there is this room?
    pub fn is_known_to(&self, account: AccountId) -> bool {
        self.inside().rights.is_known_to(account, Timestamp::now())
    }

    /// May an account come in?
    ///
    /// # Errors
    /// `no_such_room` for those who may not know of it, `forbidden` for the banned.
    pub fn check_entry(&self, account: AccountId) -> Result<(), Refusal> {
        let (inside, now) = (self.inside(), Timestamp::now());
        if !inside.rights.is_known_to(account, now) {
            return Err(no_such_room(&self.name));
        }
        let Some(ban) = inside.rights.ban_of(account, now) else { return Ok(()) };
        let message = format!("you are banned from {}{ban}", self.name);
        Err(Refusal::new(Code::Forbidden, message))
    }

    /// Messages up to `seq` are no longer kept.
    pub fn trim(&self, seq: Seq) {
        self.inside().trim(seq);
    }

    pub(crate) fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands an entry out: the author's connection that waits for it gets it as its
    /// reply, everyone else whom it is for as a push. Says how long the push is.
    pub(crate) fn deliver(
        &self,
        inside: &mut Inside,
        entry: &Entry,
        answer: Option<Answer>,
    ) -> usize {
        apply(inside, entry);
        let Some(telling) = Telling::of(entry, &self.name) else { return 0 };
        let (push, cap) = (telling.push(), telling.cap());
        let waiting = answer.as_ref().map(Answer::peer);
        for member in inside.members.iter() {
            let is_told = member.is_live && Some(member.peer.id()) != waiting;
            let sight = inside.rights.sight_of_member(member.account.id);
            if is_told && entry.is_for(sight) && cap.is_none_or(|cap| member.peer.takes(cap)) {
                member.peer.push(&push);
            }
        }
        // Under the lock too: the author's own connections see one order.
        if let Some(answer) = answer {
            answer.tell(&telling, Some(&push));
        }
        push.len()
    }

    /// Answers one who asked again for what was kept before.
    pub(crate) fn repeat(&self, entry: &Entry, answer: Answer) {
        match Telling::of(entry, &self.name) {
            Some(telling) => answer.tell(&telling, None),
            None => answer.reply(Reply::<()>::data(())),
        }
    }
}

impl Inside {
    /// Takes a connection in.
    pub(crate) fn join(&mut self, member: Member) {
        let account = member.account.clone();
        if self.members.join(member) {
            self.presence.joined(&account);
        }
        self.list.change();
    }

    /// Lets a connection go, if it is here.
    pub(crate) fn leave(&mut self, peer: PeerId) -> Option<Member> {
        let (member, is_last) = self.members.leave(peer)?;
        if is_last {
            self.presence.left(&member.account);
        }
        self.list.change();
        Some(member)
    }

    pub(crate) fn trim(&mut self, seq: Seq) {
        if seq > self.trimmed {
            self.trimmed = seq;
            self.oldest = Seq(seq.0 + 1);
        }
    }
}

/// What an entry makes of a room: the only place where rooms change.
fn apply(inside: &mut Inside, entry: &Entry) {
    inside.delivered = entry.seq;
    inside.rights.apply(entry);
    match &entry.body {
        Body::Created { topic, .. } => {
            inside.topic.clone_from(topic);
            inside.oldest = entry.seq;
        }
        Body::Topic { text } => inside.topic = Some(text.clone()).filter(|text| !text.is_empty()),
        Body::Retention { days } => inside.days = *days,
        _ => {}
    }
}

/// What one is told who asks for a room that is not there, or not for them.
pub fn no_such_room(name: &RoomName) -> Refusal {
    Refusal::new(Code::NoSuchRoom, format!("there is no room \"{name}\""))
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
