//! One connection's way through the states.

use std::net::IpAddr;
use std::sync::Arc;

use proto::State;

use crate::{Account, Peer, Room, Seat, Seq, TokenId};

/// Where a connection is, and as whom. Only dispatch moves it.
pub struct Session {
    peer: Arc<Peer>,
    from: IpAddr,
    pub(crate) seat: Option<Seat>,
    pub(crate) token: Option<TokenId>,
    /// The last entry that it has had, while it catches up with its room.
    pub(crate) behind: Option<Seq>,
    pub(crate) has_ended: bool,
}

impl Session {
    /// A connection from this address, not logged in.
    pub fn new(peer: Arc<Peer>, from: IpAddr) -> Session {
        Session { peer, from, seat: None, token: None, behind: None, has_ended: false }
    }

    /// The connection.
    pub fn peer(&self) -> &Arc<Peer> {
        &self.peer
    }

    /// Where the connection comes from.
    pub fn from(&self) -> IpAddr {
        self.from
    }

    /// The token with which, or for which, it logged in.
    pub fn token(&self) -> Option<TokenId> {
        self.token
    }

    /// Takes note that somebody put it out of its room. It sits in the lobby already, in
    /// the hall's eyes.
    pub(crate) fn obey(&mut self) {
        if let Some(seat) = &mut self.seat
            && seat.take_note()
        {
            self.behind = None;
        }
    }

    /// Does it still miss what was said in its room? Then it is read no further, and gets
    /// page after page with [`catch_up`](crate::catch_up).
    pub fn is_behind(&self) -> bool {
        self.behind.is_some()
    }

    /// Where it is.
    pub fn state(&self) -> State {
        match &self.seat {
            _ if self.has_ended => State::Ended,
            None => State::Auth,
            Some(seat) => seat.state(),
        }
    }

    /// Who is logged in.
    pub fn account(&self) -> Option<&Arc<Account>> {
        self.seat.as_ref().map(Seat::account)
    }

    /// The room where it is.
    pub fn room(&self) -> Option<&Arc<Room>> {
        self.seat.as_ref().and_then(Seat::room)
    }
}
