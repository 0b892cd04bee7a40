//! Records that are kept for a while, and within a bound.

use crate::Timestamp;
use crate::hash::{Seeded, SeededMap};
use std::time::Duration;

/// Two generations: a new one begins after the window or when the young one is full, so that an entry is kept for at least the
/// window unless the bound cuts it short.
#[derive(Debug)]
pub(super) struct Remembered<V> {
    young: SeededMap<u64, V>,
    old: SeededMap<u64, V>,
    since: Timestamp,
    hash: Seeded,
}

impl<V: Copy> Remembered<V> {
    pub(super) fn new(hash: Seeded) -> Self {
        Self {
            young: hash.map(),
            old: hash.map(),
            since: Timestamp::default(),
            hash,
        }
    }

    pub(super) fn get(&self, key: u64) -> Option<V> {
        self.young.get(&key).or_else(|| self.old.get(&key)).copied()
    }

    pub(super) fn insert(&mut self, key: u64, value: V) {
        self.young.insert(key, value);
    }

    pub(super) fn remove(&mut self, key: u64) {
        self.young.remove(&key);
        self.old.remove(&key);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    /// Forgets what is older than the window or over the bound.
    pub(super) fn age(&mut self, now: Timestamp, window: Duration, entries: usize) {
        if now.since(self.since) >= window || self.young.len() >= entries / 2 {
            self.old = std::mem::replace(&mut self.young, self.hash.map());
            self.since = now;
        }
    }
}
