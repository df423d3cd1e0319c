//! How far the ledger had come, noted beside the database after each commit.
//!
//! What is missing at the end of SQLite's log, because it was cut off or because one bit of
//! it has flipped, was never there for SQLite. This file remembers that it was. It is
//! written without waiting for the disk: it says what was committed before, so after a
//! power cut it is late, and never early.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::config::Durability;

/// The file, open as long as the server runs.
pub(crate) struct Witness {
    file: File,
    durability: Durability,
}

/// How far a ledger has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The last entry.
    seq: i64,
    /// How long the server had run; every commit without entries notes it.
    uptime_ms: i64,
}

impl Witness {
    /// The witness of a database that is sound, which begins with what is there.
    ///
    /// # Errors
    /// It cannot be made.
    pub(crate) fn of(
        database: &Path,
        connection: &Connection,
        durability: Durability,
    ) -> std::io::Result<Witness> {
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(false).mode(0o600);
        let witness = Witness { file: options.open(Mark::file(database))?, durability };
        if let Ok(Some(mark)) = witness.mark(connection) {
            witness.note(mark);
        }
        Ok(witness)
    }

    /// What is to be noted once a transaction is committed; nothing where a power cut may take
    /// commits back, since what it says could be early.
    ///
    /// # Errors
    /// What SQLite says.
    pub(crate) fn mark(&self, transaction: &Connection) -> rusqlite::Result<Option<Mark>> {
        match self.durability {
            Durability::Power => Mark::of(transaction).map(Some),
            Durability::Process => Ok(None),
        }
    }

    /// Notes what is committed.
    pub(crate) fn note(&self, mark: Mark) {
        // In one piece, in one page, of one length: no crash leaves half of it. Where it
        // cannot be written, what it said before is as true as it was.
        if let Err(error) = self.file.write_all_at(mark.line().as_bytes(), 0) {
            tracing::debug!(%error, "the witness cannot be written");
        }
    }
}

impl Mark {
    /// Where the witness of a database is.
    pub(crate) fn file(database: &Path) -> PathBuf {
        database.with_extension("witness")
    }

    /// What the witness of a database says; nothing where there is none that can be read.
    pub(crate) fn read(database: &Path) -> Option<Mark> {
        let text = std::fs::read_to_string(Mark::file(database)).ok()?;
        let (seq, uptime_ms) = text.trim_end().split_once(' ')?;
        Some(Mark { seq: seq.parse().ok()?, uptime_ms: uptime_ms.parse().ok()? })
    }

    /// How far a database has come.
    ///
    /// # Errors
    /// What SQLite says.
    pub(crate) fn of(connection: &Connection) -> rusqlite::Result<Mark> {
        connection
            .prepare_cached(
                "SELECT (SELECT seq FROM sqlite_sequence WHERE name = 'entries'),
                        (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'uptime_ms')",
            )?
            .query_row([], |row| {
                let number =
                    |index| row.get::<_, Option<i64>>(index).map(Option::unwrap_or_default);
                Ok(Mark { seq: number(0)?, uptime_ms: number(1)? })
            })
    }

    /// Has it come as far as `other`?
    pub(crate) fn has_reached(self, other: Mark) -> bool {
        self.seq >= other.seq && self.uptime_ms >= other.uptime_ms
    }

    fn line(self) -> String {
        format!("{:019} {:019}\n", self.seq, self.uptime_ms)
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "entry {} after {} ms", self.seq, self.uptime_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_witness_says_what_was_noted_and_nothing_when_it_cannot_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("chatd.db");
        assert_eq!(Mark::read(&database), None);
        for (text, mark) in [
            (Mark { seq: 7, uptime_ms: 12 }.line(), Some(Mark { seq: 7, uptime_ms: 12 })),
            (String::new(), None),
            ("7".into(), None),
            ("7 x".into(), None),
        ] {
            std::fs::write(Mark::file(&database), text).unwrap();
            assert_eq!(Mark::read(&database), mark);
        }
    }

    #[test]
    fn both_numbers_have_to_be_reached() {
        let mark = |seq, uptime_ms| Mark { seq, uptime_ms };
        assert!(mark(5, 5).has_reached(mark(5, 5)));
        assert!(!mark(5, 5).has_reached(mark(6, 5)));
        assert!(!mark(6, 5).has_reached(mark(5, 6)));
    }
}
