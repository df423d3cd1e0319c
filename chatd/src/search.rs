//! Words in messages: an index beside the ledger (SQLite's FTS5), filled between commits.

use commands::Seq;
use rusqlite::{Connection, params};

/// Entries that are made searchable in one transaction: a millisecond or two, after
/// which an append has its turn.
const SLICE: i64 = 256;

/// Makes a whole slice of entries searchable, if so many wait up to the `last` one; says with
/// which entry the next slice is whole.
///
/// Not for fewer: each time is a commit of its own, which would double the cost of a
/// message now and then. Whoever searches fills in the rest.
///
/// # Errors
/// What SQLite says.
pub(crate) fn fill_slice(db: &Connection, last: Seq) -> rusqlite::Result<Seq> {
    let due = searchable(db)? + SLICE;
    if last.0 >= due {
        fill(db)?;
    }
    Ok(Seq(due))
}

/// Makes the next entries searchable; says whether there were any.
///
/// # Errors
/// What SQLite says.
pub(crate) fn fill(db: &Connection) -> rusqlite::Result<bool> {
    let done: i64 = searchable(db)?;
    let next: Option<i64> = db
        .prepare_cached(
            "SELECT max(seq) FROM (SELECT seq FROM entries WHERE seq > ?1 ORDER BY seq LIMIT ?2)",
        )?
        .query_row([done, SLICE], |row| row.get(0))?;
    let Some(next) = next else { return Ok(false) };
    db.prepare_cached(
        "INSERT INTO search (rowid, text)
         SELECT seq, text FROM entries
         WHERE seq > ?1 AND seq <= ?2 AND kind = 'said' AND text NOT NULL",
    )?
    .execute([done, next])?;
    db.prepare_cached("UPDATE meta SET value = ?1 WHERE key = 'searchable'")?
        .execute(params![next.to_string()])?;
    Ok(true)
}

/// Makes a message findable by other words, or by none; without a trace of the old ones.
///
/// # Errors
/// What SQLite says.
pub(crate) fn replace(
    db: &Connection,
    message: Seq,
    before: &str,
    text: Option<&str>,
) -> rusqlite::Result<()> {
    if message.0 > searchable(db)? {
        return Ok(());
    }
    db.prepare_cached("INSERT INTO search (search, rowid, text) VALUES ('delete', ?1, ?2)")?
        .execute(params![message.0, before])?;
    if let Some(text) = text {
        db.prepare_cached("INSERT INTO search (rowid, text) VALUES (?1, ?2)")?
            .execute(params![message.0, text])?;
    }
    Ok(())
}

/// The last entry that is searchable.
///
/// # Errors
/// What SQLite says.
pub(crate) fn searchable(db: &Connection) -> rusqlite::Result<i64> {
    db.prepare_cached("SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'searchable'")?
        .query_row([], |row| row.get(0))
}

/// The words of a question as FTS5 wants them: all must be there, and none is an
/// operator. `None` without a word; what has neither letters nor digits is none.
pub(crate) fn words(question: &str) -> Option<String> {
    let words = question.split_whitespace().filter(|word| word.contains(char::is_alphanumeric));
    let words: Vec<String> = words.map(|w| format!("\"{}\"", w.replace('"', "\"\""))).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_question_is_an_operator() {
        assert_eq!(words("cat OR dog*"), Some("\"cat\" \"OR\" \"dog*\"".into()));
        assert_eq!(words("say \"hi\""), Some("\"say\" \"\"\"hi\"\"\"".into()));
        assert_eq!(words("  "), None);
        // These are in no index.
        assert_eq!(words("\u{1f389} :::"), None);
        assert_eq!(words("\u{1f389} party"), Some("\"party\"".into()));
    }
}
