//! How long the server has run, all its lives together.
//!
//! Keys are kept for minutes of that time: a server that was down for a day still knows
//! what was sent just before.

use std::time::Instant;

use rusqlite::{Connection, params};

/// The time that the server has run.
pub(crate) struct Uptime {
    before_ms: i64,
    since: Instant,
}

impl Uptime {
    /// What the database knows of earlier lives.
    ///
    /// # Errors
    /// What SQLite says.
    pub(crate) fn load(db: &Connection) -> rusqlite::Result<Uptime> {
        let before_ms = db.query_row(
            "SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'uptime_ms'",
            [],
            |row| row.get(0),
        )?;
        Ok(Uptime { before_ms, since: Instant::now() })
    }

    /// Milliseconds that the server has run.
    pub(crate) fn now_ms(&self) -> i64 {
        let now = i64::try_from(self.since.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.before_ms.saturating_add(now)
    }

    /// Notes it with what is being written.
    ///
    /// # Errors
    /// What SQLite says.
    pub(crate) fn keep(&self, db: &Connection) -> rusqlite::Result<()> {
        db.prepare_cached("UPDATE meta SET value = ?1 WHERE key = 'uptime_ms'")?
            .execute(params![self.now_ms().to_string()])
            .map(drop)
    }
}
