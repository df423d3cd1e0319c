//! The thread that writes: many small writes share one commit.
//!
//! A commit that reaches the disk costs the same for one row as for hundreds. So all that
//! waits, up to [`BATCH_MAX`], goes into one transaction; while it commits, the next batch
//! gathers. Nothing that was asked for is said to be done before its commit.

use std::time::Duration;

use async_channel::Sender;
use commands::{Answer, Body, Landed, Landing, Seq};
use proto::{Code, Refusal};
use rusqlite::{Connection, ErrorCode, Transaction};

use crate::database::BUSY_TIME;
use crate::filler::Filler;
use crate::ledger::{self, Rules};
use crate::queue::Queue;
use crate::witness::{Mark, Witness};
use crate::{entries, filler, seals};

/// Writes in one commit, at most: beyond it a larger batch gains little (measured: 256
/// rows cost 4.0 us each, 1,024 rows 3.2) and everyone in it waits longer.
const BATCH_MAX: usize = 256;

/// How long it waits for readers before it empties the log, while others wait for it. A
/// page is read in some milliseconds; after longer ones it tries again with the next batch.
const SCRUB_TIME: Duration = Duration::from_millis(50);

pub(crate) type Work = Box<dyn FnOnce(&Transaction<'_>) -> Done + Send>;
/// What to do when it is known what became of the batch.
pub(crate) type Done = Box<dyn FnOnce(Fate) + Send>;

/// What became of a batch.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Kept,
    Lost,
    Unknown,
}

/// What the writer is asked for.
pub(crate) enum Job {
    /// In a box: it is far larger than the others.
    Append(Box<commands::Draft>, Option<Answer>),
    Write(Work),
    /// Overwrite what the log of SQLite still has of what was deleted.
    Scrub,
}

/// The writer's life: batch after batch, until the queue is closed and empty.
pub(crate) fn write_all(
    mut connection: Connection,
    rules: &Rules,
    witness: &Witness,
    waiting: &Queue<Job>,
    tail: &Sender<Vec<Landed>>,
) {
    let mut must_scrub = false;
    let mut filler = Filler::default();
    // What an earlier life has left.
    let last = entries::last(&connection).unwrap_or_default();
    filler.fill_in(&mut connection, last, || waiting.is_empty());
    loop {
        let batch = waiting.take(BATCH_MAX);
        if batch.is_empty() {
            break;
        }
        must_scrub |= batch.iter().any(takes_back);
        let landed = write_batch(&mut connection, rules, witness, batch);
        // Before anyone is told that something is gone.
        must_scrub = must_scrub && !scrub(&connection);
        let last = last_kept(&landed);
        if !landed.is_empty() && tail.send_blocking(landed).is_err() {
            return;
        }
        if let Some(last) = last {
            filler.fill_in(&mut connection, last, || waiting.is_empty());
        }
    }
    filler::seal_rest(&mut connection);
    // So that the one file is the whole database while no server runs, for those who copy
    // it. SQLite would do it when the last connection is closed, but readers are open.
    if !scrub(&connection) {
        tracing::warn!("the log of the database stays beside it");
    }
}

/// Is anything gone for good after this job?
fn takes_back(job: &Job) -> bool {
    match job {
        Job::Append(draft, _) => {
            matches!(draft.body, Body::Redacted { .. })
        }
        Job::Write(_) => false,
        Job::Scrub => true,
    }
}

/// Empties the log of SQLite, which has pages as they were before; says whether it did,
/// which one who reads at that moment can keep it from.
fn scrub(connection: &Connection) -> bool {
    let emptied = connection
        .busy_timeout(SCRUB_TIME)
        .and_then(|()| {
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        })
        .map(|is_busy: bool| !is_busy);
    let restored = connection.busy_timeout(BUSY_TIME);
    emptied.and_then(|emptied| restored.map(|()| emptied)).unwrap_or_else(|error| {
        tracing::error!(%error, "the log of the database cannot be emptied");
        false
    })
}

/// The last of the entries that were kept, if any was.
fn last_kept(landed: &[Landed]) -> Option<Seq> {
    landed.iter().rev().find_map(|landed| match &landed.landing {
        Landing::Kept(entry) => Some(entry.seq),
        _ => None,
    })
}

fn write_batch(
    connection: &mut Connection,
    rules: &Rules,
    witness: &Witness,
    batch: Vec<Job>,
) -> Vec<Landed> {
    let mut landed = Vec::new();
    let mut done = Vec::new();
    let written = write_transaction(connection, rules, witness, batch, &mut landed, &mut done);
    let fate = match written {
        Ok(mark) => {
            // Before anyone is told of it.
            mark.into_iter().for_each(|mark| witness.note(mark));
            Fate::Kept
        }
        Err((fate, error)) => {
            tracing::error!(%error, "the database cannot be written");
            fate
        }
    };
    for landed in &mut landed {
        match (fate, &landed.landing) {
            (Fate::Kept, _) | (_, Landing::Refused(_)) => {}
            (Fate::Lost, _) => landed.landing = Landing::Refused(not_written()),
            (Fate::Unknown, _) => landed.landing = Landing::Unknown,
        }
    }
    done.into_iter().for_each(|done: Done| done(fate));
    landed
}

fn write_transaction(
    connection: &mut Connection,
    rules: &Rules,
    witness: &Witness,
    batch: Vec<Job>,
    landed: &mut Vec<Landed>,
    done: &mut Vec<Done>,
) -> Result<Option<Mark>, (Fate, rusqlite::Error)> {
    let mut batch = batch.into_iter();
    let transaction = match connection.transaction() {
        Ok(transaction) => transaction,
        Err(error) => {
            landed.extend(batch.filter_map(refused));
            return Err((Fate::Lost, error));
        }
    };
    for job in batch.by_ref() {
        let result = match job {
            Job::Append(draft, answer) => {
                let (landing, result) = match ledger::append(&transaction, *draft, rules) {
                    Ok(landing) => (landing, Ok(())),
                    Err(error) => (Landing::Refused(not_written()), Err(error)),
                };
                landed.push(Landed { landing, answer });
                result
            }
            Job::Write(work) => {
                done.push(work(&transaction));
                still_open(&transaction)
            }
            // After the commit.
            Job::Scrub => Ok(()),
        };
        if let Err(error) = result {
            // The disk is full or broken: none of the batch is kept.
            landed.extend(batch.filter_map(refused));
            return Err((Fate::Lost, error));
        }
    }
    let has_entries = last_kept(landed).is_some();
    let mark = seals::reseal(&transaction)
        .and_then(|()| rules.uptime.keep(&transaction, has_entries))
        .and_then(|()| witness.mark(&transaction))
        .map_err(|error| (Fate::Lost, error))?;
    match commit(transaction) {
        Ok(()) => Ok(mark),
        // A full disk is met while the log is written, before the mark that ends the
        // transaction: it is not there after a restart either.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DiskFull) => {
            Err((Fate::Lost, error))
        }
        Err(error) => Err((Fate::Unknown, error)),
    }
}

/// Commits, with a statement that is prepared once: that of rusqlite is prepared each time.
fn commit(transaction: Transaction<'_>) -> rusqlite::Result<()> {
    transaction.prepare_cached("COMMIT")?.execute([])?;
    // There is nothing left to commit or to roll back, and `finish` sees that.
    transaction.finish()
}

/// SQLite itself ends a transaction when the disk is full. What came after it would be
/// kept one by one, while what came before is not.
pub(crate) fn still_open(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    if !transaction.is_autocommit() {
        return Ok(());
    }
    let aborted = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_ABORT_ROLLBACK);
    Err(rusqlite::Error::SqliteFailure(aborted, Some("the transaction was rolled back".into())))
}

/// In a savepoint, so that a work that fails leaves no half of it behind.
pub(crate) fn in_savepoint<T>(
    transaction: &Transaction<'_>,
    work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    transaction.execute_batch("SAVEPOINT work")?;
    let result = work(transaction);
    if result.is_err() && transaction.is_autocommit() {
        // SQLite has rolled all of it back; `still_open` ends the batch.
        return result;
    }
    let end = if result.is_ok() { "RELEASE work" } else { "ROLLBACK TO work; RELEASE work" };
    transaction.execute_batch(end)?;
    result
}

fn refused(job: Job) -> Option<Landed> {
    match job {
        Job::Append(_, answer) => Some(Landed { landing: Landing::Refused(not_written()), answer }),
        // Whoever waits for it sees that it was dropped.
        Job::Write(_) | Job::Scrub => None,
    }
}

fn not_written() -> Refusal {
    Refusal::new(Code::ServerBusy, "the server cannot write to its disk: nothing was kept")
}

#[cfg(test)]
mod tests {
    use commands::{Draft, RoomId};

    use super::*;
    use crate::database::Database;
    use crate::settings::Settings;

    /// A message of ten thousand bytes, for the first room.
    fn said() -> Draft {
        let body = Body::Said { to: None, text: "x".repeat(10_000), changed: None };
        Draft { room: Some(RoomId(1)), author: None, body, again: None }
    }

    async fn set_pages_max(database: &Database, pages: i64) {
        let set = move |db: &Transaction<'_>| db.pragma_update(None, "max_page_count", pages);
        database.write(set).await.unwrap();
    }

    #[test]
    fn a_full_disk_refuses_and_what_was_kept_stays_and_it_recovers() {
        smol::block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("chatd.db");
            let config = Settings::gather(None, std::iter::empty(), &[]).unwrap().config().unwrap();
            let (database, writer, tail) = Database::open(&file, &config).unwrap();
            ledger::make_rooms(&database, config.rooms.clone()).await.unwrap();
            set_pages_max(&database, 100).await;
            let mut kept = Vec::new();
            let mut refused = 0;
            while refused < 3 {
                assert!(database.append(said(), None).is_ok());
                // In the same batch, or the next: what else is asked for is all or nothing.
                let noted = database.write(|db| {
                    db.execute("INSERT INTO meta (key, value) VALUES (random(), 'noted')", [])
                });
                let noted = noted.await;
                for landed in tail.recv().await.unwrap() {
                    match landed.landing {
                        Landing::Kept(entry) => kept.push(entry.seq.0),
                        Landing::Refused(_) => refused += 1,
                        other => panic!("{other:?}, {noted:?}"),
                    }
                }
            }
            assert!(kept.len() > 10, "{}", kept.len());
            set_pages_max(&database, 10_000).await;
            assert!(database.append(said(), None).is_ok());
            let landed = tail.recv().await.unwrap().remove(0).landing;
            let Landing::Kept(entry) = landed else { panic!("{landed:?}") };
            kept.push(entry.seq.0);
            let stored = database.read(|db| {
                let mut seqs =
                    db.prepare("SELECT seq FROM entries WHERE kind = 'said' ORDER BY seq")?;
                seqs.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()
            });
            assert_eq!(stored.await.unwrap(), kept);
            database.close();
            writer.join();
        });
    }
}
