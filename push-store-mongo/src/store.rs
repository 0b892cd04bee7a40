//! The store as the core sees it.

use crate::connection::Server;
use crate::error::refused;
use crate::{Migrated, MongoConfig, commit, load, portion, schema};
use async_trait::async_trait;
use jid::{BareJid, DomainRef};
use push_core::store::{
    Change, Committed, Counts, Cursor, Kind, Loaded, Page, RegistrationStore, StoreError,
};
use std::fmt;
use std::sync::Arc;

/// How many owners or changes are one question: a longer call is split, and each part has a time limit of its own.
const BATCH: usize = 512;

/// The longest page; a caller who allows more gets a cursor earlier.
const MAX_PAGE: usize = 4096;

/// Keeps registrations in MongoDB.
///
/// Every call first makes sure that the server can be used, once it was found so never again: a store that was made while
/// its server was away works as soon as the server does. A call whose future is dropped may still take effect.
#[derive(Clone)]
pub struct MongoStore {
    pub(crate) server: Arc<Server>,
}

impl MongoStore {
    /// A store that has asked no server yet; only a `mongodb+srv` URI is resolved.
    ///
    /// # Errors
    ///
    /// `Refused` when the URI cannot be used or names no database; `Unavailable` when it cannot be resolved.
    pub async fn new(config: MongoConfig) -> Result<Self, StoreError> {
        let server = Arc::new(Server::new(config).await?);
        Ok(Self { server })
    }

    /// Finds out whether the server and the database can be used, and makes or migrates collections and indexes where
    /// that is due and allowed. Several instances may do so at once.
    ///
    /// # Errors
    ///
    /// `Unavailable` when no primary answers; `Unauthorized` when it does not let this program in; `WrongVersion` when the
    /// server is older than MongoDB 5.0, or the database newer than this program, or older and may not be migrated;
    /// `Refused` when the database is another program's, or the server's certificate not trusted.
    pub async fn ready(&self) -> Result<(), StoreError> {
        self.server.call(async { Ok(()) }).await
    }

    pub(crate) async fn migrate(&self) -> Result<Migrated, StoreError> {
        schema::migrate(&self.server).await
    }
}

/// Hosts and database, no more of the URI.
impl fmt::Debug for MongoStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MongoStore({})", self.server.explain.place())
    }
}

#[async_trait]
impl RegistrationStore for MongoStore {
    async fn load(&self, owners: &[BareJid]) -> Result<Loaded, StoreError> {
        let mut loaded = Loaded::default();
        for owners in owners.chunks(BATCH) {
            let part = self.server.call(load::load(&self.server, owners)).await?;
            loaded.accounts.extend(part.accounts);
            loaded.corrupt += part.corrupt;
        }
        Ok(loaded)
    }

    async fn commit(&self, changes: &[Change]) -> Result<Vec<Committed>, StoreError> {
        let mut committed = Vec::with_capacity(changes.len());
        for changes in changes.chunks(BATCH) {
            let part = self.server.call(commit::commit(&self.server, changes));
            committed.extend(part.await?);
        }
        Ok(committed)
    }

    async fn page(
        &self,
        kind: Kind,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let Kind::Registrations = kind else {
            return Err(refused("this store does not list that"));
        };
        let page = load::page(&self.server, after, limit.min(MAX_PAGE));
        self.server.call(page).await
    }

    /// Goes through the key index portion by portion; rare enough to need no index of its own, which every enable would
    /// pay for.
    async fn remove_domain(&self, domain: &DomainRef) -> Result<u64, StoreError> {
        let mut removed = 0;
        for buckets in portion::portions(&self.server).await? {
            let gone = portion::remove_domain(&self.server, buckets, domain);
            removed += self.server.call(gone).await?;
        }
        Ok(removed)
    }

    /// Portion by portion, so that none takes long.
    async fn counts(&self) -> Result<Counts, StoreError> {
        let mut counts = Counts::default();
        for buckets in portion::portions(&self.server).await? {
            let found = portion::counts(&self.server, buckets);
            counts += self.server.call(found).await?;
        }
        Ok(counts)
    }
}
