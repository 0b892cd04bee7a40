//! When registrations in quarantine were last tried.

use super::remembered::Remembered;
use crate::Timestamp;
use crate::hash::Seeded;
use crate::registration::{Registration, Status};
use std::time::Duration;

/// How long a registration in quarantine waits for its next delivery.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Tries that are remembered.
const MAX_TRIES: usize = 200_000;

/// The deliveries that registrations in quarantine got: one a day for each.
#[derive(Debug)]
pub(super) struct Tries {
    last: Remembered<Timestamp>,
    hash: Seeded,
}

impl Tries {
    pub(super) fn new(hash: Seeded) -> Self {
        Self {
            last: Remembered::new(hash),
            hash,
        }
    }

    /// Returns whether a registration may get a delivery now.
    pub(super) fn may_get(&self, now: Timestamp, registration: &Registration) -> bool {
        let Status::Quarantined(trouble) = registration.status else {
            return true;
        };
        let tried = self.last.get(self.key(registration));
        let last = tried.map_or(trouble.last, |tried| trouble.last.max(tried));
        now.since(last) >= DAY
    }

    /// A registration gets a delivery.
    pub(super) fn mark(&mut self, now: Timestamp, registration: &Registration) {
        if !matches!(registration.status, Status::Quarantined(_)) {
            return;
        }
        self.last.age(now, DAY, MAX_TRIES);
        self.last.insert(self.key(registration), now);
    }

    /// It did not get it after all.
    pub(super) fn unmark(&mut self, registration: &Registration) {
        self.last.remove(self.key(registration));
    }

    fn key(&self, registration: &Registration) -> u64 {
        let (target, revision) = (&registration.target, registration.revision);
        self.hash.hash(&(target, revision))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::sample::{NOW, registration};
    use crate::registration::Trouble;

    fn quarantined(node: &str) -> Registration {
        let status = Status::Quarantined(Trouble {
            since: NOW,
            last: NOW,
            days: 1,
            refusals: 1,
        });
        Registration {
            status,
            ..registration(node, 1)
        }
    }

    fn hours(hours: u64) -> Timestamp {
        NOW.after(Duration::from_secs(hours * 3600))
    }

    #[test]
    fn a_registration_in_quarantine_gets_one_delivery_a_day() {
        let mut tries = Tries::new(Seeded::new(1, 2));
        let have = quarantined("a");
        assert!(!tries.may_get(hours(23), &have), "refused today");
        assert!(tries.may_get(hours(24), &have));
        tries.mark(hours(24), &have);
        tries.mark(hours(49), &quarantined("b"));
        assert!(!tries.may_get(hours(47), &have));
        assert!(tries.may_get(hours(48), &have));
    }

    #[test]
    fn one_that_was_not_sent_was_no_try() {
        let mut tries = Tries::new(Seeded::new(1, 2));
        let have = quarantined("a");
        tries.mark(hours(24), &have);
        tries.unmark(&have);
        assert!(tries.may_get(hours(24), &have));
    }

    #[test]
    fn others_get_theirs_at_once_and_leave_no_trace() {
        let mut tries = Tries::new(Seeded::new(1, 2));
        let have = registration("a", 1);
        tries.mark(NOW, &have);
        assert!(tries.may_get(NOW, &have) && tries.last.len() == 0);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut tries = Tries::new(Seeded::new(1, 2));
        for node in 0..MAX_TRIES + 10 {
            tries.mark(hours(24), &quarantined(&node.to_string()));
        }
        assert!(tries.last.len() <= MAX_TRIES);
    }
}
