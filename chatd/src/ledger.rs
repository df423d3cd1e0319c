//! The ledger in SQLite: drafts become rows, and come out as entries.

use std::path::Path;

use commands::{Account, AccountId, Body, Draft, Entry, Landing, RoomId, RoomRecord, Seq};
use jiff::Timestamp;
use proto::RoomName;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::database::{Database, DatabaseError};

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
            append(
                transaction,
                Draft { room: None, author: None, body: Body::Created { name, topic: None } },
            )?;
        }
        Ok(())
    };
    database.write(make).await
}

/// Writes a draft within the transaction of its batch.
///
/// # Errors
/// Only when the database itself fails: what a draft may not do is a landing.
pub(crate) fn append(db: &Connection, draft: Draft) -> rusqlite::Result<Landing> {
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
