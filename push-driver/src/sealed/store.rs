//! The store around a store.

use super::keys::Keys;
use super::seal::{self, Unopened};
use async_trait::async_trait;
use jid::{BareJid, DomainRef};
use push_core::Registration;
use push_core::store::{
    Change, Committed, Counts, Cursor, Kind, Loaded, Page, RegistrationStore, StoreError,
};
use std::sync::Arc;
use tracing::{debug, warn};

/// A store whose publish options are sealed.
///
/// Options that come sealed are stored as they come; so they can be carried from store to store without a key.
pub struct SealedStore {
    inner: Arc<dyn RegistrationStore>,
    keys: Keys,
}

impl SealedStore {
    /// `inner` with its publish options sealed by the first of `keys`.
    pub fn new(inner: Arc<dyn RegistrationStore>, keys: Keys) -> Self {
        Self { inner, keys }
    }

    fn sealed(&self, change: &Change) -> Result<Change, StoreError> {
        let Change::Enable {
            owner,
            registration,
        } = change
        else {
            return Ok(change.clone());
        };
        let options = seal::seal(
            &self.keys,
            owner,
            &registration.target,
            &registration.options,
        );
        let options = options.ok_or_else(|| StoreError::Unavailable {
            reason: "the system gives no randomness to seal with".to_owned(),
        })?;
        Ok(Change::Enable {
            owner: owner.clone(),
            registration: Registration {
                options,
                ..registration.clone()
            },
        })
    }

    /// Opens the options of a registration, and says whether it can be used.
    fn opens(&self, owner: &BareJid, have: &mut Registration, left_out: &mut LeftOut) -> bool {
        let Some(text) = have.options.as_sealed() else {
            return true;
        };
        match seal::open(&self.keys, owner, &have.target, text) {
            Ok(options) => have.options = options,
            Err(why) => {
                left_out.note(owner, why);
                return false;
            }
        }
        true
    }
}

impl std::fmt::Debug for SealedStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SealedStore")
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl RegistrationStore for SealedStore {
    async fn load(&self, owners: &[BareJid]) -> Result<Loaded, StoreError> {
        let mut loaded = self.inner.load(owners).await?;
        let mut left_out = LeftOut::default();
        for account in &mut loaded.accounts {
            let owner = &account.owner;
            account
                .registrations
                .retain_mut(|have| self.opens(owner, have, &mut left_out));
        }
        loaded.corrupt += left_out.log();
        Ok(loaded)
    }

    async fn commit(&self, changes: &[Change]) -> Result<Vec<Committed>, StoreError> {
        if self.keys.first().is_none() {
            return self.inner.commit(changes).await;
        }
        let sealed = changes.iter().map(|change| self.sealed(change));
        let sealed = sealed.collect::<Result<Vec<_>, _>>()?;
        self.inner.commit(&sealed).await
    }

    async fn page(
        &self,
        kind: Kind,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let mut page = self.inner.page(kind, after, limit).await?;
        let mut left_out = LeftOut::default();
        page.entries
            .retain_mut(|(owner, have)| self.opens(owner, have, &mut left_out));
        page.corrupt += left_out.log();
        Ok(page)
    }

    async fn remove_domain(&self, domain: &DomainRef) -> Result<u64, StoreError> {
        self.inner.remove_domain(domain).await
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        self.inner.counts().await
    }
}

/// Registrations whose options were not opened.
#[derive(Default)]
struct LeftOut {
    count: usize,
    first: Option<Unopened>,
}

impl LeftOut {
    fn note(&mut self, owner: &BareJid, why: Unopened) {
        debug!(owner = owner.as_str(), %why, "left out a registration whose publish options cannot be opened");
        self.count += 1;
        self.first.get_or_insert(why);
    }

    /// Says what is wrong; whose it is, only at debug.
    fn log(self) -> usize {
        if let Some(first) = self.first {
            warn!(rows = self.count, %first, "left out registrations whose publish options cannot be opened");
        }
        self.count
    }
}
