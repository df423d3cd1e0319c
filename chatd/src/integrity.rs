//! Is the database what it was? Looked at before it is opened for writing, and once more,
//! page by page, while it is served.
//!
//! SQLite meets damage when it reads the page, which may be months later, and takes what
//! is cut off a log for a transaction that was never committed. So what is small is
//! checked whole before anyone is served, together with how far the ledger had come
//! ([`witness`](crate::witness)). All the rest takes a second for a million messages,
//! and is checked beside the work: nobody waits for it, and damage ends the server.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use crate::database::DatabaseError;
use crate::seals;
use crate::tables::APPLICATION_ID;
use crate::witness::Mark;

/// Tables without which nobody can be served. They are small.
const FIRST: [&str; 3] = ["meta", "rooms", "accounts"];

/// How a database begins.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Where the mark of the program stands in it.
const APPLICATION_ID_AT: usize = 68;

/// Checks what has to be right from the first moment. Nothing is changed, so that what is
/// damaged can still be looked at: closing a database writes its log into it, unless it
/// was opened for reading.
///
/// # Errors
/// [`DatabaseError::Damaged`], or it cannot be read. A database of another program is left
/// to whoever opens it.
pub(crate) fn before(file: &Path) -> Result<(), DatabaseError> {
    let has_witness = Mark::file(file).exists();
    let has_past = has_witness || log_of(file).metadata().is_ok_and(|log| log.len() > 0);
    let header = match header(file) {
        Ok(header) => header,
        Err(error) if error.kind() == ErrorKind::NotFound && !has_past => return Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(damaged(file, "it is missing, and what belongs to it is there"));
        }
        Err(error) => {
            return Err(DatabaseError::Unusable { file: file.into(), reason: error.to_string() });
        }
    };
    if header.is_empty() {
        // A new one is made beside, and is never seen empty.
        return Err(damaged(file, "it is empty"));
    }
    if !is_ours(&header) {
        return match has_witness {
            true => Err(damaged(file, "its header is not what it was")),
            false => Ok(()),
        };
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let look = || -> rusqlite::Result<Option<String>> {
        let database = Connection::open_with_flags(file, flags)?;
        for table in FIRST {
            if let Some(finding) = check(&database, table)? {
                return Ok(Some(finding));
            }
        }
        if let Some(finding) = seals::broken_row(&database)? {
            return Ok(Some(finding));
        }
        let (mark, witness) = (Mark::of(&database)?, Mark::read(file));
        Ok(witness.filter(|witness| !mark.has_reached(*witness)).map(|witness| {
            let says_so = Mark::file(file);
            let says_so = says_so.display();
            format!(
                "it ends at {mark}, and had come to {witness} (without {says_so}, which says so, it is taken as it is)"
            )
        }))
    };
    judge(file, look())
}

/// Checks all of it: every page, every index against its table, every entry against its
/// seal. For a thread that may take its time.
///
/// # Errors
/// [`DatabaseError::Damaged`], or it cannot be read.
pub(crate) fn whole(file: &Path) -> Result<(), DatabaseError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let look = || {
        let database = Connection::open_with_flags(file, flags)?;
        if let Some(finding) = check(&database, "1")? {
            return Ok(Some(finding));
        }
        seals::broken_entry(&database)
    };
    judge(file, look())
}

/// The first finding: in a table, or anywhere when it is a number.
fn check(database: &Connection, what: &str) -> rusqlite::Result<Option<String>> {
    let query = format!("PRAGMA integrity_check({what})");
    let finding: String = database.query_row(&query, [], |row| row.get(0))?;
    // It may be a list in one string, under a heading between stars.
    let first =
        finding.lines().find(|line| !line.starts_with("***")).unwrap_or_default().to_owned();
    Ok((first != "ok").then_some(first))
}

fn judge(file: &Path, finding: rusqlite::Result<Option<String>>) -> Result<(), DatabaseError> {
    match finding {
        Ok(None) => Ok(()),
        Ok(Some(finding)) => Err(damaged(file, &finding)),
        Err(error) => Err(DatabaseError::of(file, &error)),
    }
}

fn damaged(file: &Path, reason: &str) -> DatabaseError {
    DatabaseError::Damaged { file: file.into(), reason: reason.into() }
}

/// The first bytes, as many as there are.
fn header(file: &Path) -> std::io::Result<Vec<u8>> {
    let mut header = Vec::new();
    File::open(file)?.take(100).read_to_end(&mut header)?;
    Ok(header)
}

fn is_ours(header: &[u8]) -> bool {
    let id = header.get(APPLICATION_ID_AT..).and_then(|rest| rest.first_chunk());
    let id = id.map(|id| i64::from(i32::from_be_bytes(*id)));
    header.starts_with(MAGIC) && id == Some(APPLICATION_ID)
}

fn log_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}
