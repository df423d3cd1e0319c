//! A ledger in memory that the test steps: what it has taken in comes out when, and
//! as, the test says.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use commands::{
    AccountId, Answer, Archive, Body, Busy, Changed, Cursor, Draft, Entry, Hall, Landed, Landing,
    Later, Page, Query, RoomId, RoomRecord, Seq, Sequencer, Sight, Tells, key_used, room_exists,
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
    /// It is kept, and whoever waits for it is forgotten.
    KeepInSilence,
    /// It comes out twice, as from a ledger that was asked again.
    Double,
}

/// The ledger.
#[derive(Clone, Default)]
pub(crate) struct Ledger(Arc<Mutex<Inside>>);

#[derive(Default)]
struct Inside {
    waiting: VecDeque<(Draft, Option<Answer>)>,
    fates: VecDeque<Fate>,
    rooms: BTreeMap<NameKey, RoomId>,
    kept: Vec<Entry>,
    sent: HashMap<(Option<AccountId>, Option<RoomId>, String), Entry>,
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

impl Archive for Ledger {
    fn entry(&self, room: RoomId, seq: Seq) -> Later<'_, Result<Option<Entry>, Refusal>> {
        let inside = self.inside();
        let found = inside.kept.iter().find(|entry| entry.seq == seq && entry.room == room);
        Box::pin(std::future::ready(Ok(found.cloned())))
    }

    fn tells(
        &self,
        account: AccountId,
        which: Tells,
        after: Seq,
        limit: usize,
    ) -> Later<'_, Result<Page, Refusal>> {
        let inside = self.inside();
        let is_wanted = |entry: &&Entry| match (&entry.body, which) {
            (Body::Told { to, .. }, Tells::Received) => to.id == account,
            _ => entry.room == RoomId::TELLS,
        };
        let tells = inside.kept.iter().filter(is_wanted);
        let seen = tells.filter(|entry| entry.is_for(Sight { account, after }));
        let mut entries: Vec<Entry> = seen.take(limit + 1).cloned().collect();
        let more = entries.len() > limit;
        entries.truncate(limit);
        Box::pin(std::future::ready(Ok(Page { entries, more })))
    }

    fn older_than(&self, room: RoomId, ts: Timestamp) -> Later<'_, Result<u64, Refusal>> {
        let inside = self.inside();
        let said = inside.kept.iter().filter(|entry| matches!(entry.body, Body::Said { .. }));
        let old = said.filter(|entry| entry.room == room && entry.ts < ts).count();
        Box::pin(std::future::ready(Ok(old as u64)))
    }

    fn messages(&self, query: Query) -> Later<'_, Result<Page, Refusal>> {
        let inside = self.inside();
        let words: Vec<String> =
            query.search.iter().flat_map(|s| s.split_whitespace()).map(Into::into).collect();
        let mut entries: Vec<Entry> = inside
            .kept
            .iter()
            .filter(|entry| query.with_changes || matches!(entry.body, Body::Said { .. }))
            .filter(|entry| entry.room == query.room && entry.seq <= query.up_to)
            .filter(|entry| entry.is_for(query.sight))
            .filter(|entry| words.iter().all(|word| entry.text().contains(word)))
            .cloned()
            .collect();
        match query.from {
            Cursor::End => entries.reverse(),
            Cursor::Before(seq) => {
                entries.retain(|entry| entry.seq < seq);
                entries.reverse();
            }
            Cursor::After(seq) => entries.retain(|entry| entry.seq > seq),
            Cursor::Since(ts) => entries.retain(|entry| entry.ts >= ts),
        }
        let more = entries.len() > query.limit;
        entries.truncate(query.limit);
        if !matches!(query.from, Cursor::After(_) | Cursor::Since(_)) {
            entries.reverse();
        }
        Box::pin(std::future::ready(Ok(Page { entries, more })))
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

    /// The last entry.
    pub(crate) fn last(&self) -> i64 {
        self.inside().seq
    }

    /// How many drafts wait.
    pub(crate) fn waiting(&self) -> usize {
        self.inside().waiting.len()
    }

    /// The oldest draft that waits comes out; says whether there was one.
    pub(crate) fn land(&self, hall: &Hall) -> bool {
        let mut inside = self.inside();
        let Some((draft, mut answer)) = inside.waiting.pop_front() else { return false };
        let mut again = None;
        let mut forgotten = None;
        let landing = match inside.fates.pop_front() {
            None => inside.take(draft),
            Some(Fate::Refuse(refusal)) => Landing::Refused(refusal),
            Some(Fate::Unknown) => Landing::Unknown,
            // The answer goes with the draft.
            Some(Fate::Drop) => return true,
            Some(Fate::KeepInSilence) => {
                forgotten = answer.take();
                inside.take(draft)
            }
            Some(Fate::Double) => {
                let first = inside.take(draft.clone());
                again = Some(inside.take(draft));
                first
            }
        };
        drop(inside);
        hall.land(Landed { landing, answer });
        if let Some(landing) = again {
            hall.land(Landed { landing, answer: None });
        }
        drop(forgotten);
        true
    }

    /// The server is killed: the first of the drafts that wait are kept, and nobody is told.
    /// What the next one finds.
    pub(crate) fn crash(&self, kept: usize) -> Vec<RoomRecord> {
        let mut inside = self.inside();
        inside.fates.clear();
        inside.is_full = false;
        let waiting = std::mem::take(&mut inside.waiting);
        for (draft, _) in waiting.into_iter().take(kept) {
            inside.take(draft);
        }
        let records = inside.rooms.values().map(|room| {
            let of_room = || inside.kept.iter().filter(|entry| entry.room == *room);
            let mut changes = of_room().filter(|entry| !matches!(entry.body, Body::Said { .. }));
            let changes: Vec<Entry> = changes.by_ref().cloned().collect();
            let Body::Created { name, .. } = &changes[0].body else { panic!("it was created") };
            let last = of_room().map(|entry| entry.seq).max().expect("it has an entry");
            RoomRecord { id: *room, name: name.clone(), changes, trimmed: Seq(0), last }
        });
        records.collect()
    }

    /// What is kept of what was said: where, by whom and what.
    pub(crate) fn said(&self) -> Vec<(i64, AccountId, String)> {
        let inside = self.inside();
        let said = inside.kept.iter().filter(|entry| matches!(entry.body, Body::Said { .. }));
        said.map(|entry| {
            let author = entry.author.as_ref().expect("somebody said it");
            (entry.seq.0, author.id, entry.text().to_owned())
        })
        .collect()
    }

    /// Keeps a draft for which nobody waits.
    pub(crate) fn keep(&self, hall: &Hall, draft: Draft) {
        let landing = self.inside().entry(draft);
        hall.land(Landed { landing, answer: None });
    }
}

impl Inside {
    /// As a ledger does that knows what was asked for before.
    fn take(&mut self, draft: Draft) -> Landing {
        let Some(again) = draft.again.clone() else { return self.entry(draft) };
        let author = draft.author.as_ref().map(|author| author.id);
        let sent = (author, draft.room, again.key.as_str().to_owned());
        match (self.sent.get(&sent), again.else_refused) {
            (Some(first), _) if first.body.is_same(&draft.body) => Landing::Repeated(first.clone()),
            (Some(_), _) => Landing::Refused(key_used()),
            (None, Some(refusal)) => Landing::Refused(refusal),
            (None, None) => {
                let landing = self.entry(draft);
                if let Landing::Kept(entry) = &landing {
                    self.sent.insert(sent, entry.clone());
                }
                landing
            }
        }
    }

    fn entry(&mut self, draft: Draft) -> Landing {
        self.seq += 1;
        // Two may have asked for a name before either had it.
        if let Body::Created { name, .. } = &draft.body {
            if self.rooms.contains_key(&name.key()) {
                return Landing::Refused(room_exists(name));
            }
            self.rooms.insert(name.key(), RoomId(self.seq));
        }
        if let Err(refusal) = self.change(&draft) {
            return Landing::Refused(refusal);
        }
        let ts = Timestamp::from_millisecond(1_792_000_000_000 + self.seq).expect("it is in range");
        let entry = Entry {
            seq: Seq(self.seq),
            ts,
            room: draft.room.unwrap_or(RoomId(self.seq)),
            author: draft.author,
            body: draft.body,
        };
        self.kept.push(entry.clone());
        Landing::Kept(entry)
    }

    /// Changes the message that a draft is about, if it is about one.
    fn change(&mut self, draft: &Draft) -> Result<(), Refusal> {
        let (target, new, is_redacted) = match &draft.body {
            Body::Edited { target, text, .. } => (target, text.as_str(), false),
            Body::Redacted { target, .. } => (target, "", true),
            Body::Deleted => {
                self.rooms.retain(|_, room| Some(*room) != draft.room);
                return Ok(());
            }
            _ => return Ok(()),
        };
        let by = draft.author.clone().expect("somebody changes it");
        let mark = Changed { is_redacted, by, ts: Timestamp::UNIX_EPOCH };
        let message = self.kept.iter_mut().find(|entry| entry.seq == *target);
        match message.map(|entry| &mut entry.body) {
            Some(Body::Said { text, changed, .. }) if !text.is_empty() => {
                new.clone_into(text);
                *changed = Some(Box::new(mark));
                Ok(())
            }
            _ => Err(Refusal::bad_field("seq", "the message was taken back, or is gone")),
        }
    }
}
