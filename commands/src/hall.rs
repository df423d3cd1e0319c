//! The rooms and who is in them: here entries turn into frames for members.
//!
//! Locks are taken in one order: the directory, then a room, then a connection's
//! replies, then its outbox. Nothing waits under any of them.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use event_listener::{Event, EventListener};
use proto::{Cap, Frame, NameKey, RoomName, State};

use crate::list::{self, ListClock, Sent};
use crate::members::{Member, Members};
use crate::outcome::View;
use crate::room::Inside;
use crate::{
    Account, AccountId, Answer, Body, Entry, Landed, Landing, Peer, Reply, Room, RoomId,
    RoomRecord, Seq,
};

/// Rooms that a mistyped name is compared with: each costs some microseconds, and the
/// hint is only a kindness.
const NEAREST_AMONG_MAX: usize = 1000;

/// All rooms, and everyone who is logged in.
pub struct Hall {
    epoch: String,
    directory: Mutex<Directory>,
    /// Rooms whose list changed since it was last pushed.
    changed: Mutex<Vec<Arc<Room>>>,
    list_change: Event,
}

/// Which rooms there are, and who is in none of them.
#[derive(Default)]
pub(crate) struct Directory {
    rooms: BTreeMap<RoomName, Arc<Room>>,
    by_key: HashMap<NameKey, Arc<Room>>,
    by_id: HashMap<RoomId, Arc<Room>>,
    owned: HashMap<AccountId, usize>,
    pub(crate) lobby: Members,
    lobby_list: ListClock,
}

impl Directory {
    /// Every room, by name.
    pub(crate) fn rooms(&self) -> impl Iterator<Item = &Arc<Room>> {
        self.rooms.values()
    }

    fn add(&mut self, room: Room) {
        if let Some(owner) = room.inside().owner {
            *self.owned.entry(owner).or_default() += 1;
        }
        let room = Arc::new(room);
        self.rooms.insert(room.name.clone(), room.clone());
        self.by_key.insert(room.name.key(), room.clone());
        self.by_id.insert(room.id, room);
        self.lobby_list.change();
    }
}

/// A place, locked.
pub(crate) enum Place<'a> {
    /// Of one who is not logged in.
    Outside,
    /// In no room.
    Lobby(&'a Directory),
    /// In a room.
    Room(&'a Room, &'a Inside),
}

/// Where a logged-in session sits. Dropped, it leaves: however a session ends, nobody
/// stays on a list.
pub struct Seat {
    hall: Arc<Hall>,
    peer: Arc<Peer>,
    account: Arc<Account>,
    room: Option<Arc<Room>>,
}

impl Seat {
    /// Who sits there.
    pub fn account(&self) -> &Arc<Account> {
        &self.account
    }

    /// The room, if it is not the lobby.
    pub fn room(&self) -> Option<&Arc<Room>> {
        self.room.as_ref()
    }

    pub(crate) fn state(&self) -> State {
        if self.room.is_some() { State::Chat } else { State::Lobby }
    }

    fn member(&self, list: Sent) -> Member {
        Member { peer: self.peer.clone(), account: self.account.clone(), list, is_live: true }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let hall = self.hall.clone();
        hall.leave(self, &mut hall.directory());
        self.peer.put_list(None);
    }
}

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

    /// The room of that name, or of one that is the same.
    pub fn find(&self, name: &RoomName) -> Option<Arc<Room>> {
        self.directory().by_key.get(&name.key()).cloned()
    }

    /// The room that a name was probably meant to be.
    pub fn nearest(&self, name: &RoomName) -> Option<RoomName> {
        let names: Vec<RoomName> = self
            .directory()
            .rooms()
            .take(NEAREST_AMONG_MAX)
            .map(|room| room.name.clone())
            .collect();
        // Compared without the lock, which every message needs.
        proto::nearest(name.as_str(), names.iter().map(RoomName::as_str)).map(RoomName::trusted)
    }

    /// How many rooms belong to an account.
    pub fn rooms_owned_by(&self, account: AccountId) -> usize {
        self.directory().owned.get(&account).copied().unwrap_or(0)
    }

    /// Seats somebody who has just logged in, in the lobby.
    pub(crate) fn arrive(
        self: &Arc<Self>,
        peer: Arc<Peer>,
        account: Arc<Account>,
        answer: Answer,
        says: impl FnOnce(&Answer, &View<'_>) -> Frame,
    ) -> Seat {
        let seat = Seat { hall: self.clone(), peer, account, room: None };
        self.sit_in_lobby(&seat, &mut self.directory(), answer, says);
        seat
    }

    /// Seats somebody who has just logged in, in a room. One who is not live gets nothing
    /// of what is said until [`Hall::turn_live`].
    pub(crate) fn arrive_in(
        self: &Arc<Self>,
        peer: Arc<Peer>,
        account: Arc<Account>,
        room: Arc<Room>,
        is_live: bool,
        answer: Answer,
        says: impl FnOnce(&Answer, &View<'_>) -> Frame,
    ) -> Seat {
        let mut seat = Seat { hall: self.clone(), peer, account, room: None };
        self.sit_in(&mut seat, room, is_live, &mut self.directory(), answer, says);
        seat
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

    /// Moves from the lobby, or from a room, into `room`.
    pub(crate) fn enter(
        &self,
        seat: &mut Seat,
        room: Arc<Room>,
        answer: Answer,
        says: impl FnOnce(&Answer, &View<'_>) -> Frame,
    ) {
        // Both locks are held over the whole move, so every list has everyone once.
        let mut directory = self.directory();
        self.leave(seat, &mut directory);
        self.sit_in(seat, room, true, &mut directory, answer, says);
    }

    fn sit_in(
        &self,
        seat: &mut Seat,
        room: Arc<Room>,
        is_live: bool,
        directory: &mut Directory,
        answer: Answer,
        says: impl FnOnce(&Answer, &View<'_>) -> Frame,
    ) {
        directory.lobby_list.change();
        let mut inside = room.inside();
        inside.list.change();
        inside.members.join(Member { is_live, ..seat.member(Sent::Never) });
        if self.welcome(seat, Place::Room(&room, &inside), answer, says) {
            let sent = inside.list.sent(Instant::now());
            inside.members.last_mut().into_iter().for_each(|member| member.list = sent);
        }
        drop(inside);
        self.note_change(Some(room.clone()));
        seat.room = Some(room);
    }

    /// Moves from a room into the lobby.
    pub(crate) fn exit(
        &self,
        seat: &mut Seat,
        answer: Answer,
        says: impl FnOnce(&Answer, &View<'_>) -> Frame,
    ) {
        let mut directory = self.directory();
        self.leave(seat, &mut directory);
        seat.room = None;
        self.sit_in_lobby(seat, &mut directory, answer, says);
    }

    /// Answers from what can be seen where `seat` is, while nothing changes there.
    pub(crate) fn look(
        &self,
        seat: Option<&Seat>,
        answer: Answer,
        says: impl FnOnce(&Answer, &View<'_>) -> Frame,
    ) {
        let give = |place| {
            let frame = says(&answer, &View { place, epoch: &self.epoch });
            answer.give(frame);
        };
        match seat.map(Seat::room) {
            None => give(Place::Outside),
            Some(None) => give(Place::Lobby(&self.directory())),
            Some(Some(room)) => give(Place::Room(room, &room.inside())),
        }
    }

    /// Takes what comes out of the ledger, in its order. Says how many bytes it queued
    /// for each of those whom it was for, so that the caller can let them be sent.
    pub fn land(&self, landed: Landed) -> usize {
        let Landed { landing, answer } = landed;
        match landing {
            Landing::Kept(entry) => self.deliver(&entry, answer),
            Landing::Repeated(entry) => {
                let room = self.directory().by_id.get(&entry.room).cloned();
                if let Some(room) = room {
                    room.repeat(&entry, answer);
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
        if let Body::Created { name, .. } = &entry.body {
            self.open(entry, name, answer);
            return 0;
        }
        let Some(room) = self.directory().by_id.get(&entry.room).cloned() else {
            tracing::error!(room = entry.room.0, "an entry of a room that nobody knows");
            return 0;
        };
        room.deliver(entry, answer)
    }

    /// Opens the room that an entry made.
    fn open(&self, entry: &Entry, name: &RoomName, answer: Option<Answer>) {
        let room = Room::new(RoomRecord {
            id: entry.room,
            name: name.clone(),
            owner: None,
            topic: None,
            oldest: Seq(0),
            last: Seq(0),
        });
        // Before anyone can find it: whoever enters is told its topic and where it begins.
        room.deliver(entry, None);
        let mut directory = self.directory();
        directory.add(room);
        if let Some(answer) = answer {
            // Under the lock, so that no list with the room overtakes the reply.
            answer.reply(Reply::<()>::message(format!("{name} created successfully")));
        }
        drop(directory);
        self.note_change(None);
    }

    fn sit_in_lobby(
        &self,
        seat: &Seat,
        directory: &mut Directory,
        answer: Answer,
        says: impl FnOnce(&Answer, &View<'_>) -> Frame,
    ) {
        directory.lobby_list.change();
        directory.lobby.join(seat.member(Sent::Never));
        if self.welcome(seat, Place::Lobby(directory), answer, says) {
            let sent = directory.lobby_list.sent(Instant::now());
            directory.lobby.last_mut().into_iter().for_each(|member| member.list = sent);
        }
        self.note_change(None);
    }

    /// Queues the reply of one who arrives, and then the list of the place for one who
    /// takes lists; says whether it did that.
    fn welcome(
        &self,
        seat: &Seat,
        place: Place<'_>,
        answer: Answer,
        says: impl FnOnce(&Answer, &View<'_>) -> Frame,
    ) -> bool {
        let view = View { place, epoch: &self.epoch };
        let reply = says(&answer, &view);
        answer.give(reply);
        let takes_list = seat.peer.takes(Cap::ListPush);
        if takes_list {
            seat.peer.put_list(Some(list::push_of(&view.place)));
        }
        takes_list
    }

    fn leave(&self, seat: &Seat, directory: &mut Directory) {
        directory.lobby_list.change();
        match &seat.room {
            None => {
                directory.lobby.leave(seat.peer.id());
                self.note_change(None);
            }
            Some(room) => {
                let mut inside = room.inside();
                inside.members.leave(seat.peer.id());
                inside.list.change();
                drop(inside);
                self.note_change(Some(room.clone()));
            }
        }
    }

    /// Remembers that a list changed: that of `room`, and that of the lobby anyway,
    /// which shows every room.
    fn note_change(&self, room: Option<Arc<Room>>) {
        room.into_iter().for_each(|room| self.note_room(room));
        self.list_change.notify(usize::MAX);
    }

    fn note_room(&self, room: Arc<Room>) {
        let mut changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
        if !changed.iter().any(|known| known.id == room.id) {
            changed.push(room);
        }
    }

    /// Pushes the lists that are due to those who take them, and says when the next
    /// one is due, if one is.
    pub fn push_lists(&self, now: Instant) -> Option<Instant> {
        let changed =
            std::mem::take(&mut *self.changed.lock().unwrap_or_else(PoisonError::into_inner));
        let mut next = self.push_lobby_list(now);
        for room in changed {
            if let Some(due) = push_room_list(&room, now) {
                next = Some(next.map_or(due, |next| next.min(due)));
                self.note_room(room);
            }
        }
        next
    }

    fn push_lobby_list(&self, now: Instant) -> Option<Instant> {
        let directory = &mut *self.directory();
        match directory.lobby_list.due_at(now) {
            Some(at) if at <= now => {}
            later => return later,
        }
        // Only then is the list made: without takers nobody needs it.
        let takes = |member: &Member| member.peer.takes(Cap::ListPush);
        let list =
            directory.lobby.iter().any(takes).then(|| list::push_of(&Place::Lobby(directory)));
        push_list(&mut directory.lobby_list, &mut directory.lobby, list, now)
    }

    /// Waits for the next change of any list, from now on.
    pub fn list_change(&self) -> EventListener {
        self.list_change.listen()
    }

    pub(crate) fn directory(&self) -> MutexGuard<'_, Directory> {
        self.directory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn push_room_list(room: &Room, now: Instant) -> Option<Instant> {
    let inside = &mut *room.inside();
    match inside.list.due_at(now) {
        Some(at) if at <= now => {}
        later => return later,
    }
    let takes = |member: &Member| member.peer.takes(Cap::ListPush);
    let list = inside.members.iter().any(takes).then(|| list::push_of(&Place::Room(room, inside)));
    push_list(&mut inside.list, &mut inside.members, list, now)
}

/// Pushes `list` to the members who have to get it now; says when to look again.
fn push_list(
    clock: &mut ListClock,
    members: &mut Members,
    list: Option<Frame>,
    now: Instant,
) -> Option<Instant> {
    let takers = clock.takers(members, now);
    let Some(list) = list else { return clock.due_at(now) };
    let bytes = list.len() * takers.len();
    for member in takers {
        member.peer.put_list(Some(list.clone()));
        member.list = clock.sent(now);
    }
    clock.pushed(bytes, now);
    clock.due_at(now)
}
