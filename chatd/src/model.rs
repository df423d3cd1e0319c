//! The real ledger against a small model: whatever its disk takes and however often it is
//! opened again, it keeps what the model keeps, once under each key, and tells the same.
//!
//! The hall above it has a model of its own, in `commands/tests/faults`.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use async_channel::Receiver;
use commands::{
    Account, AccountId, Again, Archive, Body, Cursor, Draft, Entry, Landed, Landing, Query, RoomId,
    Seq, Sight,
};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use proto::{Code, Key, RoomName, UserName};
use rusqlite::Transaction;

use crate::config::Config;
use crate::database::{Database, Writer};
use crate::history::History;
use crate::settings::Settings;
use crate::{integrity, ledger};

const PEOPLE: [&str; 2] = ["ann", "bob"];
const ROOMS: [&str; 2] = ["attic", "cellar"];

/// What happens.
#[derive(Debug, Clone)]
enum Event {
    /// Somebody says something, to all or to the other one.
    Say { who: usize, room: usize, key: Option<usize>, text: usize, is_private: bool },
    /// The database may not grow, or may again.
    Fill(bool),
    /// It is closed and opened again.
    Restart,
    /// One of the two, or one who only listens, reads what came after a message, or before.
    Read { who: usize, room: usize, seq: i64, is_after: bool },
}

fn events() -> impl Strategy<Value = Event> {
    let key = prop_oneof![1 => Just(None), 2 => (0..5_usize).prop_map(Some)];
    // Under a key it is mostly the same, and long enough that pages are soon full.
    let text = prop_oneof![4 => Just(0), 1 => Just(1_usize)];
    let say = (0..2_usize, 0..2_usize, key, text, prop::bool::weighted(0.2)).prop_map(
        |(who, room, key, text, is_private)| Event::Say { who, room, key, text, is_private },
    );
    let read = (0..3_usize, 0..2_usize, 0..60_i64, any::<bool>())
        .prop_map(|(who, room, seq, is_after)| Event::Read { who, room, seq, is_after });
    prop_oneof![
        20 => say,
        2 => any::<bool>().prop_map(Event::Fill),
        1 => Just(Event::Restart),
        4 => read,
    ]
}

/// A message that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Kept {
    seq: i64,
    room: usize,
    author: usize,
    is_private: bool,
    text: String,
}

impl Kept {
    fn of(entry: &Entry) -> Kept {
        let Body::Said { to, text, .. } = &entry.body else { panic!("{entry:?}") };
        let author = entry.author.as_ref().expect("somebody said it").id.0;
        let (room, author) = (entry.room.0 as usize - 1, author as usize - 1);
        let is_private = to.is_some();
        Kept { seq: entry.seq.0, room, author, is_private, text: text.clone() }
    }
}

#[derive(Default)]
struct Model {
    kept: Vec<Kept>,
    sent: BTreeMap<(usize, usize, usize), Kept>,
}

/// The ledger, open.
struct Real {
    database: Database,
    writer: Writer,
    tail: Receiver<Vec<Landed>>,
}

impl Real {
    fn open(file: &Path, config: &Config) -> Real {
        let (database, writer, tail) = Database::open(file, config).unwrap();
        Real { database, writer, tail }
    }

    fn close(self) {
        self.database.close();
        self.writer.join();
    }

    async fn landing(&self, draft: Draft) -> Landing {
        assert!(self.database.append(draft, None).is_ok());
        self.tail.recv().await.unwrap().remove(0).landing
    }

    /// What somebody is told of a room.
    async fn told(&self, who: usize, room: usize, from: Cursor, limit: usize) -> Vec<Kept> {
        let query = Query {
            room: RoomId(room as i64 + 1),
            sight: Sight { account: AccountId(who as i64 + 1), after: Seq(0) },
            with_changes: false,
            from,
            up_to: Seq(i64::MAX),
            limit,
            text_bytes: usize::MAX,
            search: None,
        };
        let page = History(self.database.clone()).messages(query).await.unwrap();
        page.entries.iter().map(Kept::of).collect()
    }
}

async fn set_pages_max(database: &Database, is_full: bool) {
    let set = move |db: &Transaction<'_>| {
        let pages: i64 = db.pragma_query_value(None, "page_count", |row| row.get(0))?;
        let pages = if is_full { pages } else { i64::from(u32::MAX - 1) };
        db.pragma_update(None, "max_page_count", pages)
    };
    // A disk that is full may refuse the batch as well: then it is still full.
    let _ = database.write(set).await;
}

fn account(who: usize) -> Arc<Account> {
    let name = UserName::new(PEOPLE[who]).unwrap();
    Arc::new(Account::new(AccountId(who as i64 + 1), name))
}

fn text_of(text: usize) -> String {
    format!("{text} {}", "x".repeat(700))
}

impl Model {
    /// Holds what the ledger makes of a draft against what it should.
    fn check(&mut self, event: &Event, is_full: bool, landing: &Landing) {
        let Event::Say { who, room, key, text, is_private } = event else { return };
        let key = key.map(|key| (*who, *room, key));
        let first = key.and_then(|key| self.sent.get(&key));
        let is_same = first
            .is_some_and(|first| (&first.text, &first.is_private) == (&text_of(*text), is_private));
        match (landing, first) {
            (Landing::Refused(why), _) if why.code == Code::ServerBusy => {
                assert!(is_full, "{event:?}");
            }
            (Landing::Repeated(entry), Some(first)) => {
                assert!(is_same && Kept::of(entry) == *first, "{event:?}: {entry:?}");
            }
            (Landing::Refused(why), Some(_)) => {
                assert!(!is_same && why.code == Code::BadRequest, "{event:?}: {why:?}");
            }
            (Landing::Kept(entry), None) => {
                let kept = Kept::of(entry);
                assert!(self.kept.last().is_none_or(|last| last.seq < kept.seq));
                let (author, is_private) = (*who, *is_private);
                let expected =
                    Kept { seq: kept.seq, room: *room, author, is_private, text: text_of(*text) };
                assert_eq!(kept, expected);
                key.into_iter().for_each(|key| drop(self.sent.insert(key, kept.clone())));
                self.kept.push(kept);
            }
            other => panic!("{event:?}: {other:?}"),
        }
    }

    /// What somebody may be told of a room, oldest first.
    fn told(&self, who: usize, room: usize) -> impl Iterator<Item = &Kept> {
        let is_for = move |kept: &&Kept| kept.room == room && (!kept.is_private || who < 2);
        self.kept.iter().filter(is_for)
    }
}

async fn play(file: &Path, config: &Config, events: &[Event]) {
    let mut real = Real::open(file, config);
    let rooms = ROOMS.iter().map(|room| RoomName::new(room).unwrap()).collect();
    ledger::make_rooms(&real.database, rooms).await.unwrap();
    let people = real.database.write(|db| {
        db.execute_batch(
            "INSERT INTO accounts (name, key, password, created)
             VALUES ('ann', 'ann', '', 0), ('bob', 'bob', '', 0)",
        )
    });
    people.await.unwrap();
    let (mut model, mut is_full) = (Model::default(), false);
    for event in events {
        match event {
            Event::Say { who, room, key, text, is_private } => {
                let to = is_private.then(|| account(1 - *who));
                let body = Body::Said { to, text: text_of(*text), changed: None };
                let key = key.map(|key| Key::new(&key.to_string()).unwrap());
                let again = key.map(|key| Again { key, else_refused: None });
                let room = Some(RoomId(*room as i64 + 1));
                let draft = Draft { room, author: Some(account(*who)), body, again };
                let landing = real.landing(draft).await;
                model.check(event, is_full, &landing);
            }
            Event::Fill(fill) => {
                // Once it was full it may be so until it is opened again.
                is_full |= fill;
                set_pages_max(&real.database, *fill).await;
            }
            Event::Restart => {
                real.close();
                integrity::whole(file).unwrap();
                real = Real::open(file, config);
                is_full = false;
            }
            Event::Read { who, room, seq, is_after } => {
                let all: Vec<Kept> = model.told(*who, *room).cloned().collect();
                let (from, expected): (_, Vec<Kept>) = if *is_after {
                    let after = all.into_iter().filter(|kept| kept.seq > *seq);
                    (Cursor::After(Seq(*seq)), after.take(3).collect())
                } else {
                    let before: Vec<Kept> =
                        all.into_iter().filter(|kept| kept.seq < *seq).collect();
                    let skipped = before.len().saturating_sub(3);
                    (Cursor::Before(Seq(*seq)), before[skipped..].to_vec())
                };
                assert_eq!(real.told(*who, *room, from, 3).await, expected, "{event:?}");
            }
        }
    }
    real.close();
    let real = Real::open(file, config);
    for (who, room) in [(0, 0), (1, 1), (2, 0), (2, 1)] {
        let expected: Vec<Kept> = model.told(who, room).cloned().collect();
        assert_eq!(real.told(who, room, Cursor::After(Seq(0)), 1000).await, expected);
    }
    real.close();
}

/// The failing case is kept beside this file, and tried first from then on.
fn proptest_config() -> ProptestConfig {
    let is_slow = std::env::var_os("SLOW").is_some_and(|slow| slow == "1");
    let persistence = FileFailurePersistence::WithSource("regressions");
    ProptestConfig {
        failure_persistence: Some(Box::new(persistence)),
        ..ProptestConfig::with_cases(if is_slow { 2000 } else { 50 })
    }
}

proptest! {
    #![proptest_config(proptest_config())]

    #[test]
    fn the_ledger_keeps_what_the_model_keeps(events in prop::collection::vec(events(), 1..60)) {
        let folder = tempfile::tempdir().unwrap();
        // The disk is waited for elsewhere: here it would take all the time.
        let settings = [("durability".to_owned(), "process".to_owned())];
        let config = Settings::gather(None, std::iter::empty(), &settings).unwrap().config().unwrap();
        smol::block_on(play(&folder.path().join("chatd.db"), &config, &events));
    }
}
