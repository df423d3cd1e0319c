//! The ledger of truth: what was acknowledged to those who sent.

use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Instant;

use crate::PATIENCE;

/// A message: its place in the room, who sent it, and the how manyeth of its sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Said {
    pub seq: i64,
    pub sender: usize,
    pub number: usize,
}

impl Said {
    /// What a message with this text is; nothing for the text of another kind of test.
    pub fn read(seq: i64, text: &str) -> Option<Said> {
        let (sender, number) = text.split_once(' ')?;
        let number = number.split(' ').next()?;
        Some(Said { seq, sender: sender.parse().ok()?, number: number.parse().ok()? })
    }

    /// The text of one; `padding` makes it as long as one likes.
    pub fn text(sender: usize, number: usize, padding: &str) -> String {
        format!("{sender} {number} {padding}")
    }
}

/// What has been acknowledged so far, by whomever.
#[derive(Default)]
pub struct Truth {
    acknowledged: Mutex<Vec<Said>>,
    grown: Condvar,
}

impl Truth {
    pub(crate) fn acknowledge(&self, said: Said) {
        self.acknowledged().push(said);
        self.grown.notify_all();
    }

    /// How many were acknowledged.
    pub fn count(&self) -> usize {
        self.acknowledged().len()
    }

    /// Waits until so many were acknowledged.
    pub fn wait_for(&self, count: usize) {
        let deadline = Instant::now() + PATIENCE;
        let mut acknowledged = self.acknowledged();
        while acknowledged.len() < count {
            let left = deadline.saturating_duration_since(Instant::now());
            let len = acknowledged.len();
            assert!(!left.is_zero(), "{count} are never acknowledged, only {len}");
            acknowledged = self.grown.wait_timeout(acknowledged, left).unwrap().0;
        }
    }

    /// Everything that was acknowledged up to now.
    pub fn so_far(&self) -> Vec<Said> {
        self.acknowledged().clone()
    }

    fn acknowledged(&self) -> MutexGuard<'_, Vec<Said>> {
        self.acknowledged.lock().unwrap()
    }
}
