//! How long to wait before connecting again.

use crate::config::BackoffConfig;
use push_core::transport::DownReason;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use std::time::Duration;

/// Full jitter over a doubling time, on top of a floor that the reason sets.
#[derive(Debug)]
pub(crate) struct Backoff {
    config: BackoffConfig,
    random: ChaCha8Rng,
    failures: u32,
}

impl Backoff {
    pub(crate) fn new(config: BackoffConfig, seed: [u8; 32]) -> Self {
        Self {
            config,
            random: ChaCha8Rng::from_seed(seed),
            failures: 0,
        }
    }

    /// The wait after a connection that was up for so long and ended for this reason.
    pub(crate) fn wait(&mut self, up: Duration, reason: &DownReason) -> Duration {
        if !up.is_zero() && up >= self.config.stable_after {
            self.failures = 0;
        }
        let doubled = self.config.first.saturating_mul(1 << self.failures.min(31));
        self.failures = self.failures.saturating_add(1);
        let floor = match reason {
            DownReason::NotAuthorized => self.config.refused,
            DownReason::Conflict => self.config.conflict,
            _ => Duration::ZERO,
        };
        floor.saturating_add(self.part_of(doubled.min(self.config.max)))
    }

    /// A random part of `longest`, to the microsecond.
    fn part_of(&mut self, longest: Duration) -> Duration {
        let micros = u64::try_from(longest.as_micros()).unwrap_or(u64::MAX);
        // The bias of the remainder is far below what jitter is about.
        Duration::from_micros(self.random.next_u64() % micros.saturating_add(1).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Duration = Duration::ZERO;

    fn longest_waits(reason: &DownReason) -> Vec<Duration> {
        let mut longest = vec![NONE; 12];
        for seed in 0..200 {
            let mut backoff = Backoff::new(BackoffConfig::default(), [seed; 32]);
            for wait in &mut longest {
                *wait = backoff.wait(NONE, reason).max(*wait);
            }
        }
        longest
    }

    #[test]
    fn waits_double_up_to_a_bound_and_spread_over_all_of_it() {
        let longest = longest_waits(&DownReason::Silent);
        for (failures, longest) in longest.iter().enumerate() {
            let bound = Duration::from_secs(60).min(Duration::from_millis(500 << failures));
            assert!(
                *longest <= bound && *longest > bound * 9 / 10,
                "{failures}: {longest:?}"
            );
        }
    }

    #[test]
    fn refusal_and_conflict_have_floors() {
        let mut backoff = Backoff::new(BackoffConfig::default(), [1; 32]);
        assert!(backoff.wait(NONE, &DownReason::NotAuthorized) >= Duration::from_secs(30));
        assert!(backoff.wait(NONE, &DownReason::Conflict) >= Duration::from_secs(10));
    }

    #[test]
    fn only_a_stable_stream_resets_it() {
        let mut backoff = Backoff::new(BackoffConfig::default(), [1; 32]);
        for _ in 0..10 {
            backoff.wait(Duration::from_secs(29), &DownReason::Closed);
        }
        assert_eq!(backoff.failures, 10);
        assert!(
            backoff.wait(Duration::from_secs(30), &DownReason::Closed)
                <= Duration::from_millis(500)
        );
    }
}
