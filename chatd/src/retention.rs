//! Messages that are kept no longer are deleted, some at a time between other writes.

use std::time::Duration;

use async_io::Timer;
use commands::{Hall, RoomId, Seq};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use crate::changes::forget;
use crate::database::Database;

/// How often it is looked whether anything is too old.
const PAUSE: Duration = Duration::from_secs(60);

/// Entries that are looked at in one transaction: some milliseconds, after which others
/// have a turn.
const SLICE: usize = 256;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Entries of rooms that were deleted. In this order (`CROSS JOIN`): the other way round
/// all entries that there are would be looked at.
const OF_DELETED_ROOMS: &str = "
    SELECT entries.seq, kind, text, ts FROM rooms CROSS JOIN entries ON entries.room = rooms.id
    WHERE deleted NOT NULL AND kind <> 'deleted' AND ?1 < ?2 LIMIT ?3";

/// Private messages that were read, and are older than that: the first of an account, if
/// its very first is. Asked the other way round, it would look at every such message that
/// there is, and the writer would stand still for it (a second for a million).
const TELLS_READ: &str = "
    SELECT seq, kind, text, ts FROM accounts CROSS JOIN entries ON seq IN
      (SELECT seq FROM entries WHERE room = 0 AND recipient = accounts.id
       AND seq <= accounts.read ORDER BY seq LIMIT ?3)
    WHERE read > 0 AND ts < ?1 - ?2 AND
      (SELECT ts FROM entries WHERE room = 0 AND recipient = accounts.id
       ORDER BY seq LIMIT 1) < ?1 - ?2
    LIMIT ?3";

/// What one slice did.
#[derive(Debug, PartialEq, Eq)]
enum Slice {
    /// Messages of a room up to there are gone, if they were too old.
    Trimmed(RoomId, Seq),
    /// Entries without a room that is left.
    Swept,
    /// Nothing is too old.
    Nothing,
}

/// Deletes what is kept no longer, for ever.
pub(crate) async fn run(database: &Database, hall: &Hall, inbox_days: u32) {
    loop {
        let mut has_deleted = false;
        loop {
            let now_ms = Timestamp::now().as_millisecond();
            match database.write(move |db| slice(db, now_ms, inbox_days)).await {
                Ok(Slice::Nothing) => break,
                Ok(Slice::Swept) => {}
                Ok(Slice::Trimmed(room, seq)) => {
                    hall.room(room).into_iter().for_each(|room| room.trim(seq));
                }
                Err(error) => {
                    tracing::error!(%error, "messages that are too old cannot be deleted");
                    break;
                }
            }
            has_deleted = true;
        }
        if has_deleted {
            database.scrub();
        }
        Timer::after(PAUSE).await;
    }
}

fn slice(db: &Connection, now_ms: i64, inbox_days: u32) -> rusqlite::Result<Slice> {
    if let Some(done) = trim_room(db, now_ms)? {
        return Ok(done);
    }
    if sweep_deleted(db)? || (inbox_days > 0 && sweep_tells(db, now_ms, inbox_days)?) {
        return Ok(Slice::Swept);
    }
    Ok(Slice::Nothing)
}

/// Takes the next entries of a room whose oldest is too old; what was done in the room
/// stays, what was said goes.
fn trim_room(db: &Connection, now_ms: i64) -> rusqlite::Result<Option<Slice>> {
    let due = db
        .prepare_cached(
            "SELECT id, trimmed, ?1 - days * ?2 AS before FROM rooms
             WHERE days NOT NULL AND deleted IS NULL AND
                   (SELECT ts FROM entries WHERE room = rooms.id AND seq > trimmed
                    ORDER BY seq LIMIT 1) < before
             LIMIT 1",
        )?
        .query_row([now_ms, DAY_MS], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((room, trimmed, before)): Option<(i64, i64, i64)> = due else { return Ok(None) };
    let next = "SELECT seq, kind, text, ts FROM entries WHERE room = ?1 AND seq > ?2
                ORDER BY seq LIMIT ?3";
    let mut last = trimmed;
    for (seq, kind, text, ts) in rows(db, next, [room, trimmed, SLICE as i64])? {
        if ts >= before {
            break;
        }
        last = seq;
        if kind == "said" {
            forget(db, Seq(seq), text.as_deref())?;
        }
    }
    db.prepare_cached("UPDATE rooms SET trimmed = ?1 WHERE id = ?2")?.execute([last, room])?;
    Ok(Some(Slice::Trimmed(RoomId(room), Seq(last))))
}

/// Deletes entries of rooms that were deleted; that they were stays.
fn sweep_deleted(db: &Connection) -> rusqlite::Result<bool> {
    sweep(db, OF_DELETED_ROOMS, [0, 1, SLICE as i64])
}

/// Deletes private messages that their owner has read, and that are too old.
fn sweep_tells(db: &Connection, now_ms: i64, days: u32) -> rusqlite::Result<bool> {
    sweep(db, TELLS_READ, [now_ms, i64::from(days) * DAY_MS, SLICE as i64])
}

fn sweep(db: &Connection, next: &str, with: [i64; 3]) -> rusqlite::Result<bool> {
    let all = rows(db, next, with)?;
    for (seq, kind, text, _) in &all {
        // Only what was said is in the index of words.
        let text = text.as_deref().filter(|_| kind == "said");
        forget(db, Seq(*seq), text)?;
    }
    Ok(!all.is_empty())
}

type Found = (i64, String, Option<String>, i64);

fn rows(db: &Connection, query: &str, with: [i64; 3]) -> rusqlite::Result<Vec<Found>> {
    let mut statement = db.prepare_cached(query)?;
    let rows = statement.query_map(params![with[0], with[1], with[2]], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
    })?;
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables;

    /// A room of messages, one for each day up to day 99; every tenth is another kind.
    fn ledger(setting: &str) -> Connection {
        let mut db = Connection::open_in_memory().unwrap();
        tables::migrate(&mut db, 0).unwrap();
        db.execute_batch(
            "INSERT INTO accounts (id, name, key, password, created) VALUES (1, 'ann', 'ann', '', 0);
             INSERT INTO rooms (id, name, key, created) VALUES (1, 'attic', 'attic', 0);",
        )
        .unwrap();
        for day in 0..1000 {
            let kind = if day % 10 == 0 { "topic" } else { "said" };
            db.execute(
                "INSERT INTO entries (room, ts, kind, author, text) VALUES (1, ?1, ?2, 1, 'needle')",
                params![day * DAY_MS, kind],
            )
            .unwrap();
        }
        while crate::search::fill(&db).unwrap() {}
        db.execute_batch(setting).unwrap();
        db
    }

    fn count(db: &Connection, of: &str) -> i64 {
        db.query_row(&format!("SELECT count(*) FROM {of}"), [], |row| row.get(0)).unwrap()
    }

    fn all(db: &Connection, now_ms: i64, inbox_days: u32) -> usize {
        let slices = std::iter::from_fn(|| {
            let done = slice(db, now_ms, inbox_days).unwrap();
            (done != Slice::Nothing).then_some(done)
        });
        slices.take(100).count()
    }

    #[test]
    fn what_was_said_is_kept_for_its_days_and_what_was_done_stays() {
        let db = ledger("UPDATE rooms SET days = 30 WHERE id = 1");
        let slices = all(&db, 1000 * DAY_MS, 0);
        assert!((4..6).contains(&slices), "{slices} slices");
        assert_eq!(count(&db, "entries WHERE kind = 'said'"), 27);
        assert_eq!(count(&db, "entries WHERE kind = 'topic'"), 100);
        assert_eq!(count(&db, "search WHERE search MATCH 'needle'"), 27);
        assert_eq!(count(&db, "rooms WHERE trimmed = 970"), 1);
        assert_eq!(all(&db, 1000 * DAY_MS, 0), 0);
        assert_eq!(all(&db, 1000 * DAY_MS + 1, 0), 1);
    }

    #[test]
    fn nothing_looks_at_all_entries_that_there_are() {
        let db = ledger("");
        for query in [OF_DELETED_ROOMS, TELLS_READ] {
            let mut plan = db.prepare(&format!("EXPLAIN QUERY PLAN {query}")).unwrap();
            let steps = plan.query_map([1, 1, 1], |row| row.get::<_, String>(3)).unwrap();
            for step in steps.map(Result::unwrap) {
                assert!(!step.contains("SCAN entries"), "{query}: {step}");
                // All private messages are of one room.
                let walks = query == TELLS_READ && step.contains("entries_by_room");
                assert!(!walks, "{query}: {step}");
            }
        }
    }

    #[test]
    fn without_days_everything_is_kept() {
        let db = ledger("");
        assert_eq!(all(&db, i64::MAX, 1), 0);
        assert_eq!(count(&db, "entries"), 1000);
    }

    #[test]
    fn of_a_room_that_was_deleted_nothing_is_left() {
        let db = ledger("UPDATE rooms SET deleted = 1 WHERE id = 1");
        all(&db, 0, 0);
        assert_eq!(
            (count(&db, "entries"), count(&db, "search WHERE search MATCH 'needle'")),
            (0, 0)
        );
    }

    #[test]
    fn only_private_messages_that_were_read_go() {
        let db = ledger(
            "INSERT INTO entries (seq, room, ts, kind, author, recipient, text)
             VALUES (2001, 0, 0, 'told', 1, 1, 'read'), (2002, 0, 0, 'told', 1, 1, 'not read');
             UPDATE accounts SET read = 2001;",
        );
        all(&db, 7 * DAY_MS, 7);
        assert_eq!(count(&db, "entries WHERE kind = 'told'"), 2);
        all(&db, 7 * DAY_MS + 1, 7);
        assert_eq!(count(&db, "entries WHERE text = 'not read'"), 1);
        assert_eq!(count(&db, "entries WHERE text = 'read'"), 0);
    }
}
