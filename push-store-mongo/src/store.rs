//! The store as the core sees it.

use crate::connection::Connection;
use crate::error::refused;
use crate::ready::Readiness;
use crate::schema::Facts;
use crate::{MongoConfig, commit, load, migrate, page, portion};
use async_trait::async_trait;
use jid::{BareJid, DomainRef};
use push_core::store::{
    Change, Committed, Counts, Cursor, Kind, Loaded, Migrated, Page, RegistrationStore, StoreError,
};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use tokio::time::timeout;

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
    pub(crate) connection: Arc<Connection>,
    readiness: Arc<Readiness>,
}

impl MongoStore {
    /// A store that has asked no server yet; only a `mongodb+srv` URI is resolved.
    ///
    /// # Errors
    ///
    /// `Refused` when the URI cannot be used or names no database; `Unavailable` when it cannot be resolved.
    pub async fn new(config: MongoConfig) -> Result<Self, StoreError> {
        Ok(Self {
            connection: Arc::new(Connection::new(&config).await?),
            readiness: Arc::new(Readiness::new(config.auto_migrate)),
        })
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
        self.call(|_| async { Ok(()) }).await
    }

    pub(crate) async fn migrate(&self) -> Result<Migrated, StoreError> {
        migrate::migrate(&self.connection).await
    }

    async fn portions(&self) -> Result<impl Iterator<Item = Range<i32>>, StoreError> {
        self.call(|_| portion::portions(&self.connection)).await
    }

    /// Does `work` once the server was found fit, for as long as a call may take.
    pub(crate) async fn call<T, W>(&self, work: impl FnOnce(Facts) -> W) -> Result<T, StoreError>
    where
        W: Future<Output = Result<T, StoreError>>,
    {
        let answer = timeout(self.connection.call_timeout, async {
            let facts = self.readiness.wait(&self.connection).await?;
            work(facts).await
        });
        answer
            .await
            .unwrap_or_else(|_| Err(self.connection.errors.too_late()))
    }
}

/// Hosts and database, no more of the URI.
impl fmt::Debug for MongoStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MongoStore({})", self.connection.errors.endpoint())
    }
}

#[async_trait]
impl RegistrationStore for MongoStore {
    async fn load(&self, owners: &[BareJid]) -> Result<Loaded, StoreError> {
        let mut loaded = Loaded::default();
        for owners in owners.chunks(BATCH) {
            let part = self.call(|_| load::load(&self.connection, owners)).await?;
            loaded.accounts.extend(part.accounts);
            loaded.corrupt += part.corrupt;
        }
        Ok(loaded)
    }

    async fn commit(&self, changes: &[Change]) -> Result<Vec<Committed>, StoreError> {
        let mut committed = Vec::with_capacity(changes.len());
        for changes in changes.chunks(BATCH) {
            let part = self.call(|facts| commit::commit(&self.connection, facts, changes));
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
        let limit = limit.min(MAX_PAGE);
        self.call(|_| page::page(&self.connection, after, limit))
            .await
    }

    /// Goes through the key index portion by portion; rare enough to need no index of its own, which every enable would
    /// pay for.
    async fn remove_domain(&self, domain: &DomainRef) -> Result<u64, StoreError> {
        let mut removed = 0;
        for buckets in self.portions().await? {
            let gone = self.call(|_| portion::remove_domain(&self.connection, buckets, domain));
            removed += gone.await?;
        }
        Ok(removed)
    }

    /// Portion by portion, so that none takes long.
    async fn counts(&self) -> Result<Counts, StoreError> {
        let mut counts = Counts::default();
        for buckets in self.portions().await? {
            let found = self.call(|_| portion::counts(&self.connection, buckets));
            counts += found.await?;
        }
        Ok(counts)
    }
}
