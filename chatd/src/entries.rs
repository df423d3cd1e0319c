//! Entries as rows: what each kind keeps in which column.

use std::sync::Arc;

use commands::{
    Account, AccountId, Act, Body, Changed, Draft, Entry, PastPolicy, RoomId, RoomPolicy, Seq,
};
use jiff::Timestamp;
use proto::{RoomName, UserName};
use rusqlite::types::Type;
use rusqlite::{Connection, Row, params};

/// What [`entry_of`] reads.
pub(crate) const ENTRY_COLUMNS: &str = "
    entries.seq, entries.ts, entries.room, entries.kind, entries.until, entries.target,
    CASE entries.kind
        WHEN 'edited' THEN (SELECT text FROM entries AS said WHERE said.seq = entries.target)
        ELSE entries.text
    END AS text,
    entries.author, (SELECT name FROM accounts WHERE id = entries.author) AS author_name,
    entries.recipient, (SELECT name FROM accounts WHERE id = entries.recipient) AS recipient_name,
    CASE WHEN entries.changed NOT NULL THEN
        (SELECT json_array(kind, ts, author, (SELECT name FROM accounts WHERE id = author))
         FROM entries AS change WHERE change.seq = entries.changed)
    END AS changed,
    CASE WHEN entries.kind = 'created' THEN
        (SELECT json_array(name, private, past) FROM rooms WHERE id = entries.room)
    END AS created";

/// The entry that a row is.
///
/// # Errors
/// What SQLite says, and a row that no version of ours has written.
pub(crate) fn entry_of(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let account = |id: &str, name: &str| -> rusqlite::Result<Option<Arc<Account>>> {
        let (id, name) = (row.get::<_, Option<i64>>(id)?, row.get::<_, Option<String>>(name)?);
        Ok(id.zip(name).map(|(id, name)| account_of(id, &name)))
    };
    let to = || account("recipient", "recipient_name");
    let text: Option<String> = row.get("text")?;
    let target = || Ok::<_, rusqlite::Error>(Seq(row.get("target")?));
    let kind: String = row.get("kind")?;
    let body = match kind.as_str() {
        "said" => {
            Body::Said { to: to()?, text: text.unwrap_or_default(), changed: changed_of(row)? }
        }
        "told" => Body::Told { to: needed(to()?, "recipient")?, text: text.unwrap_or_default() },
        "created" => {
            let json: String = row.get("created")?;
            let parts: (String, i64, PastPolicy) = from_json(&json)?;
            let policy = RoomPolicy { is_private: parts.1 != 0, past: parts.2 };
            Body::Created { name: RoomName::trusted(&parts.0), topic: text, policy }
        }
        "joined" => Body::Joined { after: target()? },
        "topic" => Body::Topic { text: text.unwrap_or_default() },
        "retention" => Body::Retention { days: row.get("until")? },
        "deleted" => Body::Deleted,
        "edited" => Body::Edited { target: target()?, to: to()?, text: text.unwrap_or_default() },
        "redacted" => Body::Redacted { target: target()?, to: to()? },
        done => Body::Done {
            act: needed(Act::ALL.into_iter().find(|act| act.name() == done), done)?,
            to: needed(to()?, "recipient")?,
            until: row.get::<_, Option<i64>>("until")?.map(time_of),
            reason: text,
        },
    };
    Ok(Entry {
        seq: Seq(row.get("seq")?),
        ts: time_of(row.get("ts")?),
        room: RoomId(row.get("room")?),
        author: account("author", "author_name")?,
        body,
    })
}

fn changed_of(row: &Row<'_>) -> rusqlite::Result<Option<Box<Changed>>> {
    let Some(json) = row.get::<_, Option<String>>("changed")? else { return Ok(None) };
    let (kind, ts, id, name): (String, i64, i64, String) = from_json(&json)?;
    let changed =
        Changed { is_redacted: kind == "redacted", by: account_of(id, &name), ts: time_of(ts) };
    Ok(Some(Box::new(changed)))
}

fn account_of(id: i64, name: &str) -> Arc<Account> {
    Arc::new(Account::new(AccountId(id), UserName::trusted(name)))
}

fn time_of(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn from_json<T: serde::de::DeserializeOwned>(json: &str) -> rusqlite::Result<T> {
    serde_json::from_str(json)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, error.into()))
}

fn needed<T>(value: Option<T>, what: &str) -> rusqlite::Result<T> {
    value.ok_or_else(|| {
        let why = format!("an entry that is not whole: {what}");
        rusqlite::Error::FromSqlConversionFailure(0, Type::Text, why.into())
    })
}

/// How the table `rooms` writes what of a room's past may be read.
pub(crate) fn past_name(past: PastPolicy) -> &'static str {
    match past {
        PastPolicy::All => "all",
        PastPolicy::SinceJoin => "since_join",
    }
}

/// The last entry of all.
///
/// # Errors
/// What SQLite says.
pub(crate) fn last(db: &Connection) -> rusqlite::Result<Seq> {
    let last: Option<i64> =
        db.prepare_cached("SELECT max(seq) FROM entries")?.query_row([], |row| row.get(0))?;
    Ok(Seq(last.unwrap_or(0)))
}

/// Writes the row of a draft; its place in the ledger.
///
/// # Errors
/// What SQLite says.
pub(crate) fn insert(
    db: &Connection,
    room: RoomId,
    ts: Timestamp,
    draft: &Draft,
) -> rusqlite::Result<Seq> {
    let (mut recipient, mut text, mut until, mut target) = (None, None, None, None);
    let kind = match &draft.body {
        Body::Created { topic, .. } => {
            text = topic.as_deref();
            "created"
        }
        Body::Said { to, text: said, .. } => {
            (recipient, text) = (to.as_deref(), Some(said.as_str()));
            "said"
        }
        Body::Told { to, text: told } => {
            (recipient, text) = (Some(&**to), Some(told.as_str()));
            "told"
        }
        Body::Joined { after } => {
            target = Some(after.0);
            "joined"
        }
        Body::Topic { text: topic } => {
            text = Some(topic.as_str());
            "topic"
        }
        Body::Done { act, to, until: end, reason } => {
            (recipient, text) = (Some(&**to), reason.as_deref());
            until = end.map(Timestamp::as_millisecond);
            act.name()
        }
        Body::Retention { days } => {
            until = days.map(i64::from);
            "retention"
        }
        Body::Deleted => "deleted",
        // The text is in the row of the message, and only there: once it is taken back it
        // is nowhere.
        Body::Edited { target: seq, to, .. } => {
            (recipient, target) = (to.as_deref(), Some(seq.0));
            "edited"
        }
        Body::Redacted { target: seq, to } => {
            (recipient, target) = (to.as_deref(), Some(seq.0));
            "redacted"
        }
    };
    db.prepare_cached(
        "INSERT INTO entries (room, ts, kind, author, recipient, text, until, target)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        room.0,
        ts.as_millisecond(),
        kind,
        draft.author.as_deref().map(|author| author.id.0),
        recipient.map(|to| to.id.0),
        text,
        until,
        target
    ])?;
    Ok(Seq(db.last_insert_rowid()))
}
