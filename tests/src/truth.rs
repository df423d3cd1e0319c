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

/// What has been acknowledged so far, by whomever, and how often a message was refused.
#[derive(Default)]
pub struct Truth {
    known: Mutex<Known>,
    grown: Condvar,
}

#[derive(Default)]
struct Known {
    acknowledged: Vec<Said>,
    refused: usize,
}

impl Truth {
    pub(crate) fn acknowledge(&self, said: Said) {
        self.known().acknowledged.push(said);
        self.grown.notify_all();
    }

    pub(crate) fn refuse(&self) {
        self.known().refused += 1;
        self.grown.notify_all();
    }

    /// How many were acknowledged.
    pub fn count(&self) -> usize {
        self.known().acknowledged.len()
    }

    /// Waits until so many more are acknowledged.
    pub fn wait_for_more(&self, more: usize) {
        self.wait(more, "acknowledged", |known| known.acknowledged.len());
    }

    /// Waits until so many more are refused.
    pub fn wait_for_refusals(&self, more: usize) {
        self.wait(more, "refused", |known| known.refused);
    }

    fn wait(&self, more: usize, what: &str, count: impl Fn(&Known) -> usize) {
        let deadline = Instant::now() + PATIENCE;
        let mut known = self.known();
        let enough = count(&known) + more;
        while count(&known) < enough {
            let left = deadline.saturating_duration_since(Instant::now());
            let now = count(&known);
            assert!(!left.is_zero(), "{enough} are never {what}, only {now}");
            known = self.grown.wait_timeout(known, left).unwrap().0;
        }
    }

    /// Everything that was acknowledged up to now.
    pub fn so_far(&self) -> Vec<Said> {
        self.known().acknowledged.clone()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap()
    }
}
