//! The store that forgets: the reference the other stores are compared with, and for tests.

use crate::registration::Target;
use crate::store::{
    Change, Committed, Counts, Cursor, Kind, Loaded, Page, RegistrationStore, StoreError,
};
use crate::{Account, Registration};
use async_trait::async_trait;
use jid::{BareJid, DomainRef};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Keeps accounts in memory, sorted; every call is atomic.
#[derive(Debug, Default)]
pub struct MemoryStore {
    accounts: Mutex<BTreeMap<BareJid, Account>>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn accounts(&self) -> MutexGuard<'_, BTreeMap<BareJid, Account>> {
        // A panic elsewhere leaves no half change behind: each is one map operation.
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl RegistrationStore for MemoryStore {
    async fn load(&self, owners: &[BareJid]) -> Result<Loaded, StoreError> {
        let accounts = self.accounts();
        let find = |owner: &BareJid| {
            accounts
                .get(owner)
                .cloned()
                .unwrap_or_else(|| Account::empty(owner.clone()))
        };
        Ok(Loaded {
            accounts: owners.iter().map(find).collect(),
            corrupt: 0,
        })
    }

    async fn commit(&self, changes: &[Change]) -> Result<Vec<Committed>, StoreError> {
        let mut accounts = self.accounts();
        Ok(changes
            .iter()
            .map(|change| change_one(&mut accounts, change))
            .collect())
    }

    async fn page(
        &self,
        kind: Kind,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let Kind::Registrations = kind;
        let accounts = self.accounts();
        let behind = |owner: &BareJid, target: &Target| {
            after.is_none_or(|cursor| (owner, target) > (&cursor.owner, &cursor.target))
        };
        let mut entries: Vec<(BareJid, Registration)> = accounts
            .values()
            .flat_map(|account| {
                account
                    .registrations
                    .iter()
                    .map(|have| (account.owner.clone(), have.clone()))
            })
            .filter(|(owner, have)| behind(owner, &have.target))
            .take(limit.saturating_add(1))
            .collect();
        let more = entries.len() > limit;
        entries.truncate(limit);
        let last = entries.last().filter(|_| more);
        let next = last.map(|(owner, have)| Cursor {
            owner: owner.clone(),
            target: have.target.clone(),
        });
        Ok(Page {
            entries,
            next,
            corrupt: 0,
        })
    }

    async fn remove_domain(&self, domain: &DomainRef) -> Result<u64, StoreError> {
        let mut removed = 0;
        self.accounts().retain(|owner, account| {
            let keep = owner.domain() != domain;
            removed += if keep {
                0
            } else {
                account.registrations.len() as u64
            };
            keep
        });
        Ok(removed)
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        let mut counts = Counts::default();
        for have in self
            .accounts()
            .values()
            .flat_map(|account| &account.registrations)
        {
            counts.add(have.status.as_str(), 1);
        }
        Ok(counts)
    }
}

fn change_one(accounts: &mut BTreeMap<BareJid, Account>, change: &Change) -> Committed {
    let owner = change.owner();
    let account = accounts
        .entry(owner.clone())
        .or_insert_with(|| Account::empty(owner.clone()));
    let committed = account.apply(change);
    if account.registrations.is_empty() {
        accounts.remove(owner);
    }
    committed
}
