//! What the ledger keeps: the lasting changes of rooms, in one order.

use std::sync::Arc;

use jiff::Timestamp;
use proto::{Key, Refusal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use crate::{Account, Answer, Body, Sight};

/// The identity of a room; names only look it up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomId(pub i64);

impl RoomId {
    /// No room: where private messages beyond rooms stand.
    pub const TELLS: RoomId = RoomId(0);
}

/// The place of an entry in the ledger: it grows within a room, with gaps.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(transparent)]
pub struct Seq(pub i64);

/// A change that somebody was allowed to make, on its way into the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Whose room it concerns; a new room has no id yet.
    pub room: Option<RoomId>,
    /// Who makes the change; nobody for what the operator's configuration asks for.
    pub author: Option<Arc<Account>>,
    /// What it is.
    pub body: Body,
    /// What makes it safe to ask for it again, for a message that has a key.
    pub again: Option<Again>,
}

/// How the ledger knows a message that was asked for before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Again {
    /// What the sender called it.
    pub key: Key,
    /// What is told if it was not asked for before: it may have been right then, and
    /// its addressee has gone since.
    pub else_refused: Option<Refusal>,
}

/// A change that happened: it is in the ledger, on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it stands.
    pub seq: Seq,
    /// When it was taken in; it orders nothing.
    pub ts: Timestamp,
    /// The room that it concerns.
    pub room: RoomId,
    /// Who made the change.
    pub author: Option<Arc<Account>>,
    /// What it is.
    pub body: Body,
}

impl Entry {
    /// What was said; nothing for another kind of entry.
    pub fn text(&self) -> &str {
        match &self.body {
            Body::Said { text, .. } | Body::Told { text, .. } => text,
            _ => "",
        }
    }

    /// May an account with this sight see it? The one rule, in front of every way to a
    /// message: a private one is for its two parties, and what was said before one might
    /// read along is for others.
    pub fn is_for(&self, sight: Sight) -> bool {
        let is_open = match &self.body {
            Body::Said { to: Some(to), .. }
            | Body::Told { to, .. }
            | Body::Edited { to: Some(to), .. }
            | Body::Redacted { to: Some(to), .. } => {
                let is_author = |author: &Arc<Account>| author.id == sight.account;
                to.id == sight.account || self.author.as_ref().is_some_and(is_author)
            }
            _ => true,
        };
        // What became of a message is for those whom the message was for.
        let seq = match &self.body {
            Body::Edited { target, .. } | Body::Redacted { target, .. } => *target,
            _ => self.seq,
        };
        is_open && seq > sight.after
    }
}

/// What became of a draft.
#[derive(Debug)]
pub enum Landing {
    /// It is in the ledger.
    Kept(Entry),
    /// It was asked for before, with the same key: this is what was kept then.
    Repeated(Entry),
    /// It is not, and never will be.
    Refused(Refusal),
    /// Nobody knows.
    Unknown,
}

/// What comes out of the ledger's tail.
pub struct Landed {
    /// What became of it.
    pub landing: Landing,
    /// Who on this server waits to be told.
    pub answer: Option<Answer>,
}

/// What one is told who uses a key again for something else.
pub fn key_used() -> Refusal {
    Refusal::bad_field("key", "it was used for another message")
}

/// RFC 3339 in UTC with milliseconds and a final Z.
pub(crate) fn rfc3339_ms<S: Serializer>(ts: &Timestamp, out: S) -> Result<S::Ok, S::Error> {
    out.collect_str(&format_args!("{ts:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_three_digits_behind_the_second_and_a_z() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_792_000_000_120, "2026-10-14T17:46:40.120Z"),
            (1_792_000_000_000, "2026-10-14T17:46:40.000Z"),
        ] {
            let ts = Timestamp::from_millisecond(ms).unwrap();
            let written = rfc3339_ms(&ts, serde_json::value::Serializer).unwrap();
            assert_eq!(written, text);
        }
    }
}
