//! Seals: a checksum of each entry, since SQLite has none. A bit that flips on a disk can
//! change a word, or hide a message, and every page is still a good page.
//!
//! They are made in slices between commits, as the search is filled: in the append they
//! would cost half as much again. What changes or removes an entry breaks its seal, by a
//! trigger, so that nobody has to think of it; one that was changed has none from then on.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, params};
use sha2::{Digest, Sha256};

/// Entries that are sealed in one transaction, as many as are made searchable.
const SLICE: i64 = 256;

/// The step of [`tables`](crate::tables) that makes them.
pub(crate) const TABLES: &str = "
CREATE TABLE seals (
    seq INTEGER PRIMARY KEY,                    -- the entry
    sum INTEGER NOT NULL                        -- of what it holds
) STRICT;
CREATE TRIGGER entry_changed AFTER UPDATE ON entries BEGIN
    DELETE FROM seals WHERE seq = OLD.seq;
END;
CREATE TRIGGER entry_gone AFTER DELETE ON entries BEGIN
    DELETE FROM seals WHERE seq = OLD.seq;
END;
";

/// What a seal is of. To add to it changes every seal: then all have to be made anew.
const COLUMNS: &str =
    "entries.seq, room, ts, kind, author, recipient, text, until, target, changed";
const COLUMNS_LEN: usize = 10;

/// Seals a whole slice of entries, if so many wait; says whether it did.
///
/// # Errors
/// What SQLite says.
pub(crate) fn fill_slice(db: &Connection) -> rusqlite::Result<bool> {
    let last: Option<i64> =
        db.prepare_cached("SELECT max(seq) FROM entries")?.query_row([], |row| row.get(0))?;
    match last.unwrap_or(0) - sealed(db)? >= SLICE {
        true => fill(db),
        false => Ok(false),
    }
}

/// Seals the next entries; says whether there were any.
///
/// # Errors
/// What SQLite says.
pub(crate) fn fill(db: &Connection) -> rusqlite::Result<bool> {
    let mut next = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM entries WHERE seq > ?1 ORDER BY seq LIMIT ?2"
    ))?;
    let mut seal = db.prepare_cached("INSERT INTO seals (seq, sum) VALUES (?1, ?2)")?;
    let mut rows = next.query([sealed(db)?, SLICE])?;
    let mut has_any = false;
    while let Some(row) = rows.next()? {
        seal.execute(params![row.get::<_, i64>(0)?, sum_of(row)?])?;
        has_any = true;
    }
    Ok(has_any)
}

/// The first entry that is not what was sealed, if there is one.
///
/// # Errors
/// What SQLite says.
pub(crate) fn broken(db: &Connection) -> rusqlite::Result<Option<i64>> {
    let mut all = db.prepare(&format!(
        "SELECT {COLUMNS}, seals.sum, seals.seq
         FROM seals LEFT JOIN entries ON entries.seq = seals.seq ORDER BY seals.seq"
    ))?;
    let mut rows = all.query([])?;
    while let Some(row) = rows.next()? {
        if sum_of(row)? != row.get::<_, i64>(COLUMNS_LEN)? {
            return row.get(COLUMNS_LEN + 1).map(Some);
        }
    }
    Ok(None)
}

/// The last entry that is sealed.
fn sealed(db: &Connection) -> rusqlite::Result<i64> {
    let last: Option<i64> =
        db.prepare_cached("SELECT max(seq) FROM seals")?.query_row([], |row| row.get(0))?;
    Ok(last.unwrap_or(0))
}

/// The checksum of a row that begins with the columns.
fn sum_of(row: &Row<'_>) -> rusqlite::Result<i64> {
    let mut hash = Sha256::new();
    for index in 0..COLUMNS_LEN {
        // The kind and the length in front: no two rows are the same bytes.
        match row.get_ref(index)? {
            ValueRef::Null => hash.update([0]),
            ValueRef::Integer(number) => {
                hash.update([1]);
                hash.update(number.to_be_bytes());
            }
            ValueRef::Real(number) => {
                hash.update([2]);
                hash.update(number.to_be_bytes());
            }
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
                hash.update([3]);
                hash.update((bytes.len() as u64).to_be_bytes());
                hash.update(bytes);
            }
        }
    }
    let sum = hash.finalize();
    Ok(i64::from_be_bytes(*sum.first_chunk().expect("it is longer than eight bytes")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many entries, not sealed.
    fn entries(count: i64) -> Connection {
        let mut db = Connection::open_in_memory().unwrap();
        crate::tables::migrate(&mut db, 0).unwrap();
        db.execute_batch(
            "INSERT INTO accounts (id, name, key, password, created) VALUES (3, 'ann', 'ann', '', 0);
             INSERT INTO rooms (id, name, key, created) VALUES (1, 'attic', 'attic', 0);",
        )
        .unwrap();
        for number in 0..count {
            let text = format!("text {number}");
            db.execute(
                "INSERT INTO entries (room, ts, kind, author, text) VALUES (1, 2, 'said', 3, ?1)",
                [text],
            )
            .unwrap();
        }
        db
    }

    #[test]
    fn whole_slices_are_sealed_and_the_rest_when_it_is_asked_for() {
        let db = entries(2 * SLICE + SLICE - 1);
        assert!(fill_slice(&db).unwrap());
        assert!(fill_slice(&db).unwrap());
        assert!(!fill_slice(&db).unwrap());
        assert_eq!(sealed(&db).unwrap(), 2 * SLICE);
        assert!(fill(&db).unwrap());
        assert!(!fill(&db).unwrap());
        assert_eq!(sealed(&db).unwrap(), 3 * SLICE - 1);
        assert_eq!(broken(&db).unwrap(), None);
    }

    #[test]
    fn what_changes_an_entry_or_removes_it_breaks_its_seal_and_no_other() {
        let db = entries(9);
        fill(&db).unwrap();
        db.execute("UPDATE entries SET text = NULL WHERE seq = 3", []).unwrap();
        db.execute("DELETE FROM entries WHERE seq = 5", []).unwrap();
        assert_eq!(broken(&db).unwrap(), None);
        let seals: i64 = db.query_row("SELECT count(*) FROM seals", [], |row| row.get(0)).unwrap();
        assert_eq!(seals, 7);
    }

    #[test]
    fn an_entry_that_changes_behind_the_back_is_found_and_so_is_one_that_is_missing() {
        for change in [
            "UPDATE entries SET text = 'text 3!' WHERE seq = 4",
            "UPDATE entries SET kind = 'sbid' WHERE seq = 4",
            "UPDATE entries SET author = NULL, recipient = 3 WHERE seq = 4",
            "UPDATE entries SET ts = ts + 1 WHERE seq = 4",
            "UPDATE entries SET until = 0 WHERE seq = 4",
            "DELETE FROM entries WHERE seq = 4",
        ] {
            let db = entries(9);
            fill(&db).unwrap();
            db.execute_batch("DROP TRIGGER entry_changed; DROP TRIGGER entry_gone").unwrap();
            db.execute_batch(change).unwrap();
            assert_eq!(broken(&db).unwrap(), Some(4), "{change}");
        }
    }
}
