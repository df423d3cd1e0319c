//! How long the server has run, all its lives together.
//!
//! Keys are kept for minutes of that time: a server that was down for a day still knows
//! what was sent just before.

use std::cell::Cell;
use std::time::Instant;

use rusqlite::{Connection, params};

/// How old what the database says may be, in milliseconds, while messages are kept: each
/// commit of a lone message would write another page for it (measured: 4 us of 28). After a
/// crash keys live so much longer.
const STALE_MS_MAX: i64 = 1000;

/// The time that the server has run.
pub(crate) struct Uptime {
    before_ms: i64,
    since: Instant,
    /// What the database says.
    kept_ms: Cell<i64>,
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
        Ok(Uptime { before_ms, since: Instant::now(), kept_ms: Cell::new(before_ms) })
    }

    /// Milliseconds that the server has run.
    pub(crate) fn now_ms(&self) -> i64 {
        let now = i64::try_from(self.since.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.before_ms.saturating_add(now)
    }

    /// Notes it with what is being written; with entries, whose numbers tell as well how far
    /// the ledger has come, only now and then.
    ///
    /// # Errors
    /// What SQLite says.
    pub(crate) fn keep(&self, db: &Connection, has_entries: bool) -> rusqlite::Result<()> {
        let now = self.now_ms();
        if has_entries && now < self.kept_ms.get().saturating_add(STALE_MS_MAX) {
            return Ok(());
        }
        self.kept_ms.set(now);
        db.prepare_cached("UPDATE meta SET value = ?1 WHERE key = 'uptime_ms'")?
            .execute(params![now.to_string()])
            .map(drop)
    }
}
