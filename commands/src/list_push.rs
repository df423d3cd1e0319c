//! When those who take lists, or what changed in them, get them again.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use event_listener::EventListener;
use proto::{Cap, Frame};

use crate::directory::Directory;
use crate::hall::{Hall, Place};
use crate::list::{self, ListClock};
use crate::members::{Member, Members};
use crate::room::Inside;
use crate::{AccountId, Room, RoomId, presence};

impl Hall {
    /// Remembers that a list changed: that of `room`, and that of the lobby anyway,
    /// which shows every room.
    pub(crate) fn note_change(&self, room: Option<Arc<Room>>) {
        room.into_iter().for_each(|room| self.note_room(room));
        self.list_change.notify(usize::MAX);
    }

    fn note_room(&self, room: Arc<Room>) {
        let mut changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
        changed.insert(room.id, room);
    }

    /// Pushes the lists that are due to those who take them, and says when the next
    /// one is due, if one is.
    pub fn push_lists(&self, now: Instant) -> Option<Instant> {
        let changed =
            std::mem::take(&mut *self.changed.lock().unwrap_or_else(PoisonError::into_inner));
        let mut next = self.push_lobby_list(now);
        for room in changed.into_values() {
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
        // Only then is anything looked up or made: without takers nobody needs it.
        let takes_any =
            |member: &Member| member.peer.takes(Cap::ListPush) || member.peer.takes(Cap::Presence);
        let is_wanted = directory.lobby.iter().any(takes_any);
        let known = if is_wanted { Known::of(directory) } else { Known::default() };
        push_counts(directory, &known);
        let mut lists = HashMap::new();
        for member in directory.lobby.iter().filter(|member| member.peer.takes(Cap::ListPush)) {
            let place = Place::Lobby(directory, member.account.id);
            lists.entry(known.to(member)).or_insert_with(|| list::push_of(&place));
        }
        push_list(&mut directory.lobby_list, &mut directory.lobby, now, |m| lists.get(known.to(m)))
    }

    /// Waits for the next change of any list, from now on.
    pub fn list_change(&self) -> EventListener {
        self.list_change.listen()
    }
}

/// Who may know which private rooms.
#[derive(Default)]
struct Known(HashMap<AccountId, Vec<RoomId>>, HashSet<RoomId>);

impl Known {
    fn of(directory: &Directory) -> Known {
        let mut known: HashMap<AccountId, Vec<RoomId>> = HashMap::new();
        let guests = directory.guests();
        for (room, guest) in guests.iter().flat_map(|(room, all)| all.iter().map(|g| (*room, *g))) {
            known.entry(guest).or_default().push(room);
        }
        Known(known, guests.iter().map(|(room, _)| *room).collect())
    }

    /// The private rooms that a member may know.
    fn to(&self, member: &Member) -> &[RoomId] {
        self.0.get(&member.account.id).map_or(&[], Vec::as_slice)
    }

    fn is_private(&self, room: RoomId) -> bool {
        self.1.contains(&room)
    }
}

/// Tells those in the lobby who take it how many are in rooms where that changed.
fn push_counts(directory: &mut Directory, known: &Known) {
    let recounted = std::mem::take(&mut directory.recounted);
    let takes = |member: &&Member| member.peer.takes(Cap::Presence);
    if recounted.is_empty() || !directory.lobby.iter().any(|member| takes(&member)) {
        return;
    }
    let count = |room: &Arc<Room>| (room.clone(), room.inside().members.accounts());
    let rooms = recounted.iter().filter_map(|id| directory.by_id.get(id)).map(count);
    let (private, public): (Vec<_>, Vec<_>) =
        rooms.partition(|(room, _)| known.is_private(room.id));
    let name = |(room, count): &'_ (Arc<Room>, usize)| (room.name.to_string(), *count);
    let lobby = ("lobby".to_owned(), directory.lobby.accounts());
    let open: Vec<_> = public.iter().map(name).chain([lobby]).collect();
    let push = presence::counts(open.iter().map(|(name, count)| (name.as_str(), *count)));
    for member in directory.lobby.iter().filter(takes) {
        member.peer.push(&push);
        for (room, count) in private.iter().filter(|(room, _)| known.to(member).contains(&room.id))
        {
            member.peer.push(&presence::counts([(room.name.as_str(), *count)]));
        }
    }
}

fn push_room_list(room: &Room, now: Instant) -> Option<Instant> {
    let inside = &mut *room.inside();
    let presence = inside.presence.push(&room.name, &inside.members, now);
    let list = push_members(room, inside, now);
    presence.into_iter().chain(list).min()
}

fn push_members(room: &Room, inside: &mut Inside, now: Instant) -> Option<Instant> {
    match inside.list.due_at(now) {
        Some(at) if at <= now => {}
        later => return later,
    }
    let takes = |member: &Member| member.peer.takes(Cap::ListPush);
    let list = inside.members.iter().any(takes).then(|| list::push_of(&Place::Room(room, inside)));
    push_list(&mut inside.list, &mut inside.members, now, |_| list.as_ref())
}

/// Pushes a list to each of the members who has to get it now; says when to look again.
fn push_list<'a>(
    clock: &mut ListClock,
    members: &mut Members,
    now: Instant,
    list_for: impl Fn(&Member) -> Option<&'a Frame>,
) -> Option<Instant> {
    let mut bytes = 0;
    for member in clock.takers(members, now) {
        let Some(list) = list_for(member) else { continue };
        bytes += list.len();
        member.peer.put_list(Some(list.clone()));
        member.list = clock.sent(now);
    }
    clock.pushed(bytes, now);
    clock.due_at(now)
}
