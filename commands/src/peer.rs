//! One connection as the rest of the world sees it: where its frames go, what it can
//! take, and which replies it is owed.
//!
//! Replies leave in the order of their requests, whoever fills them in: dispatch, the
//! tail of the ledger, or an error. So each request opens a slot, and a filled slot
//! waits for those before it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use event_listener::Event;
use proto::{Cap, Caps, Frame, Refusal};

use crate::RoomId;

/// How many requests of one connection may wait for their replies.
///
/// Enough that a sender is not held up by one commit of the ledger; each costs a slot
/// and an entry that waits, so there must be an end.
pub const PIPELINED_MAX: usize = 64;

/// Names a connection while it lasts; never used again in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PeerId(pub u64);

/// Where a connection's frames go. Nothing here waits: a connection that does not
/// read is ended by its outbox, not waited for.
pub trait Outbox: Send + Sync {
    /// Queues a frame, or several in one piece, behind all that waits.
    fn put(&self, frame: Frame);

    /// Queues a list behind all that waits, in place of one that waits still; `None`
    /// only takes that one back.
    fn put_list(&self, list: Option<Frame>);

    /// Tells the connection's own task to end it, and why.
    fn end(&self, why: Refusal);
}

/// A connection.
pub struct Peer {
    id: PeerId,
    outbox: Box<dyn Outbox>,
    caps: AtomicU8,
    /// The room out of which its account was put, until its own task takes note; 0 is none.
    put_out_of: AtomicI64,
    replies: Mutex<Replies>,
    settled: Event,
}

/// The replies that are owed, oldest first.
#[derive(Default)]
struct Replies {
    slots: VecDeque<Option<Frame>>,
    /// The number of the first of `slots`.
    first: u64,
}

impl Peer {
    /// A connection that puts its frames into `outbox`.
    pub fn new(id: PeerId, outbox: Box<dyn Outbox>, caps: Caps) -> Peer {
        Peer {
            id,
            outbox,
            caps: AtomicU8::new(caps.bits()),
            put_out_of: AtomicI64::new(0),
            replies: Mutex::default(),
            settled: Event::new(),
        }
    }

    /// Which connection it is.
    pub fn id(&self) -> PeerId {
        self.id
    }

    /// What the connection can take.
    pub fn caps(&self) -> Caps {
        Caps::from_bits(self.caps.load(Ordering::Relaxed))
    }

    /// Does the connection take `cap`?
    pub fn takes(&self, cap: Cap) -> bool {
        self.caps().contains(cap)
    }

    pub(crate) fn set_caps(&self, caps: Caps) {
        self.caps.store(caps.bits(), Ordering::Relaxed);
    }

    /// Its account was put out of a room: its own task takes note before it does anything
    /// further.
    pub(crate) fn put_out_of(&self, room: RoomId) {
        self.put_out_of.store(room.0, Ordering::Release);
    }

    /// Was it put out of that room, and has not taken note?
    pub(crate) fn is_put_out_of(&self, room: RoomId) -> bool {
        self.put_out_of.load(Ordering::Acquire) == room.0
    }

    /// It takes note.
    pub(crate) fn note_put_out(&self) {
        self.put_out_of.store(0, Ordering::Release);
    }

    /// Queues a push. It may overtake replies that are still owed.
    pub fn push(&self, frame: &Frame) {
        self.outbox.put(frame.clone());
    }

    /// Ends the connection, soon.
    pub(crate) fn end(&self, why: Refusal) {
        self.outbox.end(why);
    }

    pub(crate) fn put_list(&self, list: Option<Frame>) {
        self.outbox.put_list(list);
    }

    /// Opens the slot of a request's reply.
    pub(crate) fn open_slot(&self) -> u64 {
        let mut replies = self.replies();
        replies.slots.push_back(None);
        replies.first + replies.slots.len() as u64 - 1
    }

    /// Fills a slot, and queues every reply that no longer waits for one before it.
    pub(crate) fn fill_slot(&self, slot: u64, frame: Frame) {
        let mut replies = self.replies();
        let index = slot.checked_sub(replies.first).and_then(|index| usize::try_from(index).ok());
        let Some(open) = index.and_then(|index| replies.slots.get_mut(index)) else { return };
        *open = Some(frame);
        while let Some(Some(_)) = replies.slots.front() {
            let ready = replies.slots.pop_front().flatten();
            replies.first += 1;
            // Queued under the lock, so that no later reply overtakes it.
            ready.into_iter().for_each(|frame| self.outbox.put(frame));
        }
        drop(replies);
        self.settled.notify(usize::MAX);
    }

    /// How many replies are owed.
    pub fn owed(&self) -> usize {
        self.replies().slots.len()
    }

    /// Waits until at most `owed_max` replies are owed.
    pub async fn settled(&self, owed_max: usize) {
        while self.owed() > owed_max {
            let change = self.settled.listen();
            if self.owed() > owed_max {
                change.await;
            }
        }
    }

    fn replies(&self) -> MutexGuard<'_, Replies> {
        self.replies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;

    #[derive(Default)]
    struct Kept(Mutex<Vec<Frame>>);

    impl Outbox for Arc<Kept> {
        fn put(&self, frame: Frame) {
            self.0.lock().unwrap().push(frame);
        }

        fn put_list(&self, _: Option<Frame>) {}

        fn end(&self, _: Refusal) {}
    }

    proptest! {
        #[test]
        fn replies_leave_in_the_order_of_their_requests(
            order in Just((0..20u8).collect::<Vec<_>>()).prop_shuffle()
        ) {
            let kept = Arc::new(Kept::default());
            let peer = Peer::new(PeerId(1), Box::new(kept.clone()), Caps::default());
            let slots: Vec<u64> = order.iter().map(|_| peer.open_slot()).collect();
            for i in order {
                peer.fill_slot(slots[i as usize], Arc::from([i]));
            }
            let sent: Vec<u8> = kept.0.lock().unwrap().iter().map(|frame| frame[0]).collect();
            prop_assert_eq!(sent, (0..20).collect::<Vec<_>>());
            prop_assert_eq!(peer.owed(), 0);
        }
    }

    #[test]
    fn a_slot_is_filled_only_once() {
        let kept = Arc::new(Kept::default());
        let peer = Peer::new(PeerId(1), Box::new(kept.clone()), Caps::default());
        let slot = peer.open_slot();
        peer.fill_slot(slot, Arc::from([1]));
        peer.fill_slot(slot, Arc::from([2]));
        assert_eq!(kept.0.lock().unwrap().len(), 1);
    }
}
