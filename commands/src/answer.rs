//! The duty to answer a request, exactly once.

use std::borrow::Cow;
use std::sync::Arc;

use proto::{Code, Frame, Id, Outgoing, Refusal, Status, frame};
use serde::Serialize;

use crate::telling::Telling;
use crate::{Peer, PeerId, Reply};

/// Whoever holds it owes the connection the reply to one request.
///
/// It goes with the entry into the ledger and comes back with it. Dropped without an
/// answer (a handler that panicked, a ledger that died) it says `unknown_outcome`, so
/// no client waits for ever.
pub struct Answer {
    peer: Arc<Peer>,
    slot: u64,
    kind: Cow<'static, str>,
    id: Option<Id>,
    is_given: bool,
}

impl Answer {
    pub(crate) fn new(peer: Arc<Peer>, kind: Cow<'static, str>, id: Option<Id>) -> Answer {
        let slot = peer.open_slot();
        Answer { peer, slot, kind, id, is_given: false }
    }

    /// The connection that is owed the answer.
    pub fn peer(&self) -> PeerId {
        self.peer.id()
    }

    /// Answers that it was done.
    pub fn reply<R: Serialize>(self, reply: Reply<R>) {
        let frame = self.frame(&reply);
        self.give(frame);
    }

    /// The frame that [`Answer::reply`] would give, for one who must queue it at a
    /// certain moment.
    pub(crate) fn frame<R: Serialize>(&self, reply: &Reply<R>) -> Frame {
        self.frame_of(reply.kind, reply.data.as_ref(), reply.message.as_deref())
    }

    /// Answers with what others get as a push: `shared` is that push, and is taken as it
    /// is when it is the same as the reply.
    pub(crate) fn tell(self, telling: &Telling<'_>, shared: Option<&Frame>) {
        let sentence = telling.sentence();
        let is_same = self.id.is_none() && self.kind == telling.kind() && sentence.is_none();
        let frame = match shared {
            Some(shared) if is_same => shared.clone(),
            _ => self.frame_of(None, Some(telling), sentence.as_deref()),
        };
        self.give(frame);
    }

    fn frame_of<D: Serialize>(
        &self,
        kind: Option<&str>,
        data: Option<&D>,
        message: Option<&str>,
    ) -> Frame {
        let kind = kind.unwrap_or(&self.kind);
        let id = self.id.as_ref();
        frame(&Outgoing { kind, status: Status::Ok, data, message, id, code: None })
    }

    /// Answers that it was refused.
    pub fn refuse(self, refusal: &Refusal) {
        let frame = frame(&Outgoing::error(&self.kind, self.id.as_ref(), refusal));
        self.give(frame);
    }

    pub(crate) fn give(mut self, frame: Frame) {
        self.is_given = true;
        self.peer.fill_slot(self.slot, frame);
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if !self.is_given {
            let refusal = Refusal::new(
                Code::UnknownOutcome,
                "the server failed under way: it may or may not have happened",
            );
            let frame = frame(&Outgoing::error(&self.kind, self.id.as_ref(), &refusal));
            self.peer.fill_slot(self.slot, frame);
        }
    }
}
