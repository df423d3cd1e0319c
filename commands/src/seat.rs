//! Where a logged-in session sits.

use std::sync::Arc;

use proto::State;

use crate::list::Sent;
use crate::members::Member;
use crate::{Account, Hall, Peer, Room};

/// A place in the lobby or in a room. Dropped, it is left: however a session ends, nobody
/// stays on a list.
pub struct Seat {
    pub(crate) hall: Arc<Hall>,
    pub(crate) peer: Arc<Peer>,
    pub(crate) account: Arc<Account>,
    pub(crate) room: Option<Arc<Room>>,
}

impl Seat {
    /// Who sits there.
    pub fn account(&self) -> &Arc<Account> {
        &self.account
    }

    /// The room, if it is not the lobby.
    pub fn room(&self) -> Option<&Arc<Room>> {
        self.room.as_ref().filter(|room| !self.peer.is_put_out_of(room.id))
    }

    pub(crate) fn state(&self) -> State {
        if self.room().is_some() { State::Chat } else { State::Lobby }
    }

    pub(crate) fn member(&self, is_live: bool) -> Member {
        let (peer, account) = (self.peer.clone(), self.account.clone());
        Member { peer, account, list: Sent::Never, is_live }
    }

    /// Takes note if it was put out of its room; says whether.
    pub(crate) fn take_note(&mut self) -> bool {
        let was_put_out = self.room.take_if(|room| self.peer.is_put_out_of(room.id)).is_some();
        if was_put_out {
            self.peer.note_put_out();
        }
        was_put_out
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let hall = self.hall.clone();
        hall.stand_up(self);
        self.peer.put_list(None);
    }
}
