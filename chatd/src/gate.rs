//! Who is let in: how many connections there may be, and from where.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::config::LimitsSection;
use crate::random;
use crate::throttle::Prefix;

/// Open files that are not connections: database, readers, listeners, the reactor.
const OTHER_FILES: u64 = 64;

/// Connections by default, if the limit of open files allows it.
const CONNECTIONS: u64 = 10_000;

/// From this part of the limit of unauthenticated connections on, newcomers are turned
/// away by chance (as `MaxStartups` of sshd does it).
const EARLY_DROP_FROM: f64 = 0.25;

/// Counts connections, and lets in as many as there may be.
pub struct Gate {
    connections_max: u64,
    per_prefix_max: u64,
    unauthenticated_max: u64,
    unauthenticated_per_prefix_max: u64,
    spare_loopback: bool,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    all: Count,
    unauthenticated: Count,
}

#[derive(Default)]
struct Count {
    total: u64,
    of_prefix: HashMap<Prefix, u64>,
}

impl Count {
    fn of(&self, prefix: Prefix) -> u64 {
        self.of_prefix.get(&prefix).copied().unwrap_or(0)
    }

    fn add(&mut self, prefix: Prefix) {
        self.total += 1;
        *self.of_prefix.entry(prefix).or_default() += 1;
    }

    fn remove(&mut self, prefix: Prefix) {
        self.total -= 1;
        if let Some(count) = self.of_prefix.get_mut(&prefix) {
            *count -= 1;
            if *count == 0 {
                self.of_prefix.remove(&prefix);
            }
        }
    }
}

/// A place among the connections; dropped, it is free again.
pub struct Place {
    gate: Arc<Gate>,
    prefix: Prefix,
    is_authenticated: bool,
}

/// Why somebody is not let in.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("limits.{limit}")]
pub struct TurnedAway {
    limit: &'static str,
}

impl Gate {
    /// A gate with these limits.
    pub fn new(limits: &LimitsSection) -> Arc<Gate> {
        let limit = |limit: u32| if limit == 0 { u64::MAX } else { limit.into() };
        let files = raise_files();
        let connections_max = limits.connections.map_or_else(|| connections_max(files), limit);
        if let Some(files) = files
            && limits.connections.is_some()
            && connections_max > files.saturating_sub(OTHER_FILES)
        {
            tracing::warn!(files, "limits.connections is more than the open files allow");
        }
        Arc::new(Gate {
            connections_max,
            per_prefix_max: limit(limits.connections_per_prefix),
            unauthenticated_max: limit(limits.unauthenticated),
            unauthenticated_per_prefix_max: limit(limits.unauthenticated_per_prefix),
            spare_loopback: limits.spare_loopback,
            counts: Mutex::default(),
        })
    }

    /// Lets a connection in, not logged in.
    ///
    /// # Errors
    /// Which limit it would break.
    pub fn admit(self: &Arc<Self>, from: IpAddr) -> Result<Place, TurnedAway> {
        let prefix = Prefix::of(from);
        let is_spared = self.spare_loopback && from.to_canonical().is_loopback();
        let mut counts = self.counts();
        let turned_away = |limit| Err(TurnedAway { limit });
        if counts.all.total >= self.connections_max {
            return turned_away("connections");
        }
        if random::fraction() < self.early_drop(counts.unauthenticated.total) {
            return turned_away("unauthenticated");
        }
        if !is_spared && counts.all.of(prefix) >= self.per_prefix_max {
            return turned_away("connections_per_prefix");
        }
        if !is_spared && counts.unauthenticated.of(prefix) >= self.unauthenticated_per_prefix_max {
            return turned_away("unauthenticated_per_prefix");
        }
        counts.all.add(prefix);
        counts.unauthenticated.add(prefix);
        Ok(Place { gate: self.clone(), prefix, is_authenticated: false })
    }

    /// How likely a newcomer is turned away while so many are not logged in.
    fn early_drop(&self, unauthenticated: u64) -> f64 {
        if self.unauthenticated_max == u64::MAX {
            return 0.0;
        }
        let max = self.unauthenticated_max as f64;
        let from = max * EARLY_DROP_FROM;
        ((unauthenticated as f64 - from) / (max - from)).clamp(0.0, 1.0)
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Notes whether the connection is logged in.
    pub fn set_authenticated(&mut self, is_authenticated: bool) {
        if self.is_authenticated == is_authenticated {
            return;
        }
        let mut counts = self.gate.counts();
        match is_authenticated {
            true => counts.unauthenticated.remove(self.prefix),
            // One who logs out is there already: the limit is for newcomers.
            false => counts.unauthenticated.add(self.prefix),
        }
        self.is_authenticated = is_authenticated;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.gate.counts();
        counts.all.remove(self.prefix);
        if !self.is_authenticated {
            counts.unauthenticated.remove(self.prefix);
        }
    }
}

/// What the limit of open files leaves; `None` is no limit.
fn connections_max(files: Option<u64>) -> u64 {
    files.map_or(CONNECTIONS, |files| files.saturating_sub(OTHER_FILES).clamp(1, CONNECTIONS))
}

/// Makes the limit of open files as high as it may be, and says how high that is.
fn raise_files() -> Option<u64> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let raised = rustix::process::Rlimit { current: limit.maximum, ..limit };
    match rustix::process::setrlimit(rustix::process::Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(unauthenticated_max: u64, per_prefix: u64, connections_max: u64) -> Arc<Gate> {
        Arc::new(Gate {
            connections_max,
            per_prefix_max: 4,
            unauthenticated_max,
            unauthenticated_per_prefix_max: per_prefix,
            spare_loopback: true,
            counts: Mutex::default(),
        })
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_place_is_free_again_when_it_is_dropped() {
        let gate = gate(u64::MAX, 2, 100);
        let mut places =
            vec![gate.admit(ip("192.0.2.1")).unwrap(), gate.admit(ip("192.0.2.1")).unwrap()];
        let limit = "unauthenticated_per_prefix";
        assert_eq!(gate.admit(ip("192.0.2.1")).err(), Some(TurnedAway { limit }));
        assert!(gate.admit(ip("192.0.2.2")).is_ok());
        places.pop();
        assert!(gate.admit(ip("192.0.2.1")).is_ok());
    }

    #[test]
    fn one_who_logs_in_makes_room_for_a_newcomer() {
        let gate = gate(u64::MAX, 1, 100);
        let mut places: Vec<Place> = Vec::new();
        for _ in 0..4 {
            let mut place = gate.admit(ip("192.0.2.1")).unwrap();
            place.set_authenticated(true);
            places.push(place);
        }
        let limit = "connections_per_prefix";
        assert_eq!(gate.admit(ip("192.0.2.1")).err(), Some(TurnedAway { limit }));
        places.clear();
        assert!(gate.counts().all.of_prefix.is_empty());
        assert_eq!(gate.counts().unauthenticated.total, 0);
    }

    #[test]
    fn loopback_is_spared_what_counts_per_address() {
        let gate = gate(u64::MAX, 1, 10);
        let places: Vec<_> = (0..10).map(|_| gate.admit(ip("127.0.0.1")).unwrap()).collect();
        assert_eq!(gate.admit(ip("::1")).err(), Some(TurnedAway { limit: "connections" }));
        drop(places);
    }

    #[test]
    fn newcomers_are_turned_away_ever_more_often() {
        let gate = gate(256, u64::MAX, u64::MAX);
        assert_eq!(gate.early_drop(64), 0.0);
        assert!((gate.early_drop(160) - 0.5).abs() < 0.01);
        assert_eq!(gate.early_drop(256), 1.0);
    }
}
