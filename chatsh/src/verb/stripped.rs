//! `send --strip`: what a program prints for a terminal, as texts that can be sent.

use std::collections::VecDeque;
use std::io;

use anstream::adapter::StripStr;
use futures_lite::io::{AsyncBufReadExt, AsyncReadExt};

use super::pieces::Piece;
use crate::source::{AsyncStdin, LINE_BYTES_MAX, stdin};

/// The lines of stdin, stripped and cut to what can be sent.
pub(super) struct StrippedLines {
    stdin: AsyncStdin,
    /// How long a text may be, in bytes.
    bytes_max: usize,
    /// The line that is read, and how many pieces it has had.
    number: usize,
    parts: usize,
    /// The first bytes of a character whose others were not read yet.
    begun: Vec<u8>,
    /// Is the next byte the first of a line?
    is_at_begin: bool,
    /// Pieces of the same line.
    ready: VecDeque<String>,
}

impl StrippedLines {
    pub(super) fn of_stdin(bytes_max: usize) -> StrippedLines {
        StrippedLines {
            stdin: stdin(),
            bytes_max,
            number: 0,
            parts: 0,
            begun: Vec::new(),
            is_at_begin: true,
            ready: VecDeque::new(),
        }
    }

    /// The next piece of a line; none at the end. Lines with nothing in them have no piece.
    ///
    /// # Errors
    /// Stdin cannot be read.
    pub(super) async fn next(&mut self) -> io::Result<Option<Piece>> {
        while self.ready.is_empty() {
            if !self.read().await? {
                return Ok(None);
            }
        }
        self.parts += 1;
        let text = self.ready.pop_front();
        let is_last = self.ready.is_empty() && self.is_at_begin;
        Ok(text.map(|text| Piece { number: self.number, part: self.parts, is_last, text }))
    }

    /// Reads a line, or as much of it as is read at once; false at the end.
    async fn read(&mut self) -> io::Result<bool> {
        let mut bytes = std::mem::take(&mut self.begun);
        let stdin = &mut self.stdin;
        let read = stdin.take(LINE_BYTES_MAX as u64).read_until(b'\n', &mut bytes).await?;
        if bytes.is_empty() {
            return Ok(false);
        }
        if self.is_at_begin {
            (self.number, self.parts) = (self.number + 1, 0);
        }
        self.is_at_begin = bytes.ends_with(b"\n");
        if read == LINE_BYTES_MAX && !self.is_at_begin {
            self.begun = bytes.split_off(begun_at(&bytes));
        }
        self.ready.extend(cut(&strip(&bytes), self.bytes_max).map(String::from));
        Ok(true)
    }
}

/// Where a character begins that does not end in `bytes`, or their end.
fn begun_at(bytes: &[u8]) -> usize {
    let first = bytes.iter().rposition(|byte| *byte & 0xc0 != 0x80).unwrap_or(bytes.len());
    match std::str::from_utf8(&bytes[first..]) {
        Err(error) if error.error_len().is_none() => first,
        _ => bytes.len(),
    }
}

/// What one reads of a line on a terminal, without colours: no control characters but tabs,
/// and of what is written anew (after `\r` the whole, after `\x08` a character) the last.
pub(super) fn strip(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let mut sequences = StripStr::new();
    // That itself would leave the backspaces out.
    let between = text.split('\x08').map(|part| sequences.strip_next(part).collect::<String>());
    let text = between.collect::<Vec<_>>().join("\x08");
    text.rsplit('\r').map(shown).find(|part: &String| !part.is_empty()).unwrap_or_default()
}

fn shown(part: &str) -> String {
    let mut row: Vec<char> = Vec::new();
    let mut cursor = 0_usize;
    for c in part.chars() {
        match c {
            '\x08' => cursor = cursor.saturating_sub(1),
            _ if c.is_control() && c != '\t' => {}
            _ => {
                row.splice(cursor..row.len().min(cursor + 1), [c]);
                cursor += 1;
            }
        }
    }
    row.into_iter().collect()
}

/// `text` in pieces of at most so many bytes, which are enough for any character.
fn cut(mut text: &str, bytes_max: usize) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        let (piece, rest) = text.split_at(text.floor_char_boundary(bytes_max.max(4)));
        text = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_terminal_shows_is_kept() {
        for (line, shown) in [
            (&b"plain\ttext \xc3\xbc\n"[..], "plain\ttext \u{fc}"),
            (b"\x1b[1;31merror\x1b[0m: \x1b]8;;http://x\x1b\\no\x1b]8;;\x1b\\\r\n", "error: no"),
            (b"\x1b]0;title\x07done", "done"),
            (b" 10 %\r 50 %\r100 %", "100 %"),
            (b"100 %\r\x1b[K", "100 %"),
            (b"bell\x07 nul\0 del\x7f back\x08", "bell nul del back"),
            (b"N\x08NA\x08A\x08AME and _\x08i_\x08t", "NAME and it"),
            (b"abc\x08\x08Z \x08\x08\x08\x08\x08\x08_", "_Z "),
            (b"latin \xe9 and \xff", "latin \u{fffd} and \u{fffd}"),
            (b"c1 \xc2\x9b31m", "c1 31m"),
            (b"half \x1b[3", "half "),
            (b"\x1b[2J\r\n", ""),
            (b"", ""),
        ] {
            assert_eq!(strip(line), shown, "{line:?}");
        }
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        let pieces = |text, max| cut(text, max).collect::<Vec<_>>();
        assert_eq!(pieces("", 4), [""; 0]);
        assert_eq!(pieces("abcd", 4), ["abcd"]);
        assert_eq!(pieces("abcde", 4), ["abcd", "e"]);
        assert_eq!(pieces("abc\u{fc}de", 4), ["abc", "\u{fc}de"]);
        assert_eq!(pieces("\u{1f600}\u{1f600}", 1), ["\u{1f600}", "\u{1f600}"]);
    }

    proptest! {
        #[test]
        fn whatever_is_printed_can_be_sent(
            line in prop::collection::vec(
                prop_oneof![Just(0x1b), Just(b'\r'), Just(b'['), Just(0xc2), any::<u8>()], 0..80,
            ),
            bytes_max in 4_usize..20,
        ) {
            let text = strip(&line);
            prop_assert!(!text.chars().any(|c| c.is_control() && c != '\t'));
            let pieces: Vec<_> = cut(&text, bytes_max).collect();
            prop_assert!(pieces.iter().all(|piece| (1..=bytes_max).contains(&piece.len())));
            prop_assert_eq!(pieces.concat(), text);
            let begun = begun_at(&line);
            prop_assert!(line.len() - begun < 4);
        }
    }
}
