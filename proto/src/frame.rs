//! A frame: four bytes of length, big-endian, then that many bytes of JSON.
//!
//! The decoder takes bytes as they come, split or glued in any way, and checks the
//! promised length before it keeps a byte of the body.

use std::io::{self, Read};
use std::sync::Arc;

use serde::Serialize;

/// Bytes of the length in front of every body.
pub const HEADER_BYTES: usize = 4;

/// How much is reserved for a body before its bytes have come, in bytes.
///
/// The length comes from a stranger: a promise of 64 KiB must cost its sender more
/// than four bytes before it costs us 64 KiB.
const RESERVE_BYTES_MAX: usize = 4096;

/// A whole frame, header included, shared by all who are to receive it.
pub type Frame = Arc<[u8]>;

/// The frame whose body is `message` as JSON.
pub fn frame(message: &impl Serialize) -> Frame {
    let mut bytes = vec![0; HEADER_BYTES];
    serde_json::to_writer(&mut bytes, message).expect("messages have string keys and go to memory");
    let len = u32::try_from(bytes.len() - HEADER_BYTES).expect("a frame is far below 4 GiB");
    bytes[..HEADER_BYTES].copy_from_slice(&len.to_be_bytes());
    bytes.into()
}

/// A length that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The header promises no body at all.
    #[error("an empty frame")]
    Empty,
    /// The header promises more than we are willing to hold.
    #[error("a frame of {len} bytes, the limit is {max}")]
    TooLong {
        /// What the header says.
        len: u32,
        /// The limit in force.
        max: u32,
    },
}

/// Why no frame came.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The peer promised a length that cannot be; nothing after it can be trusted.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The source failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Cuts a stream of bytes into frames.
#[derive(Debug, Default)]
pub struct Decoder {
    header: [u8; HEADER_BYTES],
    header_len: usize,
    body: Vec<u8>,
}

impl Decoder {
    /// Takes bytes from `source` until a body is whole, and no byte beyond it.
    ///
    /// `None` when the source has no more for now: it said `WouldBlock`, or read
    /// zero bytes. Whether that was the end is for the caller to know.
    ///
    /// # Errors
    /// [`DecodeError::Frame`] for a length of zero or over `len_max` bytes: the
    /// stream cannot be used any further. [`DecodeError::Io`] if the source fails.
    pub fn read_from(
        &mut self,
        source: &mut impl Read,
        len_max: u32,
    ) -> Result<Option<Vec<u8>>, DecodeError> {
        while self.header_len < HEADER_BYTES {
            match read_some(source, &mut self.header[self.header_len..])? {
                0 => return Ok(None),
                n => self.header_len += n,
            }
            if self.header_len == HEADER_BYTES {
                check_len(u32::from_be_bytes(self.header), len_max)?;
            }
        }
        let len = u32::from_be_bytes(self.header) as usize;
        loop {
            let have = self.body.len();
            if have == len {
                self.header_len = 0;
                return Ok(Some(std::mem::take(&mut self.body)));
            }
            self.body.resize(len.min(RESERVE_BYTES_MAX.max(2 * have)), 0);
            let read = read_some(source, &mut self.body[have..]);
            self.body.truncate(have + *read.as_ref().unwrap_or(&0));
            if read? == 0 {
                return Ok(None);
            }
        }
    }

    /// Has a frame begun that is not whole yet?
    pub fn is_midway(&self) -> bool {
        self.header_len > 0
    }
}

fn check_len(len: u32, max: u32) -> Result<(), FrameError> {
    match len {
        0 => Err(FrameError::Empty),
        len if len > max => Err(FrameError::TooLong { len, max }),
        _ => Ok(()),
    }
}

/// One read; "not now" is zero bytes.
fn read_some(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match source.read(buffer) {
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(0),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MAX: u32 = 65_536;

    fn bytes_of(bodies: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for body in bodies {
            bytes.extend((body.len() as u32).to_be_bytes());
            bytes.extend(body);
        }
        bytes
    }

    #[test]
    fn a_length_is_refused_before_any_byte_of_the_body_is_kept() {
        for (len, allowed) in
            [(0, false), (1, true), (MAX, true), (MAX + 1, false), (u32::MAX, false)]
        {
            let mut decoder = Decoder::default();
            let mut bytes = len.to_be_bytes().to_vec();
            bytes.extend([b'x'; 100]);
            let result = decoder.read_from(&mut &bytes[..], MAX);
            assert_eq!(result.is_ok(), allowed, "{len}");
            assert!(
                decoder.body.capacity() <= RESERVE_BYTES_MAX,
                "{len}: {}",
                decoder.body.capacity()
            );
        }
    }

    #[test]
    fn a_promise_of_a_long_body_reserves_little() {
        let mut decoder = Decoder::default();
        assert!(decoder.read_from(&mut &MAX.to_be_bytes()[..], MAX).unwrap().is_none());
        assert!(decoder.is_midway());
        assert!(decoder.body.capacity() <= RESERVE_BYTES_MAX);
    }

    #[test]
    fn an_idle_decoder_holds_no_buffer() {
        let mut decoder = Decoder::default();
        let bytes = bytes_of(&[vec![b'x'; 5000]]);
        assert!(decoder.read_from(&mut &bytes[..], MAX).unwrap().is_some());
        assert!(!decoder.is_midway());
        assert_eq!(decoder.body.capacity(), 0);
    }

    proptest! {
        #[test]
        fn any_split_or_glue_of_the_bytes_gives_the_same_frames(
            bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..9000), 0..6),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let bytes = bytes_of(&bodies);
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let mut decoder = Decoder::default();
            let mut seen = Vec::new();
            for window in cuts.windows(2) {
                let mut part = &bytes[window[0]..window[1]];
                while let Some(body) = decoder.read_from(&mut part, MAX).unwrap() {
                    seen.push(body);
                }
                prop_assert!(part.is_empty());
            }
            prop_assert_eq!(seen, bodies);
            prop_assert!(!decoder.is_midway());
        }
    }
}
