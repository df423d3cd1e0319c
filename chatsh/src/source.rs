//! Where the lines of a script come from, and which bytes are a line.
//!
//! What is whole before it runs (options, a file) is a [`Script`] and can be checked;
//! a pipe gives its lines one by one.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use futures_lite::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use smol::Unblock;

/// The longest line, in bytes.
///
/// No server takes a longer request; without a limit a file without line feeds, such as
/// /dev/zero, would fill the memory.
pub(crate) const LINE_BYTES_MAX: usize = 1024 * 1024;

/// How many bytes of a line that is too long are read at a time.
const SKIPPED_BYTES: u64 = 64 * 1024;

/// One line of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// Counted from 1.
    pub(crate) number: usize,
    /// Without its end.
    pub(crate) text: String,
}

/// A script that is here as a whole.
#[derive(Debug)]
pub(crate) struct Script {
    /// What its errors begin with: the file, or how it came.
    pub(crate) name: String,
    /// All of them, blank ones too.
    pub(crate) lines: Vec<Line>,
}

/// Bytes that are no line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub(crate) struct BadLine {
    /// The line, counted from 1.
    pub(crate) number: usize,
    /// Where in it, in characters, from 1.
    pub(crate) column: usize,
    /// What is wrong with it.
    pub(crate) reason: String,
}

impl Script {
    /// The script in `bytes`. The last line needs no end, and CR LF is an end, too.
    ///
    /// # Errors
    /// The first bytes that are no line, as compilers say it.
    pub(crate) fn read(name: String, bytes: &[u8]) -> Result<Script, String> {
        let mut lines = Vec::new();
        for (index, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
            match read_line(index + 1, line) {
                Ok(line) => lines.push(line),
                Err(bad) => return Err(format!("{name}:{}:{}: {bad}", bad.number, bad.column)),
            }
        }
        Ok(Script { name, lines })
    }

    /// The script in `file`.
    ///
    /// # Errors
    /// It cannot be read, or is no text; says which file.
    pub(crate) fn open(file: &Path) -> Result<Script, String> {
        let name = file.display().to_string();
        let bytes = fs::read(file).map_err(|e| format!("cannot read {name}: {e}"))?;
        Script::read(name, &bytes)
    }

    /// The script of the lines that were given as options.
    pub(crate) fn of_options(lines: &[String]) -> Script {
        let line = |(index, text): (usize, &String)| Line { number: index + 1, text: text.clone() };
        Script { name: "-c".into(), lines: lines.iter().enumerate().map(line).collect() }
    }
}

/// Stdin, for who does other things meanwhile.
pub(crate) type AsyncStdin = BufReader<Unblock<Stdin>>;

/// Stdin, read in a thread of its own.
pub(crate) fn stdin() -> AsyncStdin {
    BufReader::new(Unblock::new(Stdin { stdin: io::stdin(), is_at_end: false }))
}

/// Stdin, which is at its end for good once it was there.
///
/// A terminal goes on behind one, and [`Unblock`] reads there again before it tells of it.
#[derive(Debug)]
pub(crate) struct Stdin {
    stdin: io::Stdin,
    is_at_end: bool,
}

impl Read for Stdin {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.is_at_end {
            return Ok(0);
        }
        let len = self.stdin.read(bytes)?;
        self.is_at_end = len == 0 && !bytes.is_empty();
        Ok(len)
    }
}

/// The lines of a script, one by one.
#[derive(Debug)]
pub(crate) enum Lines {
    /// Of a script that is here.
    Ready(std::vec::IntoIter<Line>),
    /// Of stdin, as they come, and how many came.
    Piped(AsyncStdin, usize),
}

/// Why there is no further line.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LinesError {
    /// The next bytes are no line.
    #[error(transparent)]
    Bad(#[from] BadLine),
    /// Stdin cannot be read.
    #[error("cannot read stdin: {0}")]
    Io(#[from] io::Error),
}

impl Lines {
    /// The lines of a script.
    pub(crate) fn of_script(script: Script) -> Lines {
        Lines::Ready(script.lines.into_iter())
    }

    /// The lines of stdin.
    pub(crate) fn of_stdin() -> Lines {
        Lines::Piped(stdin(), 0)
    }

    /// Is it known that no further line comes?
    pub(crate) fn are_over(&self) -> bool {
        matches!(self, Lines::Ready(lines) if lines.len() == 0)
    }

    /// The next line; none at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Line>, LinesError> {
        match self {
            Lines::Ready(lines) => Ok(lines.next()),
            Lines::Piped(stdin, number) => {
                let mut bytes = Vec::new();
                let bytes_max = LINE_BYTES_MAX + "\r\n".len();
                stdin.take(bytes_max as u64 + 1).read_until(b'\n', &mut bytes).await?;
                if bytes.is_empty() {
                    return Ok(None);
                }
                *number += 1;
                let line = read_line(*number, &bytes);
                if bytes.len() > bytes_max {
                    skip_line(stdin).await?;
                }
                Ok(Some(line?))
            }
        }
    }
}

/// Reads to the end of the line, and keeps nothing of it.
///
/// Not with `fill_buf`, which asks twice, and panics if there is an end at first and then not yet.
async fn skip_line(stdin: &mut AsyncStdin) -> io::Result<()> {
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let read = stdin.take(SKIPPED_BYTES).read_until(b'\n', &mut bytes).await?;
        if read == 0 || bytes.ends_with(b"\n") {
            return Ok(());
        }
    }
}

/// The line in `bytes`, which may have its end.
fn read_line(number: usize, bytes: &[u8]) -> Result<Line, BadLine> {
    let bad = |column, reason: &str| BadLine { number, column, reason: reason.into() };
    let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.len() > LINE_BYTES_MAX {
        let reason = format!("the line is longer than {LINE_BYTES_MAX} bytes");
        return Err(bad(1, &reason));
    }
    let text = match std::str::from_utf8(line) {
        Ok(text) => text,
        Err(error) => {
            let valid = String::from_utf8_lossy(&line[..error.valid_up_to()]);
            return Err(bad(valid.chars().count() + 1, "this is not UTF-8"));
        }
    };
    // Some editors mark UTF-8 with a sign that nobody sees.
    let text = if number == 1 { text.strip_prefix('\u{feff}').unwrap_or(text) } else { text };
    if let Some(column) = text.chars().position(|c| c == '\0') {
        return Err(bad(column + 1, "there is a NUL character: is this a text file?"));
    }
    Ok(Line { number, text: text.into() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], expected: &[&str]) {
        let lines: Vec<_> = match Script::read("x".into(), bytes) {
            Ok(script) => script.lines.into_iter().map(|line| line.text).collect(),
            Err(report) => vec![report],
        };
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_line_ends_with_lf_or_crlf_or_the_file() {
        check(b"", &[]);
        check(b"\n", &[""]);
        check(b"a\nb\n", &["a", "b"]);
        check(b"a\nb", &["a", "b"]);
        check(b"a\r\n\r\nb\r\n", &["a", "", "b"]);
        check(b"a\rb\n", &["a\rb"]);
        check(b"\xef\xbb\xbf/list\n", &["/list"]);
    }

    #[test]
    fn what_is_no_text_is_found_where_it_is() {
        check(b"a\nb\0c\n", &["x:2:2: there is a NUL character: is this a text file?"]);
        check(b"a\n\xc3\xa9\xff\n", &["x:2:2: this is not UTF-8"]);
        check(b"\xc3", &["x:1:1: this is not UTF-8"]);
    }

    #[test]
    fn a_line_has_its_limit_in_bytes() {
        let line = |bytes: usize, end: &str| [&vec![b'x'; bytes], end.as_bytes()].concat();
        for end in ["", "\n", "\r\n"] {
            assert!(read_line(1, &line(LINE_BYTES_MAX, end)).is_ok());
            let bad = read_line(1, &line(LINE_BYTES_MAX + 1, end)).unwrap_err();
            assert_eq!(bad.to_string(), "the line is longer than 1048576 bytes");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = Script::read("x".into(), &bytes);
        }
    }
}
