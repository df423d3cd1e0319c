//! How often something may be tried: so many at once, then one every so often.
//!
//! Each key has the moment at which its next try is on schedule (the generic cell rate
//! algorithm, ITU-T I.371): one number, whatever the rate.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Keys that are remembered: an attacker who has more addresses than this is not
/// stopped by counting them, and each costs a hundred bytes.
const KEYS_MAX: usize = 65_536;

/// Addresses that count as one: one of IPv4, or the /64 of IPv6 that a household has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Prefix(IpAddr);

impl Prefix {
    /// The prefix of an address; an IPv4 address inside IPv6 is an IPv4 address.
    pub fn of(address: IpAddr) -> Prefix {
        match address.to_canonical() {
            IpAddr::V4(v4) => Prefix(v4.into()),
            IpAddr::V6(v6) => {
                let [a, b, c, d, ..] = v6.segments();
                Prefix(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into())
            }
        }
    }
}

/// Tries per key: `burst` at once, then one every `interval`.
pub struct Throttle<K> {
    burst: u32,
    interval: Duration,
    due: Mutex<HashMap<K, Instant>>,
}

impl<K: Hash + Eq> Throttle<K> {
    /// So many in each `period`; `None` for 0, which is no limit.
    pub fn per(count: u32, period: Duration) -> Option<Throttle<K>> {
        (count > 0).then(|| Throttle {
            burst: count,
            interval: period / count,
            due: Mutex::default(),
        })
    }

    /// Counts a try.
    ///
    /// # Errors
    /// How long to wait, if it is one too many; it is not counted then.
    pub fn take(&self, key: K, now: Instant) -> Result<(), Duration> {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        if due.len() >= KEYS_MAX {
            due.retain(|_, due| *due > now);
        }
        if due.len() >= KEYS_MAX && !due.contains_key(&key) {
            // Rather let some through than forget, or shut out, everybody else.
            return Ok(());
        }
        let tolerance = self.interval * (self.burst - 1);
        let due = due.entry(key).or_insert(now);
        let scheduled = (*due).max(now);
        match scheduled.checked_duration_since(now + tolerance) {
            Some(wait) if !wait.is_zero() => Err(wait),
            _ => {
                *due = scheduled + self.interval;
                Ok(())
            }
        }
    }

    /// Takes a try back: it was a good one.
    pub fn give_back(&self, key: &K) {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(due) = due.get_mut(key) {
            *due = due.checked_sub(self.interval).unwrap_or(*due);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_at_once_and_then_one_every_so_often() {
        let throttle = Throttle::per(3, Duration::from_secs(60)).unwrap();
        let start = Instant::now();
        let at = |s: u64| start + Duration::from_secs(s);
        for _ in 0..3 {
            assert_eq!(throttle.take("ann", at(0)), Ok(()));
        }
        assert_eq!(throttle.take("ann", at(0)), Err(Duration::from_secs(20)));
        assert_eq!(throttle.take("ann", at(19)), Err(Duration::from_secs(1)));
        assert_eq!(throttle.take("bob", at(19)), Ok(()));
        assert_eq!(throttle.take("ann", at(20)), Ok(()));
        assert_eq!(throttle.take("ann", at(20)), Err(Duration::from_secs(20)));
        for _ in 0..3 {
            assert_eq!(throttle.take("ann", at(200)), Ok(()));
        }
        assert!(throttle.take("ann", at(200)).is_err());
    }

    #[test]
    fn a_good_try_does_not_count() {
        let throttle = Throttle::per(1, Duration::from_secs(60)).unwrap();
        let now = Instant::now();
        for _ in 0..10 {
            assert_eq!(throttle.take("ann", now), Ok(()));
            throttle.give_back(&"ann");
        }
    }

    #[test]
    fn zero_is_no_limit() {
        assert!(Throttle::<u8>::per(0, Duration::from_secs(1)).is_none());
    }

    #[test]
    fn a_household_of_ipv6_is_one_prefix() {
        let prefix = |text: &str| Prefix::of(text.parse().unwrap());
        assert_eq!(prefix("2001:db8:1:2::1"), prefix("2001:db8:1:2:ffff::9"));
        assert_ne!(prefix("2001:db8:1:2::1"), prefix("2001:db8:1:3::1"));
        assert_eq!(prefix("::ffff:192.0.2.1"), prefix("192.0.2.1"));
        assert_ne!(prefix("192.0.2.1"), prefix("192.0.2.2"));
    }
}
