//! The rooms and who is in them: here people come and go, and entries turn into frames
//! for members.
//!
//! Locks are taken in one order: the directory, then a room, then a connection's
//! replies, then its outbox. Nothing waits under any of them.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use event_listener::Event;
use jiff::Timestamp;
use proto::{Cap, Code, Frame, Outgoing, Refusal, RoomName, frame};
use schemars::JsonSchema;
use serde::Serialize;

use crate::directory::{Directory, Online, is_ended};
use crate::list;
use crate::outcome::View;
use crate::room::Inside;
use crate::telling::{Tell, Telling};
use crate::{
    Account, AccountId, Act, Answer, Body, Draft, Entry, Landed, Landing, Listing, Peer, PeerId,
    Reply, Room, RoomId, RoomRecord, Seat, Seq,
};

/// Rooms that a mistyped name is compared with: each costs some microseconds, and the
/// hint is only a kindness.
const NEAREST_AMONG_MAX: usize = 1000;

/// All rooms, and everyone who is logged in.
pub struct Hall {
    epoch: String,
    directory: Mutex<Directory>,
    /// Rooms whose list changed since it was last pushed.
    pub(crate) changed: Mutex<BTreeMap<RoomId, Arc<Room>>>,
    pub(crate) list_change: Event,
}

/// A place, locked.
pub(crate) enum Place<'a> {
    /// Of one who is not logged in.
    Outside,
    /// In no room, as somebody.
    Lobby(&'a Directory, AccountId),
    /// In a room.
    Room(&'a Room, &'a Inside),
}

/// The data of the push to one who was put out of a room.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PutOut<'a> {
    /// Out of which room; you are in the lobby now.
    room: &'a str,
    /// Who did it.
    by: &'a str,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

/// Makes a reply from what can be seen on arriving.
pub(crate) trait Says: FnOnce(&Answer, &View<'_>) -> Frame {}

impl<F: FnOnce(&Answer, &View<'_>) -> Frame> Says for F {}

impl Hall {
    /// A hall with the rooms that the ledger knows. `epoch` names the ledger.
    pub fn new(epoch: String, rooms: impl IntoIterator<Item = RoomRecord>) -> Hall {
        let mut directory = Directory::default();
        rooms.into_iter().for_each(|room| directory.add(Room::new(room)));
        Hall {
            epoch,
            directory: Mutex::new(directory),
            changed: Mutex::default(),
            list_change: Event::new(),
        }
    }

    /// The room of that name, or of one that is the same, whoever may know of it.
    pub fn find(&self, name: &RoomName) -> Option<Arc<Room>> {
        self.directory().find(&name.key())
    }

    /// The room with that id.
    pub fn room(&self, id: RoomId) -> Option<Arc<Room>> {
        self.directory().by_id.get(&id).cloned()
    }

    /// The room that a name was probably meant to be, of those that an account may know.
    pub fn nearest(&self, name: &RoomName, account: AccountId) -> Option<RoomName> {
        let names: Vec<RoomName> = self
            .directory()
            .rooms()
            .take(NEAREST_AMONG_MAX)
            .filter(|room| room.is_known_to(account))
            .map(|room| room.name.clone())
            .collect();
        // Compared without the lock, which every message needs.
        proto::nearest(name.as_str(), names.iter().map(RoomName::as_str)).map(RoomName::trusted)
    }

    /// How many rooms belong to an account.
    pub fn rooms_owned_by(&self, account: AccountId) -> usize {
        self.directory().owned_by(account)
    }

    /// Who is where, as this account would see it from the lobby.
    pub fn all_rooms(&self, account: AccountId) -> Listing {
        Listing::of(&Place::Lobby(&self.directory(), account))
    }

    /// The connections of an account, the oldest first.
    pub fn online(&self, account: AccountId) -> Vec<Online> {
        self.directory().online(account).to_vec()
    }

    /// Ends the connections of an account, which may log in again.
    pub fn disconnect(&self, account: AccountId, why: &Refusal) {
        self.directory().online(account).iter().for_each(|online| online.peer.end(why.clone()));
    }

    /// Ends an account that was deleted: the connections of it, but this one, and whatever
    /// login is under way.
    pub fn end_account(&self, account: AccountId, but: PeerId) {
        let mut directory = self.directory();
        directory.end(account);
        let all = directory.online(account).iter().map(|online| &online.peer);
        all.filter(|peer| peer.id() != but).for_each(|peer| peer.end(is_ended()));
    }

    /// Seats somebody who has just logged in, in the lobby; nobody, if the account was
    /// deleted meanwhile.
    pub(crate) fn arrive(
        self: &Arc<Self>,
        peer: Arc<Peer>,
        account: Arc<Account>,
        from: IpAddr,
        answer: Answer,
        says: impl Says,
    ) -> Option<Seat> {
        let mut directory = self.directory();
        if let Err(refusal) = directory.check_account(account.id) {
            answer.refuse(&refusal);
            return None;
        }
        let seat = self.seat(&mut directory, peer, account, from);
        self.sit_in_lobby(&seat, &mut directory, answer, says);
        Some(seat)
    }

    /// Seats somebody who has just logged in, in a room, if that is allowed. One who is
    /// not live gets nothing of what is said until [`Hall::turn_live`].
    pub(crate) fn arrive_in(
        self: &Arc<Self>,
        peer: Arc<Peer>,
        account: Arc<Account>,
        from: IpAddr,
        (room, is_live): (Arc<Room>, bool),
        answer: Answer,
        says: impl Says,
    ) -> Option<(Seat, Option<Draft>)> {
        let mut directory = self.directory();
        let checked =
            directory.check_account(account.id).and_then(|()| room.check_entry(account.id));
        if let Err(refusal) = checked {
            answer.refuse(&refusal);
            return None;
        }
        let mut seat = self.seat(&mut directory, peer, account, from);
        let joined = self.sit_in(&mut seat, room, is_live, &mut directory, answer, says);
        Some((seat, joined))
    }

    fn seat(
        self: &Arc<Self>,
        directory: &mut Directory,
        peer: Arc<Peer>,
        account: Arc<Account>,
        from: IpAddr,
    ) -> Seat {
        let online = Online { peer: peer.clone(), from, since: Timestamp::now(), room: None };
        directory.come_online(account.id, online);
        Seat { hall: self.clone(), peer, account, room: None }
    }

    /// Lets one who has had everything up to `seq` hear on, if that is all that there is.
    pub(crate) fn turn_live(&self, seat: &Seat, seq: Seq) -> bool {
        let Some(room) = &seat.room else { return true };
        let mut inside = room.inside();
        if inside.delivered > seq {
            return false;
        }
        inside.members.get_mut(seat.peer.id()).into_iter().for_each(|member| member.is_live = true);
        true
    }

    /// Sends one who catches up with its room a page of what was said there, if it is there
    /// still: nothing of it comes after the word that it was put out.
    pub(crate) fn give_page(&self, seat: &Seat, page: Frame) {
        let Some(room) = &seat.room else { return };
        let mut inside = room.inside();
        if inside.members.get_mut(seat.peer.id()).is_some() {
            // In one piece, which an empty outbox takes whatever its bound is.
            seat.peer.push(&page);
        }
    }

    /// Moves from the lobby, or from a room, into `room`, if that is allowed. Gives what is
    /// to be kept of it, if anything is.
    pub(crate) fn enter(
        &self,
        seat: &mut Seat,
        room: Arc<Room>,
        answer: Answer,
        says: impl Says,
    ) -> Option<Draft> {
        // Held over the whole move, so every list has everyone once; and whoever is put
        // out is put out before this or after it.
        let mut directory = self.directory();
        if let Err(refusal) = room.check_entry(seat.account.id) {
            answer.refuse(&refusal);
            return None;
        }
        self.leave(seat, &mut directory);
        self.sit_in(seat, room, true, &mut directory, answer, says)
    }

    fn sit_in(
        &self,
        seat: &mut Seat,
        room: Arc<Room>,
        is_live: bool,
        directory: &mut Directory,
        answer: Answer,
        says: impl Says,
    ) -> Option<Draft> {
        directory.lobby_list.change();
        directory.place(seat.account.id, seat.peer.id(), Some(room.clone()));
        directory.recounted.insert(room.id);
        let mut inside = room.inside();
        inside.join(seat.member(is_live));
        if self.welcome(seat, Place::Room(&room, &inside), answer, says) {
            let sent = inside.list.sent(Instant::now());
            inside.members.last_mut().into_iter().for_each(|member| member.list = sent);
        }
        let after = inside.delivered;
        let is_newcomer = inside.rights.welcome(&seat.account, after);
        drop(inside);
        self.note_change(Some(room.clone()));
        let joined = is_newcomer.then(|| Draft {
            room: Some(room.id),
            author: Some(seat.account.clone()),
            body: Body::Joined { after },
            again: None,
        });
        seat.room = Some(room);
        joined
    }

    /// Moves from a room into the lobby.
    pub(crate) fn exit(&self, seat: &mut Seat, answer: Answer, says: impl Says) {
        let mut directory = self.directory();
        self.leave(seat, &mut directory);
        seat.room = None;
        self.sit_in_lobby(seat, &mut directory, answer, says);
    }

    /// Answers from what can be seen where `seat` is, while nothing changes there.
    pub(crate) fn look(&self, seat: Option<&Seat>, answer: Answer, says: impl Says) {
        let give = |place| {
            let frame = says(&answer, &View { place, epoch: &self.epoch });
            answer.give(frame);
        };
        match seat.map(|seat| (seat.room(), seat.account.id)) {
            None => give(Place::Outside),
            Some((None, account)) => give(Place::Lobby(&self.directory(), account)),
            Some((Some(room), _)) => give(Place::Room(room, &room.inside())),
        }
    }

    /// Takes what comes out of the ledger, in its order. Says how many bytes it queued
    /// for each of those whom it was for, so that the caller can let them be sent.
    pub fn land(&self, landed: Landed) -> usize {
        let Landed { landing, answer } = landed;
        match landing {
            Landing::Kept(entry) => self.deliver(&entry, answer),
            Landing::Repeated(entry) => {
                let Some(answer) = answer else { return 0 };
                match self.room(entry.room) {
                    Some(room) => room.repeat(&entry, answer),
                    None => match Tell::of(&entry) {
                        Some(tell) => answer.reply(Reply::data(tell)),
                        None => answer.refuse(&is_gone()),
                    },
                }
                0
            }
            Landing::Refused(refusal) => {
                answer.into_iter().for_each(|answer| answer.refuse(&refusal));
                0
            }
            // An answer that is dropped says that nobody knows.
            Landing::Unknown => 0,
        }
    }

    fn deliver(&self, entry: &Entry, answer: Option<Answer>) -> usize {
        match &entry.body {
            Body::Created { name, .. } => {
                self.open(entry, name, answer);
                return 0;
            }
            Body::Told { to, .. } => return self.deliver_tell(entry, to, answer),
            _ => {}
        }
        let mut directory = self.directory();
        let Some(room) = directory.by_id.get(&entry.room).cloned() else {
            answer.into_iter().for_each(|answer| answer.refuse(&is_gone()));
            return 0;
        };
        match &entry.body {
            Body::Done { act: Act::Kick | Act::Ban, to, reason, .. } => {
                let inside = &mut *room.inside();
                let queued = room.deliver(inside, entry, answer);
                let peers = inside.members.peers_of(to.id);
                self.put_out(&mut directory, &room, inside, peers, entry, reason.as_deref());
                queued
            }
            Body::Deleted => {
                let inside = &mut *room.inside();
                let queued = room.deliver(inside, entry, answer);
                let all = inside.members.iter().map(|member| member.peer.id()).collect();
                self.put_out(
                    &mut directory,
                    &room,
                    inside,
                    all,
                    entry,
                    Some("the room was deleted"),
                );
                directory.remove(&room, inside.rights.owner());
                queued
            }
            Body::Done { act: Act::Invite | Act::Unban | Act::Op | Act::Deop, to, .. } => {
                let inside = &mut *room.inside();
                let queued = room.deliver(inside, entry, answer);
                // Who has other rights from now on is told so, wherever they are, if they may know
                // of the room.
                let is_known = inside.rights.is_known_to(to.id, Timestamp::now());
                let telling = Telling::of(entry, &room.name).filter(|_| is_known);
                if let Some(push) = telling.map(|telling| telling.push()) {
                    let is_elsewhere = |online: &&Online| {
                        online.room.as_ref().is_none_or(|theirs| theirs.id != room.id)
                    };
                    let elsewhere = directory.online(to.id).iter().filter(is_elsewhere);
                    let told = elsewhere.filter(|online| online.peer.takes(Cap::Notices));
                    told.for_each(|online| online.peer.push(&push));
                }
                if inside.rights.is_private() {
                    // Somebody may know it now who did not.
                    directory.lobby_list.change();
                    self.note_change(None);
                }
                queued
            }
            _ => {
                drop(directory);
                room.deliver(&mut room.inside(), entry, answer)
            }
        }
    }

    /// Moves connections from a room into the lobby; their own tasks take note later.
    fn put_out(
        &self,
        directory: &mut Directory,
        room: &Arc<Room>,
        inside: &mut Inside,
        peers: Vec<PeerId>,
        entry: &Entry,
        reason: Option<&str>,
    ) {
        let by = entry.author.as_ref().map_or("", |author| author.name.as_str());
        let data = PutOut { room: room.name.as_str(), by, reason };
        let reason = reason.map_or(String::new(), |reason| format!(": {reason}"));
        let message = format!("{by} put you out of {}{reason}", room.name);
        let push = frame(&Outgoing { message: Some(&message), ..Outgoing::ok("exit", &data) });
        for peer in peers {
            let Some(mut member) = inside.leave(peer) else { continue };
            member.peer.put_out_of(room.id);
            member.peer.push(&push);
            member.list = list::Sent::Never;
            directory.place(member.account.id, peer, None);
            directory.lobby.join(member);
        }
        directory.recounted.insert(room.id);
        directory.lobby_list.change();
        self.note_change(Some(room.clone()));
    }

    /// Hands out a private message: to both parties, wherever they are.
    fn deliver_tell(&self, entry: &Entry, to: &Account, answer: Option<Answer>) -> usize {
        let Some(tell) = Tell::of(entry) else { return 0 };
        let push = frame(&Outgoing::ok("tell", &tell));
        let waiting = answer.as_ref().map(Answer::peer);
        // Under the lock to the end: all connections of an account see one order.
        let directory = self.directory();
        let author = entry.author.as_ref().map(|author| author.id).filter(|id| *id != to.id);
        for online in author.into_iter().chain([to.id]).flat_map(|id| directory.online(id)) {
            if Some(online.peer.id()) != waiting && online.peer.takes(Cap::Tells) {
                online.peer.push(&push);
            }
        }
        answer.into_iter().for_each(|answer| answer.reply(Reply::data(&tell)));
        push.len()
    }

    /// Opens the room that an entry made.
    fn open(&self, entry: &Entry, name: &RoomName, answer: Option<Answer>) {
        let changes = vec![entry.clone()];
        let (id, name) = (entry.room, name.clone());
        let message = format!("{name} created successfully");
        let room = Room::new(RoomRecord { id, name, changes, trimmed: Seq(0), last: entry.seq });
        let mut directory = self.directory();
        directory.add(room);
        if let Some(answer) = answer {
            // Under the lock, so that no list with the room overtakes the reply.
            answer.reply(Reply::<()>::message(message));
        }
        drop(directory);
        self.note_change(None);
    }

    fn sit_in_lobby(
        &self,
        seat: &Seat,
        directory: &mut Directory,
        answer: Answer,
        says: impl Says,
    ) {
        directory.lobby_list.change();
        directory.place(seat.account.id, seat.peer.id(), None);
        directory.lobby.join(seat.member(true));
        if self.welcome(seat, Place::Lobby(directory, seat.account.id), answer, says) {
            let sent = directory.lobby_list.sent(Instant::now());
            directory.lobby.last_mut().into_iter().for_each(|member| member.list = sent);
        }
        self.note_change(None);
    }

    /// Queues the reply of one who arrives, and then the list of the place for one who
    /// takes lists; says whether it did that.
    fn welcome(&self, seat: &Seat, place: Place<'_>, answer: Answer, says: impl Says) -> bool {
        let view = View { place, epoch: &self.epoch };
        let reply = says(&answer, &view);
        answer.give(reply);
        let takes_list = seat.peer.takes(Cap::ListPush);
        if takes_list {
            seat.peer.put_list(Some(list::push_of(&view.place)));
        }
        takes_list
    }

    /// Somebody is gone.
    pub(crate) fn stand_up(&self, seat: &Seat) {
        let mut directory = self.directory();
        self.leave(seat, &mut directory);
        directory.go_offline(seat.account.id, seat.peer.id());
    }

    fn leave(&self, seat: &Seat, directory: &mut Directory) {
        directory.lobby_list.change();
        let left = seat.room.as_ref().filter(|room| room.inside().leave(seat.peer.id()).is_some());
        match left {
            Some(room) => drop(directory.recounted.insert(room.id)),
            // Also one who was put out of its room, and has not noticed.
            None => drop(directory.lobby.leave(seat.peer.id())),
        }
        // It is where it goes now: a note left over would put it out when it comes back.
        seat.peer.note_put_out();
        self.note_change(left.cloned());
    }

    pub(crate) fn directory(&self) -> MutexGuard<'_, Directory> {
        self.directory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one is told whose room was deleted while something waited for the ledger.
fn is_gone() -> Refusal {
    Refusal::new(Code::NoSuchRoom, "the room was deleted meanwhile")
}
