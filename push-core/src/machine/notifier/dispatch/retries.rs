//! When a delivery is tried again that has failed in a way that passes.

use crate::hash::Seeded;
use crate::machine::values::{Attempts, Queued};
use crate::{Policy, Timestamp};
use std::time::Duration;

/// Returns what is known of the attempts at a delivery of which one has just failed.
pub(super) fn next(now: Timestamp, queued: &Queued, hash: Seeded, policy: &Policy) -> Attempts {
    let failed = queued.attempts.failed + 1;
    let random = hash.hash(&(&queued.delivery.owner, failed));
    Attempts {
        failed,
        not_before: now.after(pause(failed, random, policy)),
        is_behind: false,
    }
}

/// Returns a pause that doubles with each failure. It is up to a quarter longer than the policy says, so that not all are tried at
/// the same moment.
fn pause(failed: u32, random: u64, policy: &Policy) -> Duration {
    let doublings = failed.saturating_sub(1).min(16);
    let doubled = policy.retry_pause.saturating_mul(1 << doublings);
    let pause = doubled.min(policy.retry_max_pause);
    let part = u32::try_from(random % 256).unwrap_or_default();
    pause + pause * part / 1024
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::sample::{NOW, queued};

    #[test]
    fn the_pause_doubles_up_to_its_bound_and_a_quarter_more() {
        let policy = Policy::default();
        for (failed, seconds) in [(1, 30), (2, 60), (7, 1920), (8, 3600), (u32::MAX, 3600)] {
            let least = Duration::from_secs(seconds);
            assert_eq!(pause(failed, 0, &policy), least, "{failed}");
            let most = pause(failed, 255, &policy);
            assert!(most > least && most < least * 5 / 4, "{failed}: {most:?}");
        }
    }

    #[test]
    fn users_are_not_tried_at_the_same_moment() {
        let hash = Seeded::new(1, 2);
        let next = |name: &str| next(NOW, &queued(name, "n", 1), hash, &Policy::default());
        let times: std::collections::BTreeSet<_> = (0..50)
            .map(|user| next(&format!("u{user}")).not_before)
            .collect();
        assert!(times.len() > 30, "{times:?}");
        assert_eq!(next("alice").failed, 1);
    }
}
