//! How fast a connection's commands are taken: so many at once, then so many a second.
//!
//! Nothing is refused: whoever is faster is simply read more slowly.

use std::time::{Duration, Instant};

/// The schedule of one connection.
pub(crate) struct Pace {
    interval: Duration,
    tolerance: Duration,
    /// When the next command is on schedule.
    due: Option<Instant>,
}

impl Pace {
    /// `burst` at once, then `per_s` a second; 0 is no limit.
    pub(crate) fn new(burst: u32, per_s: u32) -> Pace {
        let interval = match (burst, per_s) {
            (0, _) | (_, 0) => Duration::ZERO,
            (_, per_s) => Duration::from_secs(1) / per_s,
        };
        Pace { interval, tolerance: interval * burst.saturating_sub(1), due: None }
    }

    /// Counts a command that has come; says how long it has to wait, if it has to.
    pub(crate) fn next(&mut self, now: Instant) -> Option<Duration> {
        if self.interval.is_zero() {
            return None;
        }
        let scheduled = self.due.map_or(now, |due| due.max(now));
        self.due = Some(scheduled + self.interval);
        scheduled.checked_duration_since(now + self.tolerance).filter(|wait| !wait.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_taken_at_once_and_the_rest_at_its_rate() {
        let mut pace = Pace::new(3, 10);
        let start = Instant::now();
        assert_eq!((0..3).filter_map(|_| pace.next(start)).count(), 0);
        assert_eq!(pace.next(start), Some(Duration::from_millis(100)));
        assert_eq!(pace.next(start), Some(Duration::from_millis(200)));
        let later = start + Duration::from_secs(10);
        assert_eq!((0..3).filter_map(|_| pace.next(later)).count(), 0);
        assert!(pace.next(later).is_some());
    }

    #[test]
    fn zero_is_no_limit() {
        for mut pace in [Pace::new(0, 5), Pace::new(5, 0)] {
            let now = Instant::now();
            assert_eq!((0..1000).filter_map(|_| pace.next(now)).count(), 0);
        }
    }
}
