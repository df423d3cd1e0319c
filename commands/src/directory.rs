//! Which rooms there are, who is logged in, and who sits in the lobby.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;
use proto::{Code, NameKey, Refusal, RoomName};

use crate::list::ListClock;
use crate::members::Members;
use crate::{AccountId, Peer, PeerId, Room, RoomId};

/// All rooms, and everyone who is logged in.
#[derive(Default)]
pub(crate) struct Directory {
    rooms: BTreeMap<RoomName, Arc<Room>>,
    by_key: HashMap<NameKey, Arc<Room>>,
    pub(crate) by_id: HashMap<RoomId, Arc<Room>>,
    owned: HashMap<AccountId, usize>,
    online: HashMap<AccountId, Vec<Online>>,
    /// Accounts that were deleted: a login that was judged before must not arrive after.
    ended: HashSet<AccountId>,
    pub(crate) lobby: Members,
    pub(crate) lobby_list: ListClock,
    /// Rooms in which the number of users changed since that was last pushed.
    pub(crate) recounted: HashSet<RoomId>,
}

/// One connection of an account.
#[derive(Clone)]
pub struct Online {
    /// The connection.
    pub peer: Arc<Peer>,
    /// Whence it comes.
    pub from: IpAddr,
    /// Since when it is logged in.
    pub since: Timestamp,
    /// Where it is, if not in the lobby.
    pub room: Option<Arc<Room>>,
}

impl Directory {
    /// Every room, by name.
    pub(crate) fn rooms(&self) -> impl Iterator<Item = &Arc<Room>> {
        self.rooms.values()
    }

    pub(crate) fn find(&self, key: &NameKey) -> Option<Arc<Room>> {
        self.by_key.get(key).cloned()
    }

    pub(crate) fn owned_by(&self, account: AccountId) -> usize {
        self.owned.get(&account).copied().unwrap_or(0)
    }

    pub(crate) fn add(&mut self, room: Room) {
        if let Some(owner) = room.rights(|rights| rights.owner()) {
            *self.owned.entry(owner).or_default() += 1;
        }
        let room = Arc::new(room);
        self.rooms.insert(room.name.clone(), room.clone());
        self.by_key.insert(room.name.key(), room.clone());
        self.by_id.insert(room.id, room);
        self.lobby_list.change();
    }

    /// Forgets a room that is gone.
    pub(crate) fn remove(&mut self, room: &Room, owner: Option<AccountId>) {
        if let Some(count) = owner.and_then(|owner| self.owned.get_mut(&owner)) {
            *count -= 1;
        }
        self.rooms.remove(&room.name);
        self.by_key.remove(&room.name.key());
        self.by_id.remove(&room.id);
        self.lobby_list.change();
    }

    /// The private rooms, each with those who may know it.
    pub(crate) fn guests(&self) -> Vec<(RoomId, Vec<AccountId>)> {
        let now = Timestamp::now();
        let guests = |room: &Arc<Room>| {
            let guests = room.rights(|rights| {
                rights.is_private().then(|| rights.guests(now).collect::<Vec<_>>())
            });
            guests.map(|guests| (room.id, guests))
        };
        self.rooms().filter_map(guests).collect()
    }

    /// The connections of an account, the oldest first.
    pub(crate) fn online(&self, account: AccountId) -> &[Online] {
        self.online.get(&account).map_or(&[], Vec::as_slice)
    }

    /// Lets nobody arrive with this account any more.
    pub(crate) fn end(&mut self, account: AccountId) {
        self.ended.insert(account);
    }

    /// May one arrive with this account?
    ///
    /// # Errors
    /// `unauthorized`.
    pub(crate) fn check_account(&self, account: AccountId) -> Result<(), Refusal> {
        match self.ended.contains(&account) {
            true => Err(is_ended()),
            false => Ok(()),
        }
    }

    pub(crate) fn come_online(&mut self, account: AccountId, online: Online) {
        self.online.entry(account).or_default().push(online);
    }

    pub(crate) fn go_offline(&mut self, account: AccountId, peer: PeerId) {
        let Some(all) = self.online.get_mut(&account) else { return };
        all.retain(|online| online.peer.id() != peer);
        if all.is_empty() {
            self.online.remove(&account);
        }
    }

    /// Notes where a connection is now.
    pub(crate) fn place(&mut self, account: AccountId, peer: PeerId, room: Option<Arc<Room>>) {
        let all = self.online.get_mut(&account).into_iter().flatten();
        all.filter(|online| online.peer.id() == peer)
            .for_each(|online| online.room.clone_from(&room));
    }
}

/// What one is told whose account was deleted.
pub(crate) fn is_ended() -> Refusal {
    Refusal::new(Code::Unauthorized, "the account was deleted")
}
