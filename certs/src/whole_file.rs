//! Files that are whole or not there: a crash never leaves half a key.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Puts `contents` into `path`, in place of what was there, with `mode` from the start.
///
/// Only one writer at a time: the caller holds a lock, on the folder or the file.
///
/// # Errors
/// When this fails, `path` is as it was, or already new and perhaps not yet on the disk.
pub(crate) fn write(path: &Path, contents: &[u8], mode: u32) -> io::Result<()> {
    let new = sibling(path, ".new");
    // What a crash left behind: its mode and owner are anyone's guess.
    remove(&new)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&new)?;
    file.write_all(contents)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    sync_folder(path)
}

/// Removes `path` for good; that it is not there is no error.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Ok(()) => sync_folder(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// The file beside `path` whose name is longer by `suffix`.
pub(crate) fn sibling(path: &Path, suffix: impl AsRef<OsStr>) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Makes what happened to the name `path` survive a power cut.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_a_crash_left_is_replaced_and_the_mode_is_ours() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("key.pem");
        fs::write(sibling(&path, ".new"), "half a k")?;

        write(&path, b"a key", 0o600)?;

        assert_eq!(fs::read_to_string(&path)?, "a key");
        assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path())?.count(), 1);
        Ok(())
    }

    #[test]
    fn a_file_that_cannot_be_written_stays_as_it_was() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("key.pem");
        fs::write(&path, "old")?;
        // A folder where the new file should go fails for root, too.
        fs::create_dir(sibling(&path, ".new"))?;

        assert!(write(&path, b"new", 0o600).is_err());
        assert_eq!(fs::read_to_string(&path)?, "old");
        Ok(())
    }
}
