//! Messages that are changed, taken back, or kept no longer: what they said is overwritten,
//! in the ledger's table and in the index of words.

use commands::{RoomId, Seq};
use rusqlite::{Connection, OptionalExtension, params};

use crate::search;

/// What a message says, if it can be changed still.
///
/// # Errors
/// What SQLite says.
pub(crate) fn text_of(db: &Connection, room: RoomId, seq: Seq) -> rusqlite::Result<Option<String>> {
    let said = "SELECT text FROM entries WHERE seq = ?1 AND room = ?2 AND kind = 'said'";
    let text = db.prepare_cached(said)?.query_row(params![seq.0, room.0], |row| row.get(0));
    text.optional().map(Option::flatten)
}

/// Gives a message another text, or none; `change` is the entry that says so.
///
/// # Errors
/// What SQLite says.
pub(crate) fn rewrite(
    db: &Connection,
    message: Seq,
    before: &str,
    text: Option<&str>,
    change: Seq,
) -> rusqlite::Result<()> {
    db.prepare_cached("UPDATE entries SET text = ?1, changed = ?2 WHERE seq = ?3")?
        .execute(params![text, change.0, message.0])?;
    search::replace(db, message, before, text)
}

/// Forgets a message that is kept no longer.
///
/// # Errors
/// What SQLite says.
pub(crate) fn forget(db: &Connection, message: Seq, text: Option<&str>) -> rusqlite::Result<()> {
    if let Some(text) = text {
        search::replace(db, message, text, None)?;
    }
    db.prepare_cached("DELETE FROM entries WHERE seq = ?1")?.execute([message.0]).map(drop)
}
