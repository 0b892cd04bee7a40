//! The store as the core sees it.

use crate::change::Write;
use crate::commit::{Commit, Writer};
use crate::error::{ErrorMapper, refused};
use crate::migrate::{self, Earlier};
use crate::reader::{Query, Reader};
use crate::row::Key;
use crate::worker::{BATCH, Worker};
use crate::{SqliteConfig, connection, file};
use async_trait::async_trait;
use jid::{BareJid, DomainRef};
use push_core::store::{
    Change, Committed, Counts, Cursor, Kind, Loaded, Page, RegistrationStore, StoreError,
};

/// The longest page; a caller who allows more gets a cursor earlier.
const MAX_PAGE: usize = 4096;

/// Keeps registrations in one SQLite file.
///
/// A call whose future is dropped may still take effect if its transaction has begun, and has none otherwise. Calls do not wait for room: when
/// [`SqliteConfig::queue`] calls wait already, the next is answered `Unavailable` at once.
#[derive(Debug)]
pub struct SqliteStore {
    // In this order: the writer's connection is the last to close, and leaves one complete file behind.
    reader: Worker<Query>,
    writer: Worker<Commit>,
}

impl SqliteStore {
    pub(crate) fn open(mut config: SqliteConfig) -> Result<Self, StoreError> {
        config.path = file::prepare(&config.path)?;
        let errors = ErrorMapper::new(&config);
        let mut connection = connection::writer(&config, &errors)?;
        let earlier = if config.auto_migrate {
            Earlier::Migrate
        } else {
            Earlier::Refuse
        };
        migrate::bring_up(&mut connection, &errors, earlier)?;
        let writer = Writer::new(connection, &config, errors.clone());
        let connection = connection::reader(&config, &errors)?;
        let reader = Reader { connection, errors };
        Ok(Self {
            reader: Worker::start("push-store-reader", config.queue, |queue| reader.run(queue))?,
            writer: Worker::start("push-store-writer", config.queue, |queue| writer.run(queue))?,
        })
    }

    async fn write(&self, writes: Vec<Write>) -> Result<Vec<Committed>, StoreError> {
        if writes.is_empty() {
            return Ok(Vec::new());
        }
        self.writer.ask(|answer| Commit { writes, answer }).await
    }
}

#[async_trait]
impl RegistrationStore for SqliteStore {
    async fn load(&self, owners: &[BareJid]) -> Result<Loaded, StoreError> {
        let mut loaded = Loaded::default();
        for owners in owners.chunks(BATCH) {
            let owners = owners.to_vec();
            let part = self
                .reader
                .ask(|answer| Query::Load { owners, answer })
                .await?;
            loaded.accounts.extend(part.accounts);
            loaded.corrupt += part.corrupt;
        }
        Ok(loaded)
    }

    async fn commit(&self, changes: &[Change]) -> Result<Vec<Committed>, StoreError> {
        let mut committed = Vec::with_capacity(changes.len());
        for changes in changes.chunks(BATCH) {
            let writes: Result<_, _> = changes.iter().map(Write::try_from).collect();
            committed.extend(self.write(writes?).await?);
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
        let after = after.cloned();
        let limit = limit.min(MAX_PAGE);
        self.reader
            .ask(|answer| Query::Page {
                after,
                limit,
                answer,
            })
            .await
    }

    /// Goes through all owners portion by portion, so that others are served in between; rare enough to need no index,
    /// which every enable would pay for.
    async fn remove_domain(&self, domain: &DomainRef) -> Result<u64, StoreError> {
        let mut removed = 0;
        let mut after = String::new();
        loop {
            let owners = self
                .reader
                .ask(|answer| Query::Owners {
                    after,
                    limit: BATCH,
                    answer,
                })
                .await?;
            let Some(last) = owners.last() else {
                return Ok(removed);
            };
            after = last.clone();
            let gone = owners
                .into_iter()
                .filter(|owner| domain_of(owner) == domain.as_str())
                .map(|owner| Write::RemoveOwner {
                    owner,
                    up_to: i64::MAX,
                })
                .collect();
            removed += removed_by(&self.write(gone).await?);
        }
    }

    /// Portion by portion, so that others are served in between.
    async fn counts(&self) -> Result<Counts, StoreError> {
        let mut counts = Counts::default();
        let mut next = Some(Key::default());
        while let Some(after) = next {
            let limit = MAX_PAGE;
            let portion = self
                .reader
                .ask(|answer| Query::Count {
                    after,
                    limit,
                    answer,
                })
                .await?;
            counts += portion.0;
            next = portion.1;
        }
        Ok(counts)
    }
}

fn removed_by(committed: &[Committed]) -> u64 {
    committed.iter().map(|done| done.removed() as u64).sum()
}

/// The domainpart of a stored bare JID; neither part contains an `@` (RFC 7622 §3.3.1).
fn domain_of(owner: &str) -> &str {
    owner.split_once('@').map_or(owner, |(_, domain)| domain)
}
