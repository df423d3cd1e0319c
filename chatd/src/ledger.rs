//! The ledger in SQLite: drafts become rows, and come out as entries.

use std::path::Path;
use std::sync::Arc;

use commands::{
    Account, AccountId, Body, Draft, Entry, Landing, RoomId, RoomRecord, Seq, key_used,
    too_many_rooms,
};
use jiff::Timestamp;
use proto::{Key, Refusal, RoomName, UserName};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::database::{Database, DatabaseError};
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
            db.query_row("SELECT value FROM meta WHERE key = 'epoch'", [], |row| row.get(0));
        let mut rooms = db.prepare(
            "SELECT id, name, owner, topic,
                    (SELECT min(seq) FROM entries WHERE room = rooms.id) AS oldest,
                    (SELECT max(seq) FROM entries WHERE room = rooms.id) AS last
             FROM rooms",
        )?;
        let rooms = rooms.query_map([], room_of)?.collect::<rusqlite::Result<Vec<_>>>()?;
        Ok((epoch?, rooms))
    });
    loaded.await.map_err(|error| DatabaseError::of(file, &error))
}

fn room_of(row: &Row<'_>) -> rusqlite::Result<RoomRecord> {
    Ok(RoomRecord {
        id: RoomId(row.get("id")?),
        name: RoomName::trusted(&row.get::<_, String>("name")?),
        owner: row.get::<_, Option<i64>>("owner")?.map(AccountId),
        topic: row.get("topic")?,
        oldest: Seq(row.get::<_, Option<i64>>("oldest")?.unwrap_or(0)),
        last: Seq(row.get::<_, Option<i64>>("last")?.unwrap_or(0)),
    })
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
            let body = Body::Created { name, topic: None };
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
        .prepare_cached("SELECT count(*) FROM rooms WHERE owner = ?1")?
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

/// What [`entry_of`] reads.
pub(crate) const ENTRY_COLUMNS: &str = "
    entries.seq, entries.ts, entries.room, entries.kind, entries.text,
    author, (SELECT name FROM accounts WHERE id = author) AS author_name,
    recipient, (SELECT name FROM accounts WHERE id = recipient) AS recipient_name,
    (SELECT name FROM rooms WHERE id = entries.room) AS room_name";

/// The entry that a row is.
pub(crate) fn entry_of(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let account = |id: &str, name: &str| -> rusqlite::Result<Option<Arc<Account>>> {
        let (Some(id), Some(name)) =
            (row.get::<_, Option<i64>>(id)?, row.get::<_, Option<String>>(name)?)
        else {
            return Ok(None);
        };
        Ok(Some(Arc::new(Account::new(AccountId(id), UserName::trusted(&name)))))
    };
    let text: Option<String> = row.get("text")?;
    let body = match row.get::<_, String>("kind")?.as_str() {
        "created" => {
            let name = RoomName::trusted(&row.get::<_, String>("room_name")?);
            Body::Created { name, topic: text }
        }
        _ => Body::Said {
            to: account("recipient", "recipient_name")?,
            text: text.unwrap_or_default(),
        },
    };
    let ts = Timestamp::from_millisecond(row.get("ts")?).unwrap_or(Timestamp::UNIX_EPOCH);
    Ok(Entry {
        seq: Seq(row.get("seq")?),
        ts,
        room: RoomId(row.get("room")?),
        author: account("author", "author_name")?,
        body,
    })
}

fn insert(db: &Connection, draft: Draft) -> rusqlite::Result<Landing> {
    let ts = Timestamp::now();
    let room = match (&draft.body, draft.room) {
        (Body::Created { name, topic }, _) => {
            match create_room(db, name, draft.author.as_deref(), topic.as_deref(), ts)? {
                Some(room) => room,
                None => return Ok(Landing::Refused(commands::room_exists(name))),
            }
        }
        (Body::Said { .. }, Some(room)) => room,
        (Body::Said { .. }, None) => return Ok(Landing::Unknown),
    };
    let (kind, recipient, text) = match &draft.body {
        Body::Created { topic, .. } => ("created", None, topic.as_deref()),
        Body::Said { to, text } => ("said", to.as_ref().map(|to| to.id.0), Some(text.as_str())),
    };
    db.prepare_cached(
        "INSERT INTO entries (room, ts, kind, author, recipient, text) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![room.0, ts.as_millisecond(), kind, id_of(draft.author.as_deref()), recipient, text])?;
    let seq = Seq(db.last_insert_rowid());
    Ok(Landing::Kept(Entry { seq, ts, room, author: draft.author, body: draft.body }))
}

fn create_room(
    db: &Connection,
    name: &RoomName,
    owner: Option<&Account>,
    topic: Option<&str>,
    ts: Timestamp,
) -> rusqlite::Result<Option<RoomId>> {
    db.prepare_cached(
        "INSERT INTO rooms (name, key, owner, topic, created) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (key) DO NOTHING RETURNING id",
    )?
    .query_row(
        params![name.as_str(), name.key().as_str(), id_of(owner), topic, ts.as_millisecond()],
        |row| row.get(0).map(RoomId),
    )
    .optional()
}

fn id_of(account: Option<&Account>) -> Option<i64> {
    account.map(|account| account.id.0)
}
