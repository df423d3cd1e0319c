//! Seals: a checksum of each row that counts, since SQLite has none. A bit that flips on a
//! disk can change a word, hide a message, or say that a room was deleted, and every page is
//! still a good page.
//!
//! New entries are sealed in slices between commits, as the search is filled: in the append
//! it would cost half as much again. All that changes later is sealed in the transaction
//! that changes it: triggers break the seal and note the row, so that nobody has to think
//! of it.

use commands::Seq;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, params};
use sha2::{Digest, Sha256};

/// Entries that are sealed in one transaction, as many as are made searchable.
const SLICE: i64 = 256;

/// Rows that were changed and are sealed in one transaction, at most.
const CHANGED_MAX: i64 = 256;

/// The step of [`tables`](crate::tables) that makes them.
pub(crate) const TABLES: &str = "
CREATE TABLE seals (                              -- of entries
    seq INTEGER PRIMARY KEY,
    sum INTEGER NOT NULL                          -- of what it holds
) STRICT;
CREATE TABLE row_seals (                          -- of accounts and rooms
    tab TEXT NOT NULL,
    id  INTEGER NOT NULL,
    sum INTEGER NOT NULL,
    PRIMARY KEY (tab, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE unsealed (                           -- changed in this transaction
    tab TEXT NOT NULL,
    id  INTEGER NOT NULL,
    PRIMARY KEY (tab, id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER entry_changed AFTER UPDATE ON entries BEGIN
    DELETE FROM seals WHERE seq = OLD.seq;
    INSERT OR IGNORE INTO unsealed VALUES ('entries', NEW.seq);
END;
CREATE TRIGGER entry_gone AFTER DELETE ON entries BEGIN
    DELETE FROM seals WHERE seq = OLD.seq;
END;
CREATE TRIGGER room_new AFTER INSERT ON rooms BEGIN
    INSERT OR IGNORE INTO unsealed VALUES ('rooms', NEW.id);
END;
CREATE TRIGGER room_changed AFTER UPDATE ON rooms BEGIN
    INSERT OR IGNORE INTO unsealed VALUES ('rooms', NEW.id);
END;
CREATE TRIGGER room_gone AFTER DELETE ON rooms BEGIN
    DELETE FROM row_seals WHERE tab = 'rooms' AND id = OLD.id;
END;
CREATE TRIGGER account_new AFTER INSERT ON accounts BEGIN
    INSERT OR IGNORE INTO unsealed VALUES ('accounts', NEW.id);
END;
CREATE TRIGGER account_changed AFTER UPDATE ON accounts BEGIN
    INSERT OR IGNORE INTO unsealed VALUES ('accounts', NEW.id);
END;
CREATE TRIGGER account_gone AFTER DELETE ON accounts BEGIN
    DELETE FROM row_seals WHERE tab = 'accounts' AND id = OLD.id;
END;

INSERT INTO unsealed SELECT 'rooms', id FROM rooms;
INSERT INTO unsealed SELECT 'accounts', id FROM accounts;
";

/// What a seal is of. To add to it changes every seal: then all have to be made anew.
const ENTRY: &str = "entries.seq, room, ts, kind, author, recipient, text, until, target, changed";
const ENTRY_LEN: usize = 10;
const ROWS: [(&str, &str, usize); 2] = [
    ("rooms", "rooms.id, name, key, owner, created, private, past, days, trimmed, deleted", 10),
    ("accounts", "accounts.id, name, key, password, created, gone, read", 7),
];

/// Seals a whole slice of entries, if so many wait up to the `last` one; says with which entry
/// the next slice is whole.
///
/// # Errors
/// What SQLite says.
pub(crate) fn fill_slice(db: &Connection, last: Seq) -> rusqlite::Result<Seq> {
    let due = sealed(db)? + SLICE;
    if last.0 >= due {
        fill(db)?;
    }
    Ok(Seq(due))
}

/// Seals the next entries; says whether there were any.
///
/// # Errors
/// What SQLite says.
pub(crate) fn fill(db: &Connection) -> rusqlite::Result<bool> {
    let mut next = db.prepare_cached(&format!(
        "SELECT {ENTRY} FROM entries WHERE seq > ?1 ORDER BY seq LIMIT ?2"
    ))?;
    let mut seal = db.prepare_cached("INSERT INTO seals (seq, sum) VALUES (?1, ?2)")?;
    let mut rows = next.query([sealed(db)?, SLICE])?;
    let mut has_any = false;
    while let Some(row) = rows.next()? {
        seal.execute(params![row.get::<_, i64>(0)?, sum_of(row, ENTRY_LEN)?])?;
        has_any = true;
    }
    Ok(has_any)
}

/// Seals what was changed, before its transaction ends.
///
/// # Errors
/// What SQLite says.
pub(crate) fn reseal(db: &Connection) -> rusqlite::Result<()> {
    let mut changed = db.prepare_cached("SELECT tab, id FROM unsealed LIMIT ?1")?;
    let changed = changed.query_map([CHANGED_MAX], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let changed: Vec<(String, i64)> = changed.collect::<rusqlite::Result<_>>()?;
    for (tab, id) in changed {
        let (row, len, seal) = match ROWS.iter().find(|(name, ..)| *name == tab) {
            Some((name, columns, len)) => (
                format!("SELECT {columns} FROM {name} WHERE id = ?1"),
                *len,
                format!(
                    "INSERT OR REPLACE INTO row_seals (tab, id, sum) VALUES ('{name}', ?1, ?2)"
                ),
            ),
            None => (
                // One of the last has its turn with its slice.
                format!(
                    "SELECT {ENTRY} FROM entries WHERE seq = ?1 AND seq < (SELECT max(seq) FROM seals)"
                ),
                ENTRY_LEN,
                "INSERT OR REPLACE INTO seals (seq, sum) VALUES (?1, ?2)".into(),
            ),
        };
        // It may be gone by now.
        let sum = db.prepare_cached(&row)?.query_row([id], |row| sum_of(row, len)).optional()?;
        if let Some(sum) = sum {
            db.prepare_cached(&seal)?.execute([id, sum])?;
        }
        db.prepare_cached("DELETE FROM unsealed WHERE tab = ?1 AND id = ?2")?
            .execute(params![tab, id])?;
    }
    Ok(())
}

/// The first entry that is not what was sealed, if there is one.
///
/// # Errors
/// What SQLite says.
pub(crate) fn broken_entry(db: &Connection) -> rusqlite::Result<Option<String>> {
    let all = format!(
        "SELECT {ENTRY}, seals.sum, seals.seq
         FROM seals LEFT JOIN entries ON entries.seq = seals.seq ORDER BY seals.seq"
    );
    Ok(broken(db, &all, ENTRY_LEN)?.map(|seq| format!("entry {seq} is not what was written")))
}

/// The first account or room that is not what was sealed, if there is one; none in a file of
/// a version that has no seals.
///
/// # Errors
/// What SQLite says.
pub(crate) fn broken_row(db: &Connection) -> rusqlite::Result<Option<String>> {
    let made = "SELECT 1 FROM sqlite_schema WHERE name = 'row_seals'";
    if db.query_row(made, [], |_| Ok(())).optional()?.is_none() {
        return Ok(None);
    }
    for (name, columns, len) in ROWS {
        let all = format!(
            "SELECT {columns}, row_seals.sum, row_seals.id
             FROM row_seals LEFT JOIN {name} ON {name}.id = row_seals.id WHERE tab = '{name}'"
        );
        if let Some(id) = broken(db, &all, len)? {
            return Ok(Some(format!("row {id} of {name} is not what was written")));
        }
    }
    Ok(None)
}

/// The first row whose sum, behind so many columns, is not theirs.
fn broken(db: &Connection, all: &str, len: usize) -> rusqlite::Result<Option<i64>> {
    let mut all = db.prepare(all)?;
    let mut rows = all.query([])?;
    while let Some(row) = rows.next()? {
        if sum_of(row, len)? != row.get::<_, i64>(len)? {
            return row.get(len + 1).map(Some);
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

/// The checksum of the first columns of a row.
fn sum_of(row: &Row<'_>, len: usize) -> rusqlite::Result<i64> {
    let mut hash = Sha256::new();
    for index in 0..len {
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
        let last = crate::entries::last(&db).unwrap();
        for whole in 1..=3 {
            assert_eq!(fill_slice(&db, last).unwrap(), Seq(whole * SLICE));
        }
        assert_eq!(sealed(&db).unwrap(), 2 * SLICE);
        assert!(fill(&db).unwrap());
        assert!(!fill(&db).unwrap());
        assert_eq!(sealed(&db).unwrap(), 3 * SLICE - 1);
        assert_eq!(broken_entry(&db).unwrap(), None);
    }

    fn count(db: &Connection, of: &str) -> i64 {
        db.query_row(&format!("SELECT count(*) FROM {of}"), [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn what_changes_is_sealed_again_and_what_is_removed_has_no_seal() {
        let db = entries(9);
        fill(&db).unwrap();
        db.execute_batch(
            "UPDATE entries SET text = NULL WHERE seq IN (3, 5, 9);
             DELETE FROM entries WHERE seq IN (5, 6);
             UPDATE rooms SET days = 7;
             UPDATE accounts SET password = 'x';
             INSERT INTO rooms (id, name, key, created) VALUES (2, 'hall', 'hall', 0);",
        )
        .unwrap();
        reseal(&db).unwrap();
        assert_eq!((broken_entry(&db).unwrap(), broken_row(&db).unwrap()), (None, None));
        // The last entry waits for its slice.
        assert_eq!((count(&db, "seals"), count(&db, "unsealed")), (6, 0));
        assert!(fill(&db).unwrap());
        assert_eq!((count(&db, "seals"), count(&db, "row_seals")), (7, 4));
        db.execute_batch("DELETE FROM entries; DELETE FROM rooms; DELETE FROM accounts").unwrap();
        assert_eq!((count(&db, "seals"), count(&db, "row_seals")), (0, 0));
    }

    #[test]
    fn what_changes_behind_the_back_is_found_and_so_is_what_is_missing() {
        for change in [
            "UPDATE entries SET text = 'text 3!' WHERE seq = 4",
            "UPDATE entries SET kind = 'sbid' WHERE seq = 4",
            "UPDATE entries SET author = NULL, recipient = 3 WHERE seq = 4",
            "UPDATE entries SET ts = ts + 1 WHERE seq = 4",
            "UPDATE entries SET until = 0 WHERE seq = 4",
            "DELETE FROM entries WHERE seq = 4",
            "UPDATE rooms SET days = 0 WHERE id = 1",
            "UPDATE rooms SET name = 'attik' WHERE id = 1",
            "UPDATE accounts SET password = 'x'",
            "UPDATE accounts SET gone = 0",
            "DELETE FROM accounts",
        ] {
            let db = entries(9);
            fill(&db).unwrap();
            reseal(&db).unwrap();
            db.pragma_update(None, "foreign_keys", false).unwrap();
            for trigger in ["entry", "room", "account"] {
                let gone = format!("DROP TRIGGER {trigger}_changed; DROP TRIGGER {trigger}_gone");
                db.execute_batch(&gone).unwrap();
            }
            db.execute_batch(change).unwrap();
            let found = broken_entry(&db).unwrap().or(broken_row(&db).unwrap());
            let is_entry = change.contains("entries");
            assert!(found.is_some_and(|f| f.starts_with("entry 4 ") == is_entry), "{change}");
        }
    }
}
