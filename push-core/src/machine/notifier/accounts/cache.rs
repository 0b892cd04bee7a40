//! Accounts kept in memory, so that most missed messages ask no store.

use crate::account::apply;
use crate::hash::{Seeded, SeededMap};
use crate::machine::values::Registrations;
use crate::registration::Registration;
use crate::store::{Change, Committed};
use crate::{Account, Timestamp};
use jid::BareJid;
use std::sync::Arc;
use std::time::Duration;

/// The cost of an entry beside its texts, in bytes: map slot, owner, vector.
const ENTRY: usize = 128;
/// The cost of a registration beside its texts, in bytes.
const REGISTRATION: usize = 256;

/// A bounded cache in two generations: when the young one is half of the bound, it becomes the old one
/// and the old one goes. What is used moves to the young one.
#[derive(Debug)]
pub(super) struct Cache {
    young: SeededMap<BareJid, Entry>,
    old: SeededMap<BareJid, Entry>,
    young_bytes: usize,
    hash: Seeded,
}

#[derive(Debug)]
struct Entry {
    registrations: Registrations,
    loaded_at: Timestamp,
}

impl Entry {
    fn bytes(&self, owner: &BareJid) -> usize {
        let texts = |have: &Arc<Registration>| {
            let target = &have.target;
            let options: usize = have
                .options
                .fields()
                .map(|(name, value)| name.len() + value.len() + 48)
                .sum();
            REGISTRATION + target.service.as_str().len() + target.node.as_str().len() + options
        };
        ENTRY + owner.as_str().len() + self.registrations.iter().map(texts).sum::<usize>()
    }
}

impl Cache {
    pub(super) fn new(hash: Seeded) -> Self {
        Self {
            young: hash.map(),
            old: hash.map(),
            young_bytes: 0,
            hash,
        }
    }

    /// Returns what is known of `owner`, unless it is older than `ttl`.
    pub(super) fn get(
        &mut self,
        owner: &BareJid,
        now: Timestamp,
        ttl: Option<Duration>,
    ) -> Option<&Registrations> {
        if let Some(entry) = self.old.remove(owner) {
            self.insert(owner.clone(), entry);
        }
        let fresh = |entry: &Entry| ttl.is_none_or(|ttl| now.since(entry.loaded_at) < ttl);
        if !fresh(self.young.get(owner)?) {
            self.forget(owner);
            return None;
        }
        self.young.get(owner).map(|entry| &entry.registrations)
    }

    /// Keeps what the store said, within `bound` bytes.
    pub(super) fn put(&mut self, account: Account, now: Timestamp, bound: usize) {
        let registrations = account.registrations.into_iter().map(Arc::new).collect();
        let entry = Entry {
            registrations: Arc::new(registrations),
            loaded_at: now,
        };
        self.forget(&account.owner);
        self.insert(account.owner, entry);
        if self.young_bytes > bound / 2 {
            self.old = std::mem::replace(&mut self.young, self.hash.map());
            self.young_bytes = 0;
        }
    }

    /// Brings what is known of `owner`, if anything is, up to what the store has `done`. An account that the store has found
    /// otherwise is forgotten: somebody else has changed it.
    pub(super) fn update(&mut self, owner: &BareJid, changes: &[Change], done: &[Committed]) {
        let Some(mut entry) = self.take(owner) else {
            return;
        };
        let registrations = Arc::make_mut(&mut entry.registrations);
        let as_known =
            |(change, done): (&Change, &Committed)| apply(registrations, change) == *done;
        if changes.len() == done.len() && changes.iter().zip(done).all(as_known) {
            self.insert(owner.clone(), entry);
        }
    }

    pub(super) fn forget(&mut self, owner: &BareJid) {
        self.take(owner);
    }

    fn take(&mut self, owner: &BareJid) -> Option<Entry> {
        if let Some(entry) = self.young.remove(owner) {
            self.young_bytes = self.young_bytes.saturating_sub(entry.bytes(owner));
            return Some(entry);
        }
        self.old.remove(owner)
    }

    fn insert(&mut self, owner: BareJid, entry: Entry) {
        self.young_bytes += entry.bytes(&owner);
        self.young.insert(owner, entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(n: usize) -> BareJid {
        BareJid::new(&format!("user{n}@example.org")).unwrap()
    }

    #[test]
    fn it_stays_within_its_bound_and_keeps_what_is_used() {
        let mut cache = Cache::new(Seeded::new(1, 2));
        let now = Timestamp::from_millis(1);
        for n in 0..10_000 {
            cache.put(Account::empty(owner(n)), now, 64 << 10);
            assert!(
                cache.get(&owner(0), now, None).is_some(),
                "lost the one in use at {n}"
            );
        }
        let kept = (cache.young.len() + cache.old.len()) * ENTRY;
        assert!(kept <= 64 << 10, "{kept}");
        assert!(cache.get(&owner(1), now, None).is_none());
    }

    #[test]
    fn what_is_too_old_is_not_believed() {
        let mut cache = Cache::new(Seeded::new(1, 2));
        let ttl = Some(Duration::from_millis(10));
        cache.put(Account::empty(owner(0)), Timestamp::from_millis(5), 1 << 20);
        assert!(
            cache
                .get(&owner(0), Timestamp::from_millis(14), ttl)
                .is_some()
        );
        assert!(
            cache
                .get(&owner(0), Timestamp::from_millis(15), ttl)
                .is_none()
        );
    }

    #[test]
    fn an_emptied_cache_counts_no_bytes() {
        let mut cache = Cache::new(Seeded::new(1, 2));
        cache.put(Account::empty(owner(0)), Timestamp::default(), 1 << 20);
        cache.put(Account::empty(owner(0)), Timestamp::default(), 1 << 20);
        cache.forget(&owner(0));
        assert_eq!(cache.young_bytes, 0);
    }
}
