//! What has to happen in the shell before the next prompt.

use std::time::{Duration, Instant};

use proto::{Id, Incoming};
use serde_json::{Map, Value};

use crate::local::Wait;

/// Something that will happen, and until when we wait for it.
pub(crate) struct Waiting {
    /// What it is.
    pub(crate) what: Awaited,
    /// When we wait no longer; without it as long as it takes.
    pub(crate) until: Option<Instant>,
}

/// What will happen.
pub(crate) enum Awaited {
    /// The reply to a request.
    Reply {
        /// What the request was called.
        id: Id,
        /// Its type.
        kind: String,
        /// Its data.
        data: Map<String, Value>,
        /// Was it a line without a slash?
        is_bare: bool,
        /// Until when it may be sent again, if it may.
        repeatable_until: Option<Instant>,
    },
    /// The last messages of the room, as the reply to this request of our own.
    Recent(Id),
    /// What `/wait` waits for.
    Message(Wait),
    /// What `/sleep` waits for: that time passes.
    Time,
}

impl Waiting {
    /// Waits for `time`, if that is limited.
    pub(crate) fn new(what: Awaited, time: Option<Duration>) -> Waiting {
        let until = time.and_then(|time| Instant::now().checked_add(time));
        Waiting { what, until }
    }

    /// Is `message` what is waited for?
    pub(crate) fn is_for(&self, message: &Incoming) -> bool {
        match &self.what {
            Awaited::Reply { id, .. } | Awaited::Recent(id) => message.id.as_ref() == Some(id),
            Awaited::Message(wait) => message.id.is_none() && wait.is_for(message),
            Awaited::Time => false,
        }
    }

    /// Are the last messages of a room waited for?
    pub(crate) fn is_for_recent(&self) -> bool {
        matches!(self.what, Awaited::Recent(_))
    }

    /// Is a reply waited for?
    pub(crate) fn is_for_reply(&self) -> bool {
        matches!(self.what, Awaited::Reply { .. })
    }
}
