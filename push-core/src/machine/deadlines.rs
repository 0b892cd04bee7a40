//! Deadlines of one part, by time.

use crate::Timestamp;
use std::collections::BTreeMap;

/// Names a deadline that is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(Timestamp, u64);

/// Things that are due, each at its time.
#[derive(Debug)]
pub(super) struct Deadlines<T> {
    by_time: BTreeMap<Key, T>,
    next: u64,
}

impl<T> Deadlines<T> {
    pub(super) fn new() -> Self {
        Self {
            by_time: BTreeMap::new(),
            next: 0,
        }
    }

    pub(super) fn set(&mut self, at: Timestamp, what: T) -> Key {
        self.next += 1;
        let key = Key(at, self.next);
        self.by_time.insert(key, what);
        key
    }

    pub(super) fn cancel(&mut self, key: Key) {
        self.by_time.remove(&key);
    }

    /// Takes the first that is due; a deadline is due at its very moment.
    pub(super) fn pop_due(&mut self, now: Timestamp) -> Option<T> {
        let first = self.by_time.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    /// Returns how many are set.
    pub(super) fn len(&self) -> usize {
        self.by_time.len()
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        self.by_time.first_key_value().map(|(key, _)| key.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Deadlines;
    use crate::Timestamp;

    #[test]
    fn they_come_due_in_order_and_at_their_very_moment() {
        let at = Timestamp::from_millis;
        let mut deadlines = Deadlines::new();
        deadlines.set(at(20), "late");
        let cancelled = deadlines.set(at(10), "cancelled");
        deadlines.set(at(10), "first");
        deadlines.set(at(10), "second");
        deadlines.cancel(cancelled);
        assert_eq!(deadlines.next(), Some(at(10)));
        assert_eq!(deadlines.pop_due(at(9)), None);
        assert_eq!(deadlines.pop_due(at(10)), Some("first"));
        assert_eq!(deadlines.pop_due(at(10)), Some("second"));
        assert_eq!(deadlines.pop_due(at(10)), None);
        assert_eq!(deadlines.next(), Some(at(20)));
    }
}
