//! A ledger in memory that the test steps: what it has taken in comes out when, and
//! as, the test says.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use commands::{
    Answer, Body, Busy, Draft, Entry, Hall, Landed, Landing, RoomId, Seq, Sequencer, room_exists,
};
use jiff::Timestamp;
use proto::{NameKey, Refusal};

/// What becomes of a draft; without a decision it is kept.
pub(crate) enum Fate {
    /// It is not in the ledger, and never will be.
    Refuse(Refusal),
    /// Nobody knows.
    Unknown,
    /// The ledger forgets it, and whoever waits for it.
    Drop,
}

/// The ledger.
#[derive(Clone, Default)]
pub(crate) struct Ledger(Arc<Mutex<Inside>>);

#[derive(Default)]
struct Inside {
    waiting: VecDeque<(Draft, Option<Answer>)>,
    fates: VecDeque<Fate>,
    rooms: BTreeMap<NameKey, RoomId>,
    is_full: bool,
    seq: i64,
}

impl Sequencer for Ledger {
    fn append(&self, draft: Draft, answer: Option<Answer>) -> Result<(), Busy> {
        let mut inside = self.inside();
        if inside.is_full {
            return Err(Busy(answer));
        }
        inside.waiting.push_back((draft, answer));
        Ok(())
    }
}

impl Ledger {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().expect("nobody panics while the ledger is open")
    }

    /// What becomes of the draft that is next.
    pub(crate) fn decide(&self, fate: Fate) {
        self.inside().fates.push_back(fate);
    }

    /// Does it take nothing more?
    pub(crate) fn set_full(&self, is_full: bool) {
        self.inside().is_full = is_full;
    }

    /// How many drafts wait.
    pub(crate) fn waiting(&self) -> usize {
        self.inside().waiting.len()
    }

    /// The oldest draft that waits comes out; says whether there was one.
    pub(crate) fn land(&self, hall: &Hall) -> bool {
        let mut inside = self.inside();
        let Some((draft, answer)) = inside.waiting.pop_front() else { return false };
        let landing = match inside.fates.pop_front() {
            None => inside.entry(draft),
            Some(Fate::Refuse(refusal)) => Landing::Refused(refusal),
            Some(Fate::Unknown) => Landing::Unknown,
            // The answer goes with the draft.
            Some(Fate::Drop) => return true,
        };
        drop(inside);
        hall.land(Landed { landing, answer });
        true
    }

    /// Keeps a draft for which nobody waits.
    pub(crate) fn keep(&self, hall: &Hall, draft: Draft) {
        let landing = self.inside().entry(draft);
        hall.land(Landed { landing, answer: None });
    }
}

impl Inside {
    fn entry(&mut self, draft: Draft) -> Landing {
        self.seq += 1;
        // Two may have asked for a name before either had it.
        if let Body::Created { name, .. } = &draft.body {
            if self.rooms.contains_key(&name.key()) {
                return Landing::Refused(room_exists(name));
            }
            self.rooms.insert(name.key(), RoomId(self.seq));
        }
        let ts = Timestamp::from_millisecond(1_792_000_000_000 + self.seq).expect("it is in range");
        Landing::Kept(Entry {
            seq: Seq(self.seq),
            ts,
            room: draft.room.unwrap_or(RoomId(self.seq)),
            author: draft.author,
            body: draft.body,
        })
    }
}
