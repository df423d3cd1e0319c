//! Whether a member hears everything, once and in order.

use serde::Serialize;

use crate::mark::Mark;

/// What one member has heard of each speaker of its room.
pub struct Ear {
    /// The number that should come next, of each speaker.
    next: Vec<usize>,
    /// What was heard, speaker by speaker in the order in which it came: equal for all
    /// who heard one order.
    order: u64,
    faults: Faults,
}

/// What must not happen; all are zero when all is well.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Faults {
    /// Messages that never came, or not in their turn.
    pub lost: usize,
    /// Messages that came again, or after a later one.
    pub late: usize,
    /// Members who heard another order than the first one of their room.
    pub differ: usize,
    /// Connections that ended before they should.
    pub ended: usize,
}

impl Faults {
    /// Both together.
    pub fn and(self, other: Faults) -> Faults {
        Faults {
            lost: self.lost + other.lost,
            late: self.late + other.late,
            differ: self.differ + other.differ,
            ended: self.ended + other.ended,
        }
    }
}

impl Ear {
    /// One who has heard nothing yet of so many speakers.
    pub fn new(speakers: usize) -> Ear {
        Ear { next: vec![0; speakers], order: 0, faults: Faults::default() }
    }

    /// Hears a message; says whether it is new.
    pub fn hear(&mut self, mark: Mark) -> bool {
        let Some(next) = self.next.get_mut(mark.speaker) else {
            self.faults.late += 1;
            return false;
        };
        if mark.number < *next {
            self.faults.late += 1;
            return false;
        }
        self.faults.lost += mark.number - *next;
        *next = mark.number + 1;
        let heard = (mark.speaker << 32 | mark.number) as u64;
        // A step of FNV: any exchange of two changes it.
        self.order = (self.order ^ heard).wrapping_mul(0x0100_0000_01b3);
        true
    }

    /// What went wrong, when each speaker has said so many; `like` has heard the order
    /// that it should be.
    pub fn faults(&self, said: &[usize], like: Option<&Ear>) -> Faults {
        let missing = said.iter().zip(&self.next).map(|(said, next)| said - next);
        let differs = like.is_some_and(|like| like.order != self.order);
        let end = Faults { lost: missing.sum(), differ: differs.into(), ..Faults::default() };
        self.faults.and(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(numbers: &[(usize, usize)]) -> Ear {
        let mut ear = Ear::new(2);
        for &(speaker, number) in numbers {
            ear.hear(Mark { room: 0, speaker, number });
        }
        ear
    }

    #[test]
    fn all_in_order_is_no_fault() {
        let ear = heard(&[(0, 0), (1, 0), (0, 1)]);
        assert_eq!(ear.faults(&[2, 1], Some(&ear)), Faults::default());
    }

    #[test]
    fn a_hole_is_a_loss_and_so_is_an_end_that_never_came() {
        assert_eq!(heard(&[(0, 0), (0, 2)]).faults(&[3, 0], None).lost, 1);
        assert_eq!(heard(&[(0, 0)]).faults(&[3, 1], None).lost, 3);
    }

    #[test]
    fn what_comes_again_or_too_late_is_late() {
        assert_eq!(heard(&[(0, 0), (0, 0)]).faults(&[1, 0], None).late, 1);
        let swapped = heard(&[(0, 1), (0, 0)]).faults(&[2, 0], None);
        assert_eq!((swapped.lost, swapped.late), (1, 1));
    }

    #[test]
    fn two_orders_of_two_speakers_are_told_apart() {
        let (one, other) = (heard(&[(0, 0), (1, 0)]), heard(&[(1, 0), (0, 0)]));
        assert_eq!(one.faults(&[1, 1], Some(&other)).differ, 1);
        assert_eq!(one.faults(&[1, 1], Some(&one)).differ, 0);
    }
}
