//! The database file: one thread writes, and many small writes share one commit.
//!
//! A commit that reaches the disk costs the same for one row as for hundreds. So the
//! writer takes all that waits, up to [`BATCH_MAX`], into one transaction; while it
//! commits, the next batch gathers. Nothing that was asked for is said to be done
//! before its commit.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::Duration;

use async_channel::{Receiver, Sender, TrySendError};
use commands::{Answer, Body, Landed, Landing};
use proto::{Code, Refusal};
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction};

use crate::config::{Config, Durability};
use crate::ledger::{self, Rules};
use crate::witness::Witness;
use crate::{integrity, seals, search, tables};

/// Writes in one commit, at most: beyond it a larger batch gains little (measured: 256
/// rows cost 4.0 us each, 1,024 rows 3.2) and everyone in it waits longer.
const BATCH_MAX: usize = 256;

/// Writes that may wait for the writer: more than it does in 50 ms means that it does
/// not keep up, and whoever asks next is better told so.
const QUEUE_MAX: usize = 8192;

/// Slices of entries that are sealed when the server stops, at most: a few milliseconds.
const SLICES_AT_END_MAX: usize = 4;

/// Readers beside the writer: WAL lets them go on during a commit. More than cores, so
/// that a long page of history does not keep others from logging in.
const READERS: usize = 4;

/// How long the writer waits for a backup from outside.
const BUSY_TIME: Duration = Duration::from_secs(5);

/// How long it waits for readers before it empties the log, while others wait for it. A
/// page is read in some milliseconds; after longer ones it tries again with the next batch.
const SCRUB_TIME: Duration = Duration::from_millis(50);

/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// It is there, but it is not what it should be.
    #[error("{}: the database is damaged: {reason}: restore a backup", file.display())]
    Damaged {
        /// The database.
        file: PathBuf,
        /// What SQLite says.
        reason: String,
    },
    /// It was written by a chatd that is newer than this one.
    #[error("{}: the database has version {version}, this chatd knows {known}: use the newer chatd", file.display(), known = tables::VERSION)]
    Newer {
        /// The database.
        file: PathBuf,
        /// Its version.
        version: i64,
    },
    /// It cannot be opened or made.
    #[error("{}: the database cannot be opened: {reason}", file.display())]
    Unusable {
        /// The database.
        file: PathBuf,
        /// What SQLite says.
        reason: String,
    },
}

/// What happened to a write.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// It failed by itself, and wrote nothing.
    #[error("not written: {0}")]
    Failed(#[from] rusqlite::Error),
    /// The database cannot be written; nothing was.
    #[error("the database cannot be written")]
    Lost,
    /// Nobody knows whether it was written.
    #[error("it is not known whether it was written")]
    Unknown,
    /// Too much waits, or the server stops.
    #[error("too much waits to be written")]
    Busy,
}

type Work = Box<dyn FnOnce(&Transaction<'_>) -> Done + Send>;
/// What to do when it is known what became of the batch.
type Done = Box<dyn FnOnce(Fate) + Send>;

/// What became of a batch.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Kept,
    Lost,
    Unknown,
}

enum Job {
    /// In a box: the queue has its room from the start.
    Append(Box<commands::Draft>, Option<Answer>),
    Write(Work),
    /// Overwrite what the log of SQLite still has of what was deleted.
    Scrub,
}

/// The open database.
#[derive(Clone)]
pub struct Database {
    jobs: Sender<Job>,
    readers: (Sender<Connection>, Receiver<Connection>),
}

/// The thread that writes, to be joined at the end.
pub struct Writer(JoinHandle<()>);

impl Database {
    /// Opens the database, makes it if it is missing, and starts its writer. What is
    /// kept comes out of the channel, in the order of the ledger.
    ///
    /// # Errors
    /// Names the file; see [`DatabaseError`].
    pub fn open(
        file: &Path,
        config: &Config,
    ) -> Result<(Database, Writer, Receiver<Vec<Landed>>), DatabaseError> {
        let error = |e: rusqlite::Error| DatabaseError::of(file, &e);
        let unusable =
            |e: io::Error| DatabaseError::Unusable { file: file.into(), reason: e.to_string() };
        integrity::before(file)?;
        if !file.exists() {
            make(file, config.durability)?;
        }
        let mut writing = Connection::open(file).map_err(error)?;
        prepare(&mut writing, file, config.durability)?;
        let witness = Witness::of(file, &writing, config.durability).map_err(unusable)?;
        let rules = Rules::load(&writing, config.limits.rooms_per_user).map_err(error)?;
        let readers = async_channel::bounded(READERS);
        for _ in 0..READERS {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let reader = Connection::open_with_flags(file, flags).map_err(error)?;
            readers.0.try_send(reader).expect("there is room for every reader");
        }
        let (jobs, waiting) = async_channel::bounded(QUEUE_MAX);
        // A batch waits to be handed out while the next one is written; a third would
        // only mean that members cannot keep up.
        let (tail, landed) = async_channel::bounded(2);
        let writer = std::thread::Builder::new()
            .name("ledger".into())
            .spawn(move || write_all(writing, &rules, &witness, &waiting, &tail))
            .map_err(unusable)?;
        Ok((Database { jobs, readers }, Writer(writer), landed))
    }

    /// Takes an entry in, without waiting.
    ///
    /// # Errors
    /// Gives the answer back when the queue is full or the server stops.
    pub fn append(
        &self,
        draft: commands::Draft,
        answer: Option<Answer>,
    ) -> Result<(), commands::Busy> {
        self.jobs.try_send(Job::Append(Box::new(draft), answer)).map_err(|error| {
            let (TrySendError::Full(job) | TrySendError::Closed(job)) = error;
            match job {
                Job::Append(_, answer) => commands::Busy(answer),
                Job::Write(_) | Job::Scrub => commands::Busy(None),
            }
        })
    }

    /// Runs `work` in the next transaction, and waits until it is committed.
    ///
    /// # Errors
    /// See [`WriteError`]; what `work` itself refuses is its own business.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, WriteError> {
        let (tell, told) = async_channel::bounded(1);
        let job = Job::Write(Box::new(move |transaction| {
            let result = in_savepoint(transaction, work);
            Box::new(move |fate| {
                let result = match (result, fate) {
                    (Ok(value), Fate::Kept) => Ok(value),
                    (Ok(_), Fate::Lost) => Err(WriteError::Lost),
                    (Ok(_), Fate::Unknown) => Err(WriteError::Unknown),
                    (Err(error), _) => Err(WriteError::Failed(error)),
                };
                // Whoever asked may be gone; the work is done all the same.
                let _ = tell.try_send(result);
            })
        }));
        self.jobs.try_send(job).map_err(|_| WriteError::Busy)?;
        // Dropped without a word, it was never begun.
        told.recv().await.unwrap_or(Err(WriteError::Lost))
    }

    /// Runs `work` beside the writer.
    ///
    /// # Errors
    /// What SQLite says.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> rusqlite::Result<T> {
        let (back, readers) = &self.readers;
        let reader = readers.recv().await.expect("the channel lives as long as we do");
        let (result, reader) = smol::unblock(move || (work(&reader), reader)).await;
        back.try_send(reader).expect("it has the room that it had");
        result
    }

    /// Has the log of SQLite overwritten soon: what was deleted is then gone from the disk.
    pub fn scrub(&self) {
        // When too much waits there is a next time.
        let _ = self.jobs.try_send(Job::Scrub);
    }

    /// Takes nothing more in: what waits is still written, then the tail ends.
    pub fn close(&self) {
        self.jobs.close();
    }
}

impl Writer {
    /// Waits for the end of the writer, after [`Database::close`].
    pub fn join(self) {
        if self.0.join().is_err() {
            tracing::error!("the writer of the database has panicked");
        }
    }
}

impl DatabaseError {
    pub(crate) fn of(file: &Path, error: &rusqlite::Error) -> DatabaseError {
        let (file, reason) = (file.to_owned(), error.to_string());
        use ErrorCode::{
            CannotOpen, DatabaseBusy, DatabaseLocked, DiskFull, FileLockingProtocolFailed,
            NoLargeFileSupport, OutOfMemory, PermissionDenied, ReadOnly, SystemIoFailure,
        };
        match error.sqlite_error_code() {
            Some(
                CannotOpen
                | DatabaseBusy
                | DatabaseLocked
                | DiskFull
                | FileLockingProtocolFailed
                | NoLargeFileSupport
                | OutOfMemory
                | PermissionDenied
                | ReadOnly
                | SystemIoFailure,
            ) => DatabaseError::Unusable { file, reason },
            // What is not the machine's fault is the file's: a table that is not there, a
            // value that cannot be.
            _ => DatabaseError::Damaged { file, reason },
        }
    }
}

/// Makes a new database, readable for its owner only; what SQLite puts beside it follows
/// its mode. It is made under another name: so whenever a crash comes, it is whole or it
/// is not there, and an empty one was not made by us.
fn make(file: &Path, durability: Durability) -> Result<(), DatabaseError> {
    let error = |e: rusqlite::Error| DatabaseError::of(file, &e);
    let unusable =
        |e: io::Error| DatabaseError::Unusable { file: file.into(), reason: e.to_string() };
    let new = file.with_extension("new");
    for old in ["new", "new-wal", "new-shm"].map(|extension| file.with_extension(extension)) {
        match std::fs::remove_file(old) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(unusable(e)),
            _ => {}
        }
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new).map_err(unusable)?;
    let mut connection = Connection::open(&new).map_err(error)?;
    prepare(&mut connection, &new, durability)?;
    // The last one to close a database writes its log into it.
    connection.close().map_err(|(_, e)| error(e))?;
    std::fs::rename(&new, file).map_err(unusable)?;
    let folder = file.parent().unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(unusable)
}

fn prepare(
    connection: &mut Connection,
    file: &Path,
    durability: Durability,
) -> Result<(), DatabaseError> {
    let error = |e: rusqlite::Error| DatabaseError::of(file, &e);
    let number = |connection: &Connection, pragma: &str| {
        connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0))
    };
    // Readers never block the writer in WAL; the time is for a backup from outside.
    connection.busy_timeout(BUSY_TIME).map_err(error)?;
    let version = number(connection, "user_version").map_err(error)?;
    let application = number(connection, "application_id").map_err(error)?;
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(error)?;
    match (application, version) {
        (0, 0) if tables == 0 => {}
        (tables::APPLICATION_ID, 1..=tables::VERSION) => {}
        (tables::APPLICATION_ID, version) => {
            return Err(DatabaseError::Newer { file: file.into(), version });
        }
        _ => {
            let reason = "it is a database of another program".into();
            return Err(DatabaseError::Unusable { file: file.into(), reason });
        }
    }
    connection.pragma_update(None, "journal_mode", "WAL").map_err(error)?;
    let synchronous = match durability {
        Durability::Power => "FULL",
        Durability::Process => "NORMAL",
    };
    connection.pragma_update(None, "synchronous", synchronous).map_err(error)?;
    connection.pragma_update(None, "foreign_keys", true).map_err(error)?;
    // What is taken back, or kept no longer, is overwritten.
    connection.pragma_update(None, "secure_delete", true).map_err(error)?;
    if version < tables::VERSION {
        tables::migrate(connection, version).map_err(error)?;
    }
    Ok(())
}

/// The writer's life: batch after batch, until the queue is closed and empty.
fn write_all(
    mut connection: Connection,
    rules: &Rules,
    witness: &Witness,
    waiting: &Receiver<Job>,
    tail: &Sender<Vec<Landed>>,
) {
    let mut must_scrub = false;
    while let Ok(first) = waiting.recv_blocking() {
        let rest = std::iter::from_fn(|| waiting.try_recv().ok());
        let batch: Vec<Job> = std::iter::once(first).chain(rest).take(BATCH_MAX).collect();
        must_scrub |= batch.iter().any(takes_back);
        let landed = write_batch(&mut connection, rules, batch);
        // Before anyone is told of it.
        witness.note(&connection);
        // Before anyone is told that something is gone.
        must_scrub = must_scrub && !scrub(&connection);
        if !landed.is_empty() && tail.send_blocking(landed).is_err() {
            return;
        }
        // Between commits, and only while nobody waits: in the append it would treble
        // its cost.
        while waiting.is_empty() && fill_in(&mut connection) {}
    }
    seal_rest(&mut connection);
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
            matches!(draft.body, Body::Edited { .. } | Body::Redacted { .. })
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

/// Makes some more entries searchable and seals them, if many wait; says whether it did.
fn fill_in(connection: &mut Connection) -> bool {
    let filled = connection.transaction().and_then(|transaction| {
        let more = search::fill_slice(&transaction)? | seals::fill_slice(&transaction)?;
        transaction.commit().map(|()| more)
    });
    filled.unwrap_or_else(|error| {
        tracing::error!(%error, "entries cannot be made searchable");
        false
    })
}

/// Seals what waits, before nobody watches over it; not all that an older chatd has left,
/// which would take time when it has to stop.
fn seal_rest(connection: &mut Connection) {
    let sealed = connection.transaction().and_then(|transaction| {
        for _ in 0..SLICES_AT_END_MAX {
            if !seals::fill(&transaction)? {
                break;
            }
        }
        transaction.commit()
    });
    if let Err(error) = sealed {
        tracing::warn!(%error, "the last entries are not sealed");
    }
}

fn write_batch(connection: &mut Connection, rules: &Rules, batch: Vec<Job>) -> Vec<Landed> {
    let mut landed = Vec::new();
    let mut done = Vec::new();
    let fate = match write_transaction(connection, rules, batch, &mut landed, &mut done) {
        Ok(()) => Fate::Kept,
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
    batch: Vec<Job>,
    landed: &mut Vec<Landed>,
    done: &mut Vec<Done>,
) -> Result<(), (Fate, rusqlite::Error)> {
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
    if let Err(error) = rules.uptime.keep(&transaction) {
        return Err((Fate::Lost, error));
    }
    match transaction.commit() {
        Ok(()) => Ok(()),
        // A full disk is met while the log is written, before the mark that ends the
        // transaction: it is not there after a restart either.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DiskFull) => {
            Err((Fate::Lost, error))
        }
        Err(error) => Err((Fate::Unknown, error)),
    }
}

/// SQLite itself ends a transaction when the disk is full. What came after it would be
/// kept one by one, while what came before is not.
fn still_open(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    if !transaction.is_autocommit() {
        return Ok(());
    }
    let aborted = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_ABORT_ROLLBACK);
    Err(rusqlite::Error::SqliteFailure(aborted, Some("the transaction was rolled back".into())))
}

/// In a savepoint, so that a work that fails leaves no half of it behind.
fn in_savepoint<T>(
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
