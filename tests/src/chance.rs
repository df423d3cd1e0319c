//! Chance with a seed: what a test did at random it can do again, with `SEED=…`.

use std::hash::{BuildHasher, Hasher, RandomState};

/// Numbers at random (SplitMix64), the same ones for the same seed.
#[derive(Clone)]
pub struct Chance(u64);

impl Chance {
    /// With the seed that the environment gives, or a new one. It is printed: the
    /// harness shows it when the test fails.
    pub fn new() -> Chance {
        let given = std::env::var("SEED").ok().map(|seed| seed.parse().expect("SEED is a number"));
        let seed = given.unwrap_or_else(|| RandomState::new().build_hasher().finish());
        eprintln!("SEED={seed}");
        Chance(seed)
    }

    /// Another one, for another thread.
    pub fn fork(&mut self) -> Chance {
        Chance(self.next())
    }

    /// Less than `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// True once in so many times.
    pub fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

impl Default for Chance {
    fn default() -> Chance {
        Chance::new()
    }
}
