//! The file with what was typed at the prompt; rustyline reads and writes it.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Only its owner can read it.
const FILE_MODE: u32 = 0o600;

/// Makes `file` one that rustyline reads to its end, and writes on. It gives up at the first byte
/// that is no UTF-8, and then keeps nothing any more.
///
/// # Errors
/// It cannot be written.
pub(crate) fn prepare(file: &Path) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let mut options = OpenOptions::new();
    let mut file = options.read(true).append(true).create(true).mode(FILE_MODE).open(file)?;
    // As rustyline does: another shell may write it now.
    file.lock()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let Err(damaged) = String::from_utf8(bytes) else { return Ok(()) };
    file.set_len(0)?;
    file.write_all(String::from_utf8_lossy(damaged.as_bytes()).as_bytes())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_that_is_no_text_is_mended_and_another_one_stays() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("chatsh/history");
        prepare(&file).unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"");
        fs::write(&file, "#V2\none\nzwei \u{fc}\n").unwrap();
        prepare(&file).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "#V2\none\nzwei \u{fc}\n");
        fs::write(&file, b"#V2\none\nzwei \xfc\nthree\n").unwrap();
        prepare(&file).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "#V2\none\nzwei \u{fffd}\nthree\n");
        assert!(prepare(&file.join("below/history")).is_err());
    }
}
