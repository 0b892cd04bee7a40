//! Seeded hashing: nothing depends on a random state, and no peer can choose colliding keys.

use siphasher::sip::SipHasher13;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};

/// Builds hashers keyed from the Machine's seed.
#[derive(Clone, Copy, Debug)]
pub struct Seeded {
    keys: (u64, u64),
}

/// A map with seeded hashing.
pub type SeededMap<K, V> = HashMap<K, V, Seeded>;

impl Seeded {
    /// A hasher keyed by two words of the seed.
    pub const fn new(first: u64, second: u64) -> Self {
        Self {
            keys: (first, second),
        }
    }

    /// An empty map.
    pub fn map<K, V>(self) -> SeededMap<K, V> {
        HashMap::with_hasher(self)
    }

    /// The hash of one value.
    pub fn hash<T: Hash + ?Sized>(self, value: &T) -> u64 {
        self.hash_one(value)
    }
}

impl BuildHasher for Seeded {
    type Hasher = SipHasher13;

    fn build_hasher(&self) -> SipHasher13 {
        SipHasher13::new_with_keys(self.keys.0, self.keys.1)
    }
}
