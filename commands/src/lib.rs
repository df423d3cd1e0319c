//! What each word of the protocol means.
//!
//! A command is one file in `cmd/`: a typed request, a specification as data, and a
//! handler that says what should happen. [`dispatch`] checks the specification and
//! makes it happen; the [`Hall`] knows who is where and hands out what comes out of
//! the ledger. There are no sockets, no runtime and no SQL here: the world is reached
//! through the traits of `cx.rs`.
//!
//! Another crate adds a command with [`register!`], and is linked in by naming it.

mod account;
mod act;
mod answer;
mod body;
mod catch_up;
mod cmd;
mod cx;
mod directory;
mod dispatch;
mod entry;
mod hall;
mod list;
mod list_push;
mod members;
mod outcome;
mod peer;
mod presence;
mod pushes;
mod registry;
mod rights;
mod room;
mod seat;
mod session;
mod telling;

pub use account::{Account, AccountId, TokenId};
pub use answer::Answer;
pub use body::{Act, Body, Changed};
pub use catch_up::catch_up;
pub use cmd::ping::ping_push;
pub use cx::{
    Accounts, Archive, Busy, Cursor, Cx, Later, Limits, LoggedIn, Page, Policy, Profile, Query,
    Registration, Sequencer, Tells, World,
};
pub use directory::Online;
pub use dispatch::{dispatch, malformed};
pub use entry::{Again, Draft, Entry, Landed, Landing, RoomId, Seq, key_used};
pub use hall::Hall;
pub use list::Listing;
pub use outcome::{Move, Outcome, Reply, Says, View};
pub use peer::{Outbox, PIPELINED_MAX, Peer, PeerId};
pub use registry::{Command, Effect, Fut, Handler, Render, catalogue, commands, find};
pub use rights::{PastPolicy, Rights, RoomPolicy, Sanction, Sight, Standing};
pub use room::{Room, RoomRecord, no_such_room, room_exists, too_many_rooms};
pub use seat::Seat;
pub use session::Session;

#[doc(hidden)]
pub use inventory;
