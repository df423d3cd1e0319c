//! How long things took: a histogram that is cheap to fill, and its percentiles.

use std::time::Duration;

use serde::Serialize;

/// Parts of each power of two: a value is told from its neighbours to 1/64, so what is
/// reported is at most 1.6 % too high.
const PARTS_BITS: u32 = 6;
const PARTS: usize = 1 << PARTS_BITS;

/// Times in nanoseconds, in buckets that grow with the value.
#[derive(Clone)]
pub struct Latency {
    buckets: Vec<u64>,
    count: u64,
    max_ns: u64,
}

/// What is reported of many times, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Percentiles {
    /// Half took less.
    pub p50: f64,
    /// One of a hundred took longer.
    pub p99: f64,
    /// One of a thousand took longer.
    pub p999: f64,
    /// The longest.
    pub max: f64,
}

impl Default for Latency {
    fn default() -> Latency {
        Latency { buckets: vec![0; bucket_of(u64::MAX) + 1], count: 0, max_ns: 0 }
    }
}

impl Latency {
    /// Takes note of one.
    pub fn add(&mut self, time: Duration) {
        let ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.buckets[bucket_of(ns)] += 1;
        self.count += 1;
        self.max_ns = self.max_ns.max(ns);
    }

    /// What is reported; `None` when nothing was noted.
    pub fn percentiles(&self) -> Option<Percentiles> {
        (self.count > 0).then(|| Percentiles {
            p50: self.quantile_us(0.5),
            p99: self.quantile_us(0.99),
            p999: self.quantile_us(0.999),
            max: us(self.max_ns),
        })
    }

    fn quantile_us(&self, quantile: f64) -> f64 {
        let rank = ((self.count as f64 * quantile).ceil() as u64).max(1);
        let mut seen = 0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return us(highest_of(bucket).min(self.max_ns));
            }
        }
        us(self.max_ns)
    }
}

fn us(ns: u64) -> f64 {
    ns as f64 / 1000.0
}

/// Where a value is counted: small ones by themselves, then [`PARTS`] buckets for each
/// power of two.
fn bucket_of(ns: u64) -> usize {
    let shift = (u64::BITS - ns.leading_zeros()).saturating_sub(PARTS_BITS + 1);
    (shift as usize) * PARTS + (ns >> shift) as usize
}

/// The highest value that a bucket counts.
fn highest_of(bucket: usize) -> u64 {
    if bucket < 2 * PARTS {
        return bucket as u64;
    }
    let shift = bucket / PARTS - 1;
    let part = (bucket % PARTS + PARTS) as u64;
    (part << shift) + ((1 << shift) - 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn of_a_hundred_times_each_percentile_is_the_one_that_it_claims() {
        let mut latency = Latency::default();
        (1..=100).for_each(|us| latency.add(Duration::from_micros(us)));
        let seen = latency.percentiles().unwrap();
        for (seen, exact) in
            [(seen.p50, 50.0), (seen.p99, 99.0), (seen.p999, 100.0), (seen.max, 100.0)]
        {
            assert!(seen >= exact && seen <= exact * 1.016, "{seen} for {exact}");
        }
    }

    #[test]
    fn of_nothing_there_is_nothing_to_say() {
        assert_eq!(Latency::default().percentiles(), None);
    }

    #[test]
    fn one_time_is_all_percentiles() {
        let mut latency = Latency::default();
        latency.add(Duration::from_nanos(123_456));
        let all = Percentiles { p50: 123.456, p99: 123.456, p999: 123.456, max: 123.456 };
        assert_eq!(latency.percentiles(), Some(all));
    }

    proptest! {
        #[test]
        fn a_bucket_holds_its_value_to_a_64th(ns in any::<u64>()) {
            let highest = highest_of(bucket_of(ns));
            prop_assert!(highest >= ns);
            prop_assert!(highest - ns <= ns / PARTS as u64, "{} for {}", highest, ns);
        }

        #[test]
        fn buckets_follow_each_other(ns in 0..u64::MAX) {
            prop_assert!(bucket_of(ns + 1) - bucket_of(ns) <= 1);
        }
    }
}
