//! The data folder: made when it is missing, used by one process at a time.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use color_eyre::eyre::{WrapErr, eyre};

use crate::exit::{Exit, Failure};

/// A data folder that is ours as long as this lives.
pub struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes the folder (0700) if it is missing, and locks it.
    ///
    /// # Errors
    /// It cannot be made, or another chatd has it: the message names its process.
    pub fn lock(path: &Path) -> Result<Folder, Failure> {
        match Folder::try_lock(path)? {
            Ok(folder) => Ok(folder),
            Err(other) => Err(Failure::new(
                Exit::CannotMake,
                eyre!(
                    "{}: another chatd (process {other}) uses this data folder: stop it, or give --data DIR",
                    path.display()
                ),
            )),
        }
    }

    /// The same, but who has the lock is no error.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn try_lock(path: &Path) -> Result<Result<Folder, String>, Failure> {
        let file = make(path)
            .wrap_err_with(|| format!("{}: cannot use this as data folder", path.display()))
            .map_err(|report| Failure::new(Exit::CannotMake, report))?;
        match claim(file) {
            Ok(Ok(lock)) => Ok(Ok(Folder { path: path.into(), _lock: lock })),
            Ok(Err(other)) => Ok(Err(other)),
            Err(error) => {
                let report = eyre!("{}: cannot lock the data folder: {error}", path.display());
                Err(Failure::new(Exit::CannotMake, report))
            }
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The database.
    pub fn database(&self) -> PathBuf {
        self.path.join("chatd.db")
    }
}

/// Has a chatd been here? One who only asks makes no new data folder where there is none: it
/// would be the wrong one.
///
/// # Errors
/// Names the folder.
pub(crate) fn check_used(path: &Path) -> Result<(), Failure> {
    match path.join("lock").exists() {
        true => Ok(()),
        false => Err(Failure::new(
            Exit::Usage,
            eyre!(
                "{}: no chatd has been here: give --data DIR as when it runs, or start it first",
                path.display()
            ),
        )),
    }
}

/// The socket of the chatd that uses this folder, for its administrator.
pub(crate) fn control_socket(folder: &Path) -> PathBuf {
    folder.join("control.sock")
}

fn make(path: &Path) -> io::Result<File> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options.open(path.join("lock"))
}

/// The lock, or the process that has it.
fn claim(mut file: File) -> io::Result<Result<File, String>> {
    match file.try_lock() {
        Ok(()) => {
            file.set_len(0)?;
            file.rewind()?;
            write!(file, "{}", std::process::id())?;
            Ok(Ok(file))
        }
        Err(TryLockError::WouldBlock) => {
            let mut other = String::new();
            file.read_to_string(&mut other)?;
            Ok(Err(if other.is_empty() { "unknown".into() } else { other }))
        }
        Err(TryLockError::Error(error)) => Err(error),
    }
}
