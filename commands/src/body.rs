//! The kinds of entries: every lasting change that there is.

use std::sync::Arc;

use jiff::Timestamp;
use proto::RoomName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Account, RoomPolicy, Seq};

/// The kinds of entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// The room was made, and belongs to the author.
    Created {
        /// Its name, as it is spelled.
        name: RoomName,
        /// What it is about.
        topic: Option<String>,
        /// What was decided for as long as it lasts.
        policy: RoomPolicy,
    },
    /// Somebody said something.
    Said {
        /// To one who was there; to all, if it is none.
        to: Option<Arc<Account>>,
        /// What was said; nothing, if it was taken back.
        text: String,
        /// What became of it since.
        changed: Option<Box<Changed>>,
    },
    /// Somebody wrote to somebody, in no room: the room of such entries is
    /// [`RoomId::TELLS`](crate::RoomId::TELLS).
    Told {
        /// Whom it is for.
        to: Arc<Account>,
        /// What was said.
        text: String,
    },
    /// Somebody entered for the first time a room where that matters.
    Joined {
        /// The last entry before that.
        after: Seq,
    },
    /// The room is about something else.
    Topic {
        /// What it is about.
        text: String,
    },
    /// Something was done to somebody.
    Done {
        /// What.
        act: Act,
        /// To whom.
        to: Arc<Account>,
        /// When it ends, if it does.
        until: Option<Timestamp>,
        /// Why.
        reason: Option<String>,
    },
    /// Messages are kept for so long, and no longer.
    Retention {
        /// Days; for ever, if it is none.
        days: Option<u32>,
    },
    /// The room is gone.
    Deleted,
    /// A message says something else.
    Edited {
        /// Which message.
        target: Seq,
        /// Whom that is for, if not for all.
        to: Option<Arc<Account>>,
        /// What it says.
        text: String,
    },
    /// A message was taken back.
    Redacted {
        /// Which message.
        target: Seq,
        /// Whom that was for, if not for all.
        to: Option<Arc<Account>>,
    },
}

/// What can be done to somebody in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Act {
    /// They may come into a private room.
    Invite,
    /// They are put out, and may come back.
    Kick,
    /// They are put out, and may not come back.
    Ban,
    /// They may come back.
    Unban,
    /// They may not speak.
    Mute,
    /// They may speak again.
    Unmute,
    /// They keep order.
    Op,
    /// They keep order no more.
    Deop,
}

impl Act {
    /// Every act.
    pub const ALL: [Act; 8] =
        [Act::Invite, Act::Kick, Act::Ban, Act::Unban, Act::Mute, Act::Unmute, Act::Op, Act::Deop];

    /// The name on the wire, which is that of its command.
    pub const fn name(self) -> &'static str {
        match self {
            Act::Invite => "invite",
            Act::Kick => "kick",
            Act::Ban => "ban",
            Act::Unban => "unban",
            Act::Mute => "mute",
            Act::Unmute => "unmute",
            Act::Op => "op",
            Act::Deop => "deop",
        }
    }

    /// Does it put out whom it is done to?
    pub const fn puts_out(self) -> bool {
        matches!(self, Act::Kick | Act::Ban)
    }
}

/// How a message was changed last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Was it taken back?
    pub is_redacted: bool,
    /// Who did it.
    pub by: Arc<Account>,
    /// When.
    pub ts: Timestamp,
}

impl Body {
    /// Is it the same message, to the same addressee? Of one that was changed since,
    /// nobody knows any more what it said.
    pub fn is_same(&self, other: &Body) -> bool {
        let name = |to: &Option<Arc<Account>>| to.as_ref().map(|to| to.key.clone());
        match (self, other) {
            (Body::Said { to: a, text, changed }, Body::Said { to: b, text: other, .. }) => {
                (text == other || changed.is_some()) && name(a) == name(b)
            }
            (Body::Told { to: a, text }, Body::Told { to: b, text: other }) => {
                text == other && a.key == b.key
            }
            _ => false,
        }
    }
}
