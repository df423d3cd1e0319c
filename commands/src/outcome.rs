//! What a handler says should happen; dispatch makes it happen.

use std::borrow::Cow;
use std::sync::Arc;

use proto::State;

use crate::hall::Place;
use crate::room::Inside;
use crate::{Account, Draft, Listing, Room, Seq, TokenId};

/// What should happen.
pub enum Outcome<R> {
    /// Nothing further: this is the reply.
    Reply(Reply<R>),
    /// The reply, made and queued while the place where the session is stands still:
    /// what it says is true between the frames before it and those after it.
    Look(Says<R>),
    /// The session stays where it is, with another token.
    Renew(TokenId, Reply<R>),
    /// A lasting change; the ledger answers when it has it.
    Append(Draft),
    /// The session moves; the reply is made and queued while it arrives.
    Move(Move, Says<R>),
}

/// Makes a reply from what can be seen at that moment.
pub type Says<R> = Box<dyn FnOnce(&View<'_>) -> Reply<R> + Send>;

impl<R> Outcome<R> {
    /// A reply that has only data.
    pub fn data(data: R) -> Self {
        Outcome::Reply(Reply { kind: None, data: Some(data), message: None })
    }

    /// [`Outcome::Look`], without the box.
    pub fn look(says: impl FnOnce(&View<'_>) -> Reply<R> + Send + 'static) -> Self {
        Outcome::Look(Box::new(says))
    }

    /// [`Outcome::Move`], without the box.
    pub fn go(to: Move, says: impl FnOnce(&View<'_>) -> Reply<R> + Send + 'static) -> Self {
        Outcome::Move(to, Box::new(says))
    }
}

/// What a reply says when the request was done.
#[derive(Debug)]
pub struct Reply<R> {
    /// Its type, if it is not that of the request.
    pub kind: Option<&'static str>,
    /// For programs.
    pub data: Option<R>,
    /// For people.
    pub message: Option<Cow<'static, str>>,
}

impl<R> Reply<R> {
    /// Only data.
    pub fn data(data: R) -> Self {
        Reply { kind: None, data: Some(data), message: None }
    }

    /// Only a sentence for people.
    pub fn message(message: impl Into<Cow<'static, str>>) -> Self {
        Reply { kind: None, data: None, message: Some(message.into()) }
    }

    /// The same with a sentence for people.
    pub fn saying(self, message: impl Into<Cow<'static, str>>) -> Self {
        Reply { message: Some(message.into()), ..self }
    }
}

/// Where a session goes.
pub enum Move {
    /// Into the lobby, as somebody; the token, if any, ends with a logout.
    SignIn(Arc<Account>, Option<TokenId>),
    /// Out of the lobby, as nobody.
    SignOut,
    /// As somebody, with a token, into a room; with what was said there after an entry,
    /// if that was asked for.
    Resume(Arc<Account>, TokenId, Arc<Room>, Option<Seq>),
    /// From the lobby into a room.
    Enter(Arc<Room>),
    /// From the room into the lobby.
    Exit,
    /// Away.
    End,
}

impl Move {
    /// The state to which it leads.
    pub fn target(&self) -> State {
        match self {
            Move::SignIn(..) | Move::Exit => State::Lobby,
            Move::SignOut => State::Auth,
            Move::Resume(..) | Move::Enter(_) => State::Chat,
            Move::End => State::Ended,
        }
    }
}

/// What can be seen of the place where a session is, while nothing changes there.
pub struct View<'a> {
    pub(crate) place: Place<'a>,
    pub(crate) epoch: &'a str,
}

impl View<'_> {
    /// Who is where: all rooms from the lobby, this room from a room.
    pub fn listing(&self) -> Listing {
        Listing::of(&self.place)
    }

    /// The last entry of the room that was delivered; zero outside a room.
    pub fn last_seq(&self) -> Seq {
        self.inside().map_or(Seq(0), |inside| inside.delivered)
    }

    /// The oldest entry of the room that is kept; zero outside a room.
    pub fn oldest(&self) -> Seq {
        self.inside().map_or(Seq(0), |inside| inside.oldest)
    }

    /// Is anything gone of what was said after `seq`? Also when nothing so late was ever
    /// said: then this ledger is an older one.
    pub fn has_lost_after(&self, seq: Seq) -> bool {
        self.last_seq() < seq || self.inside().is_some_and(|inside| inside.trimmed > seq)
    }

    /// What the room is about.
    pub fn topic(&self) -> Option<String> {
        self.inside().and_then(|inside| inside.topic.clone())
    }

    /// Which ledger it is: another one after a restored backup.
    pub fn epoch(&self) -> &str {
        self.epoch
    }

    fn inside(&self) -> Option<&Inside> {
        match &self.place {
            Place::Room(_, inside) => Some(inside),
            Place::Lobby(..) | Place::Outside => None,
        }
    }
}
