//! Records of many things, within a bound.

use crate::hash::{Seeded, SeededMap};
use std::hash::Hash;

/// Records in two generations: when the young one is full it becomes the old one, and the old one goes. A record that is used is
/// never forgotten, however many others there are.
#[derive(Debug)]
pub(super) struct Generations<K, V> {
    young: SeededMap<K, V>,
    old: SeededMap<K, V>,
    most: usize,
    hash: Seeded,
}

impl<K: Eq + Hash, V> Generations<K, V> {
    /// Returns a place for up to `most` records in each generation.
    pub(super) fn new(hash: Seeded, most: usize) -> Self {
        Self {
            young: hash.map(),
            old: hash.map(),
            most,
            hash,
        }
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    /// Returns the record under `key`, which is `new` if there is none.
    pub(super) fn entry(&mut self, key: K, new: impl FnOnce() -> V) -> &mut V {
        if !self.young.contains_key(&key) && self.young.len() >= self.most {
            self.old = std::mem::replace(&mut self.young, self.hash.map());
        }
        let old = &mut self.old;
        let known = self.young.entry(key);
        known.or_insert_with_key(|key| old.remove(key).unwrap_or_else(new))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_used_is_kept_among_ten_thousand_others() {
        let mut known = Generations::new(Seeded::new(1, 2), 100);
        for number in 0..10_000 {
            if number % 90 == 0 {
                *known.entry(u64::MAX, || 0) += 1;
            }
            known.entry(number, || 0);
            assert!(
                known
                    .get(&u64::MAX)
                    .is_some_and(|count| *count > number / 90)
            );
        }
        assert_eq!(known.get(&0), None);
        assert!(known.young.len() + known.old.len() <= 200);
    }
}
