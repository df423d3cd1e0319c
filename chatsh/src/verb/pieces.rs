//! What `send --lines` says at once: a line of stdin, or a part of one.

use async_channel::Receiver;

use super::stripped::StrippedLines;
use crate::source::{Line, Lines, LinesError};

/// A line, or a part of one.
pub(super) struct Piece {
    /// Of the line, counted from 1.
    pub(super) number: usize,
    /// Which part, counted from 1.
    pub(super) part: usize,
    /// Is it known that the line has no further part?
    pub(super) is_last: bool,
    pub(super) text: String,
}

/// The pieces of stdin.
pub(super) enum Pieces {
    AsTheyStand(Lines),
    Stripped(StrippedLines),
}

impl Pieces {
    /// Each line as it stands.
    pub(super) fn as_they_stand() -> Pieces {
        Pieces::AsTheyStand(Lines::of_stdin())
    }

    /// Each line as a terminal would show it, in parts of at most so many bytes.
    pub(super) fn stripped(bytes_max: usize) -> Pieces {
        Pieces::Stripped(StrippedLines::of_stdin(bytes_max))
    }

    /// All on a queue, so that waiting for the next one can be given up.
    pub(super) fn read_ahead(mut self) -> Receiver<Result<Piece, LinesError>> {
        let (queue, read) = async_channel::bounded(1);
        let reading = async move {
            while let Some(piece) = self.next().await.transpose() {
                let is_last = matches!(piece, Err(LinesError::Io(_)));
                if queue.send(piece).await.is_err() || is_last {
                    return;
                }
            }
        };
        // It ends with its lines, or when nobody waits for them any more.
        smol::spawn(reading).detach();
        read
    }

    async fn next(&mut self) -> Result<Option<Piece>, LinesError> {
        match self {
            Pieces::AsTheyStand(lines) => {
                let line = lines.next().await?;
                let whole = |Line { number, text }| Piece { number, part: 1, is_last: true, text };
                Ok(line.map(whole))
            }
            Pieces::Stripped(lines) => Ok(lines.next().await?),
        }
    }
}
