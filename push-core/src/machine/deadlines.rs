//! What must happen by when.

use crate::Timestamp;
use std::collections::BTreeMap;

/// Names a deadline that is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(Timestamp, u64);

/// Deadlines, by time.
#[derive(Debug)]
pub(super) struct Deadlines<T> {
    set: BTreeMap<Key, T>,
    drawn: u64,
}

impl<T> Deadlines<T> {
    pub(super) fn new() -> Self {
        Self {
            set: BTreeMap::new(),
            drawn: 0,
        }
    }

    pub(super) fn set(&mut self, at: Timestamp, what: T) -> Key {
        self.drawn += 1;
        let key = Key(at, self.drawn);
        self.set.insert(key, what);
        key
    }

    pub(super) fn cancel(&mut self, key: Key) {
        self.set.remove(&key);
    }

    /// The next that is due; a deadline is due at its very moment.
    pub(super) fn pop_due(&mut self, now: Timestamp) -> Option<T> {
        let first = self.set.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        self.set.first_key_value().map(|(key, _)| key.0)
    }
}
