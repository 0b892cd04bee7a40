//! Seeded choices.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Checks seed after seed; a failure names its seed.
pub fn every_seed(what: &str, seeds: std::ops::Range<u64>, mut check: impl FnMut(u64)) {
    for seed in seeds {
        let checked = catch_unwind(AssertUnwindSafe(|| check(seed)));
        assert!(checked.is_ok(), "{what}, seed {seed}: see above");
    }
}

/// The same choices for the same seed.
#[derive(Debug)]
pub struct Dice(ChaCha8Rng);

impl Dice {
    /// The choices of `seed`.
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.0.next_u64() % bound as u64).unwrap_or_default()
    }

    /// True once in `times`.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of them.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}
