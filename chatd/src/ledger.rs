//! The ledger in SQLite: drafts become rows, and come out as entries.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use commands::{
    Account, AccountId, Act, Body, Draft, Entry, Landing, RoomId, RoomPolicy, RoomRecord, Seq,
    key_used, too_many_rooms,
};
use jiff::Timestamp;
use proto::{Key, Refusal, RoomName};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::changes;
use crate::database::{Database, DatabaseError};
use crate::entries::{self, ENTRY_COLUMNS, entry_of};
use crate::uptime::Uptime;

/// The ledger of one data folder.
pub struct Ledger(pub Database);

impl commands::Sequencer for Ledger {
    fn append(&self, draft: Draft, answer: Option<commands::Answer>) -> Result<(), commands::Busy> {
        self.0.append(draft, answer)
    }
}

/// What the hall has to know at the start: the name of this ledger, and its rooms.
///
/// # Errors
/// A database that cannot be read.
pub async fn load(
    database: &Database,
    file: &Path,
) -> Result<(String, Vec<RoomRecord>), DatabaseError> {
    let loaded = database.read(|db| {
        let epoch =
            db.query_row("SELECT value FROM meta WHERE key = 'epoch'", [], |row| row.get(0))?;
        Ok((epoch, rooms(db)?))
    });
    loaded.await.map_err(|error| DatabaseError::of(file, &error))
}

/// What has made a room what it is, without what was undone or done over since: a room may
/// have had a topic a million times.
#[derive(Default)]
struct Changes {
    in_order: BTreeMap<Seq, Entry>,
    last: HashMap<What, Seq>,
}

/// What an entry sets, whatever it was before.
#[derive(PartialEq, Eq, Hash)]
enum What {
    Topic,
    Done(Act, AccountId),
}

impl Changes {
    fn add(&mut self, entry: Entry) {
        let what = match &entry.body {
            Body::Topic { .. } => Some(What::Topic),
            // What they come to depends only on the order of the last of each kind.
            Body::Done { act, to, .. } => Some(What::Done(*act, to.id)),
            _ => None,
        };
        if let Some(before) = what.and_then(|what| self.last.insert(what, entry.seq)) {
            self.in_order.remove(&before);
        }
        self.in_order.insert(entry.seq, entry);
    }
}

/// Every room that there is, with the entries that made it what it is.
fn rooms(db: &Connection) -> rusqlite::Result<Vec<RoomRecord>> {
    let mut changes: HashMap<RoomId, Changes> = HashMap::new();
    // In the words of the index `changes`.
    let mut all = db.prepare(&format!(
        "SELECT {ENTRY_COLUMNS} FROM entries
         WHERE kind NOT IN ('said', 'told', 'edited', 'redacted') ORDER BY seq"
    ))?;
    for entry in all.query_map([], entry_of)? {
        let entry = entry?;
        changes.entry(entry.room).or_default().add(entry);
    }
    let mut rooms = db.prepare(
        "SELECT id, name, trimmed,
                (SELECT max(seq) FROM entries WHERE room = rooms.id) AS last
         FROM rooms WHERE deleted IS NULL AND id <> 0",
    )?;
    let record = |row: &Row<'_>| {
        let id = RoomId(row.get("id")?);
        let last = row.get::<_, Option<i64>>("last")?.unwrap_or(0);
        Ok(RoomRecord {
            id,
            name: RoomName::trusted(&row.get::<_, String>("name")?),
            changes: changes.remove(&id).unwrap_or_default().in_order.into_values().collect(),
            trimmed: Seq(row.get("trimmed")?),
            last: Seq(last.max(row.get("trimmed")?)),
        })
    };
    rooms.query_map([], record)?.collect()
}

/// Makes the rooms of the configuration that are missing.
///
/// # Errors
/// A database that cannot be written.
pub async fn make_rooms(
    database: &Database,
    names: Vec<RoomName>,
) -> Result<(), crate::database::WriteError> {
    let make = move |transaction: &Transaction<'_>| {
        for name in names {
            let body = Body::Created { name, topic: None, policy: RoomPolicy::default() };
            insert(transaction, Draft { room: None, author: None, body, again: None })?;
        }
        Ok(())
    };
    database.write(make).await
}

/// What the writer has to know to judge a draft.
pub(crate) struct Rules {
    /// How long the server has run.
    pub(crate) uptime: Uptime,
    rooms_per_user: u32,
}

impl Rules {
    /// The rules for the database, with this limit.
    ///
    /// # Errors
    /// What SQLite says.
    pub(crate) fn load(db: &Connection, rooms_per_user: u32) -> rusqlite::Result<Rules> {
        Ok(Rules { uptime: Uptime::load(db)?, rooms_per_user })
    }
}

/// How long a key is known, in milliseconds of the server's uptime.
const KEY_LIFE_MS: i64 = 10 * 60 * 1000;

/// Keys that are forgotten at once, at most: as part of an append it must be quick, and
/// more than one a message keeps up. One that is too old is not honoured anyway.
const KEYS_FORGOTTEN_MAX: u32 = 4;

/// Writes a draft within the transaction of its batch.
///
/// # Errors
/// Only when the database itself fails: what a draft may not do is a landing.
pub(crate) fn append(db: &Connection, draft: Draft, rules: &Rules) -> rusqlite::Result<Landing> {
    if let Some(refusal) = too_many(db, &draft, rules)? {
        return Ok(Landing::Refused(refusal));
    }
    let Some(again) = &draft.again else { return insert(db, draft) };
    let uptime_ms = rules.uptime.now_ms();
    let (Some(room), Some(author)) = (draft.room, &draft.author) else {
        return insert(db, draft);
    };
    let sent = (author.id, room, again.key.clone());
    forget_keys(db, uptime_ms)?;
    match (find_sent(db, &sent, uptime_ms)?, &again.else_refused) {
        (Some(first), _) if first.body.is_same(&draft.body) => Ok(Landing::Repeated(first)),
        (Some(_), _) => Ok(Landing::Refused(key_used())),
        (None, Some(refusal)) => Ok(Landing::Refused(refusal.clone())),
        (None, None) => {
            let landing = insert(db, draft)?;
            if let Landing::Kept(entry) = &landing {
                note_sent(db, &sent, entry.seq, uptime_ms)?;
            }
            Ok(landing)
        }
    }
}

/// What is told if the author owns too many rooms to make another.
fn too_many(db: &Connection, draft: &Draft, rules: &Rules) -> rusqlite::Result<Option<Refusal>> {
    let rooms_max = rules.rooms_per_user;
    let (Body::Created { .. }, Some(owner), 1..) = (&draft.body, &draft.author, rooms_max) else {
        return Ok(None);
    };
    let owned: u32 = db
        .prepare_cached("SELECT count(*) FROM rooms WHERE owner = ?1 AND deleted IS NULL")?
        .query_row([owner.id.0], |row| row.get(0))?;
    Ok((owned >= rooms_max).then(|| too_many_rooms(rooms_max)))
}

type Sent = (AccountId, RoomId, Key);

fn find_sent(
    db: &Connection,
    (account, room, key): &Sent,
    uptime_ms: i64,
) -> rusqlite::Result<Option<Entry>> {
    let first =
        "SELECT seq FROM keys WHERE account = ?1 AND room = ?2 AND key = ?3 AND uptime >= ?4";
    db.prepare_cached(&format!("SELECT {ENTRY_COLUMNS} FROM entries WHERE seq = ({first})"))?
        .query_row(params![account.0, room.0, key.as_str(), uptime_ms - KEY_LIFE_MS], entry_of)
        .optional()
}

fn note_sent(
    db: &Connection,
    (account, room, key): &Sent,
    seq: Seq,
    uptime_ms: i64,
) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT OR REPLACE INTO keys (account, room, key, seq, uptime) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![account.0, room.0, key.as_str(), seq.0, uptime_ms])
    .map(drop)
}

fn forget_keys(db: &Connection, uptime_ms: i64) -> rusqlite::Result<()> {
    db.prepare_cached(
        "DELETE FROM keys WHERE (account, room, key) IN
           (SELECT account, room, key FROM keys WHERE uptime < ?1 ORDER BY uptime LIMIT ?2)",
    )?
    .execute(params![uptime_ms - KEY_LIFE_MS, KEYS_FORGOTTEN_MAX])
    .map(drop)
}

/// Writes a draft, whatever was asked for before.
fn insert(db: &Connection, draft: Draft) -> rusqlite::Result<Landing> {
    let ts = Timestamp::now();
    let room = match (&draft.body, draft.room) {
        (Body::Created { name, policy, .. }, _) => {
            match create_room(db, name, *policy, draft.author.as_deref(), ts)? {
                Some(room) => room,
                None => return Ok(Landing::Refused(commands::room_exists(name))),
            }
        }
        (_, Some(room)) => room,
        (_, None) => return Ok(Landing::Unknown),
    };
    let seq = match &draft.body {
        Body::Edited { target, .. } | Body::Redacted { target, .. } => {
            let Some(before) = changes::text_of(db, room, *target)? else {
                let refusal = Refusal::bad_field("seq", "the message was taken back, or is gone");
                return Ok(Landing::Refused(refusal));
            };
            let seq = entries::insert(db, room, ts, &draft)?;
            let text = match &draft.body {
                Body::Edited { text, .. } => Some(text.as_str()),
                _ => None,
            };
            changes::rewrite(db, *target, &before, text, seq)?;
            seq
        }
        _ => entries::insert(db, room, ts, &draft)?,
    };
    match &draft.body {
        Body::Retention { days } => {
            db.prepare_cached("UPDATE rooms SET days = ?1 WHERE id = ?2")?
                .execute(params![days, room.0])?;
        }
        Body::Deleted => {
            // The name is free again, the id is not.
            db.prepare_cached("UPDATE rooms SET key = ':' || id, deleted = ?1 WHERE id = ?2")?
                .execute(params![ts.as_millisecond(), room.0])?;
        }
        _ => {}
    }
    Ok(Landing::Kept(Entry { seq, ts, room, author: draft.author, body: draft.body }))
}

fn create_room(
    db: &Connection,
    name: &RoomName,
    policy: RoomPolicy,
    owner: Option<&Account>,
    ts: Timestamp,
) -> rusqlite::Result<Option<RoomId>> {
    db.prepare_cached(
        "INSERT INTO rooms (name, key, owner, private, past, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (key) DO NOTHING RETURNING id",
    )?
    .query_row(
        params![
            name.as_str(),
            name.key().as_str(),
            owner.map(|owner| owner.id.0),
            policy.is_private,
            entries::past_name(policy.past),
            ts.as_millisecond()
        ],
        |row| row.get(0).map(RoomId),
    )
    .optional()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use commands::Rights;
    use proptest::prelude::*;
    use proto::UserName;

    use super::*;

    fn entry(seq: i64, body: Body) -> Entry {
        Entry { seq: Seq(seq), ts: Timestamp::UNIX_EPOCH, room: RoomId(1), author: None, body }
    }

    proptest! {
        #[test]
        fn what_was_done_over_is_left_out_and_the_rights_are_the_same(
            done in prop::collection::vec((prop::sample::select(&Act::ALL[..]), 1..4i64), 0..40)
        ) {
            let (mut all, mut changes) = (Rights::default(), Changes::default());
            for (seq, (act, to)) in (1..).zip(&done) {
                let name = UserName::trusted(&format!("u{to}"));
                let to = Arc::new(Account::new(AccountId(*to), name));
                let body = Body::Done { act: *act, to, until: None, reason: None };
                all.apply(&entry(seq, body.clone()));
                changes.add(entry(seq, body));
                changes.add(entry(1000 + seq, Body::Topic { text: seq.to_string() }));
            }
            let mut kept = Rights::default();
            changes.in_order.values().for_each(|entry| kept.apply(entry));
            prop_assert_eq!(kept, all);
            prop_assert!(changes.in_order.len() <= 3 * Act::ALL.len() + 1);
        }
    }
}
