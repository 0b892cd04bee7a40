//! How many different users there were lately, in little memory.

use crate::Timestamp;
use std::collections::BTreeSet;
use std::time::Duration;

/// Hashes kept of each of two periods. More users than that are estimated, to about a tenth.
const KEPT: usize = 128;

/// Counts different users.
///
/// Of their hashes the least are kept: the smaller the greatest of these is, the more users there are in all.
#[derive(Debug, Default)]
pub(in super::super) struct Users(BTreeSet<u64>);

impl Users {
    /// Takes the seeded hash of a user.
    pub(in super::super) fn insert(&mut self, user: u64) {
        self.0.insert(user);
        if self.0.len() > KEPT {
            self.0.pop_last();
        }
    }

    /// Returns how many different ones there were.
    pub(in super::super) fn count(&self) -> usize {
        self.count_with(&Self::default())
    }

    /// Returns how many different ones there were here or there.
    fn count_with(&self, others: &Self) -> usize {
        let Some(greatest) = self.0.union(&others.0).nth(KEPT - 1) else {
            return self.0.union(&others.0).count();
        };
        let of_all = u128::from(u64::MAX) * (KEPT as u128 - 1) / u128::from(*greatest).max(1);
        usize::try_from(of_all).unwrap_or(usize::MAX)
    }

    pub(in super::super) fn clear(&mut self) {
        self.0.clear();
    }
}

/// Counts different users of the present period and the one before.
#[derive(Debug)]
pub(super) struct Recent {
    period: Duration,
    began: Timestamp,
    young: Users,
    old: Users,
}

impl Recent {
    pub(super) fn new(period: Duration) -> Self {
        Self {
            period,
            began: Timestamp::default(),
            young: Users::default(),
            old: Users::default(),
        }
    }

    /// Takes the seeded hash of a user.
    pub(super) fn insert(&mut self, now: Timestamp, user: u64) {
        self.age(now);
        self.young.insert(user);
    }

    /// Returns how many different ones there were.
    pub(super) fn count(&mut self, now: Timestamp) -> usize {
        self.age(now);
        self.young.count_with(&self.old)
    }

    fn age(&mut self, now: Timestamp) {
        let age = now.since(self.began);
        if age < self.period {
            return;
        }
        self.old = std::mem::take(&mut self.young);
        if age >= 2 * self.period {
            self.old.clear();
        }
        self.began = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::Seeded;

    const HOUR: Duration = Duration::from_secs(3600);

    fn now() -> Timestamp {
        Timestamp::from_millis(1_790_000_000_000)
    }

    fn counted(users: usize) -> usize {
        let (hash, mut recent) = (Seeded::new(1, 2), Recent::new(HOUR));
        for _ in 0..3 {
            (0..users).for_each(|user| recent.insert(now(), hash.hash(&user)));
        }
        recent.count(now())
    }

    #[test]
    fn few_are_counted_and_many_estimated_each_of_them_once() {
        for few in [0, 1, KEPT - 1] {
            assert_eq!(counted(few), few);
        }
        for many in [KEPT, 1_000, 50_000] {
            let counted = counted(many);
            assert!(counted.abs_diff(many) <= many / 4, "{many}: {counted}");
        }
    }

    #[test]
    fn nobody_is_remembered_for_more_than_two_periods() {
        let mut recent = Recent::new(HOUR);
        recent.insert(now(), 1);
        recent.insert(now().after(HOUR), 2);
        assert_eq!(recent.count(now().after(HOUR * 3 / 2)), 2);
        assert_eq!(recent.count(now().after(2 * HOUR)), 1);
        assert_eq!(recent.count(now().after(9 * HOUR)), 0);
    }

    #[test]
    fn it_stays_small() {
        let (hash, mut recent) = (Seeded::new(1, 2), Recent::new(HOUR));
        for user in 0..100_000 {
            recent.insert(now(), hash.hash(&user));
        }
        assert_eq!(recent.young.0.len(), KEPT);
    }
}
