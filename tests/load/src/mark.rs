//! What every text begins with: who says it, and which of theirs it is.

const ROOM_DIGITS: usize = 5;
const SPEAKER_DIGITS: usize = 3;
const NUMBER_DIGITS: usize = 9;

/// A message: its room, which of the room's speakers says it, and its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    pub room: usize,
    pub speaker: usize,
    pub number: usize,
}

impl Mark {
    /// A text of `bytes` bytes, or of its mark alone, that says all this.
    pub fn text(&self, bytes: usize) -> String {
        let Mark { room, speaker, number } = self;
        let mark =
            format!("{room:0ROOM_DIGITS$} {speaker:0SPEAKER_DIGITS$} {number:0NUMBER_DIGITS$} ");
        format!("{mark:x<bytes$}")
    }

    /// The mark at the head of a text.
    pub fn read(text: &[u8]) -> Option<Mark> {
        let (room, rest) = number(text, ROOM_DIGITS)?;
        let (speaker, rest) = number(rest, SPEAKER_DIGITS)?;
        let (number, _) = number(rest, NUMBER_DIGITS)?;
        Some(Mark { room, speaker, number })
    }
}

/// So many digits and a space: their value, and what follows.
fn number(text: &[u8], digits: usize) -> Option<(usize, &[u8])> {
    let (number, rest) = text.split_at_checked(digits)?;
    let mut value = 0;
    for digit in number {
        value = value * 10 + usize::from(digit.is_ascii_digit().then(|| digit - b'0')?);
    }
    Some((value, rest.strip_prefix(b" ")?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_mark_is_read_as_it_was_written(
            room in 0..100_000usize, speaker in 0..1000usize, number in 0..1_000_000_000usize,
        ) {
            let mark = Mark { room, speaker, number };
            prop_assert_eq!(mark.text(64).len(), 64);
            prop_assert_eq!(Mark::read(mark.text(64).as_bytes()), Some(mark));
            prop_assert_eq!(Mark::read(mark.text(0).as_bytes()), Some(mark));
        }

        #[test]
        fn what_is_no_mark_is_none(text in "[a-z ]{0,40}") {
            prop_assert_eq!(Mark::read(text.as_bytes()), None);
        }
    }
}
