//! The database file: one thread writes, readers go on beside it.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::Duration;

use async_channel::{Receiver, Sender};
use commands::{Answer, Landed};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction};

use crate::config::{Config, Durability};
use crate::ledger::Rules;
use crate::queue::Queue;
use crate::witness::{Mark, Witness};
use crate::writer::{Fate, Job, in_savepoint, write_all};
use crate::{integrity, tables};

/// Writes that may wait for the writer: more than it does in 50 ms means that it does
/// not keep up, and whoever asks next is better told so.
const QUEUE_MAX: usize = 8192;

/// Readers beside the writer: WAL lets them go on during a commit. More than cores, so
/// that a long page of history does not keep others from logging in.
const READERS: usize = 4;

/// How long the writer waits for a backup from outside.
pub(crate) const BUSY_TIME: Duration = Duration::from_secs(5);

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

/// The open database.
#[derive(Clone)]
pub struct Database {
    jobs: Queue<Job>,
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
        let is_there = file.exists();
        let is_older = is_there && !Mark::file(file).exists();
        if !is_there {
            make(file, config.durability)?;
        }
        let mut writing = Connection::open(file).map_err(error)?;
        keep_plans(&writing).map_err(error)?;
        prepare(&mut writing, file, config.durability)?;
        if is_older {
            // What was said since is missing, and its numbers are given again.
            tables::rename(&writing).map_err(error)?;
            tracing::warn!(file = %file.display(), "taken as an older copy: there is no witness beside it");
        }
        let witness = Witness::of(file, &writing, config.durability).map_err(unusable)?;
        let rules = Rules::load(&writing, config.limits.rooms_per_user).map_err(error)?;
        let readers = async_channel::bounded(READERS);
        for _ in 0..READERS {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let reader = Connection::open_with_flags(file, flags).map_err(error)?;
            keep_plans(&reader).map_err(error)?;
            readers.0.try_send(reader).expect("there is room for every reader");
        }
        let jobs = Queue::new(QUEUE_MAX);
        let waiting = jobs.clone();
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
        self.jobs.push(Job::Append(Box::new(draft), answer)).map_err(|job| match job {
            Job::Append(_, answer) => commands::Busy(answer),
            Job::Write(_) | Job::Scrub => commands::Busy(None),
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
        self.jobs.push(job).map_err(|_| WriteError::Busy)?;
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

    /// Looks a row up by its key, on the thread that asks: some microseconds, where to hand
    /// it to another thread and back takes 25 of them. Only for what needs no more than a few
    /// pages, and is asked for by thousands at once.
    ///
    /// # Errors
    /// What SQLite says.
    pub async fn look_up<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let (back, readers) = &self.readers;
        let reader = readers.recv().await.expect("the channel lives as long as we do");
        let result = work(&reader);
        back.try_send(reader).expect("it has the room that it had");
        result
    }

    /// Has the log of SQLite overwritten soon: what was deleted is then gone from the disk.
    pub fn scrub(&self) {
        // When too much waits there is a next time.
        let _ = self.jobs.push(Job::Scrub);
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

/// Lets a prepared query keep its plan. Else SQLite, which is built with statistics, prepares
/// it again for each value of a range that it is given: a tenth of what a login with a token
/// costs.
fn keep_plans(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
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

#[cfg(test)]
mod tests {
    use commands::{AccountId, Archive, Body, Cursor, Query, RoomPolicy, Seq, Sight};

    use super::*;
    use crate::history::History;
    use crate::ledger;
    use crate::settings::Settings;

    #[test]
    fn what_the_first_version_kept_is_all_there() {
        smol::block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("chatd.db");
            tables::first_version(&file);
            let config = Settings::gather(None, std::iter::empty(), &[]).unwrap().config().unwrap();
            let mut epochs = vec!["e1".to_owned()];
            for _ in 0..2 {
                let (database, writer, _tail) = Database::open(&file, &config).unwrap();
                let (epoch, rooms) = ledger::load(&database, &file).await.unwrap();
                epochs.push(epoch);
                assert_eq!((rooms.len(), rooms[0].last), (1, Seq(3)));
                let Body::Created { topic, policy, .. } = &rooms[0].changes[0].body else {
                    panic!("{rooms:?}");
                };
                assert_eq!((topic.as_deref(), *policy), (Some("gears"), RoomPolicy::default()));
                let query = |reader, search: Option<&str>| Query {
                    room: rooms[0].id,
                    sight: Sight { account: AccountId(reader), after: Seq(0) },
                    with_changes: false,
                    from: Cursor::End,
                    up_to: Seq(3),
                    limit: 10,
                    text_bytes: 1000,
                    search: search.map(Into::into),
                };
                let history = History(database.clone());
                let texts = async |query| -> Vec<String> {
                    let page = history.messages(query).await.unwrap();
                    page.entries.iter().map(|entry| entry.text().to_owned()).collect()
                };
                assert_eq!(texts(query(2, None)).await, ["hello", "psst"]);
                assert_eq!(texts(query(3, None)).await, ["hello"]);
                assert_eq!(texts(query(2, Some("psst"))).await, ["psst"]);
                database.close();
                writer.join();
            }
            // Nothing says that it is not an older copy, until there is a witness.
            assert!(epochs[0] != epochs[1] && epochs[1] == epochs[2], "{epochs:?}");
        });
    }

    #[test]
    fn power_means_that_the_disk_is_told() {
        // 2 is FULL, which waits for the disk at each commit; 1 is NORMAL, which does not.
        for (durability, synchronous) in [("power", 2), ("process", 1)] {
            let folder = tempfile::tempdir().unwrap();
            let options = [("durability".to_owned(), durability.to_owned())];
            let settings = Settings::gather(None, std::iter::empty(), &options).unwrap();
            let file = folder.path().join("chatd.db");
            let (database, writer, _tail) =
                Database::open(&file, &settings.config().unwrap()).unwrap();
            let found = smol::block_on(database.write(|transaction| {
                transaction.pragma_query_value(None, "synchronous", |row| row.get::<_, i64>(0))
            }));
            assert_eq!(found.unwrap(), synchronous, "{durability}");
            database.close();
            writer.join();
        }
    }
}
