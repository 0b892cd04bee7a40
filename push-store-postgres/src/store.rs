//! The store as the core sees it.

use crate::change::{Removal, Wave, nothing_done, waves};
use crate::commit::Commit;
use crate::connection::Work;
use crate::error::refused;
use crate::load::Load;
use crate::page::Page as Rows;
use crate::pool::Pool;
use crate::portion::{Count, Owner, Owners};
use crate::ready::Readiness;
use crate::row::{self, Key};
use crate::{PostgresConfig, migrate};
use async_trait::async_trait;
use jid::{BareJid, DomainRef};
use push_core::Account;
use push_core::row::UnreadableRows;
use push_core::store::{
    Change, Committed, Counts, Cursor, Kind, Loaded, Migrated, Page, RegistrationStore, StoreError,
};
use std::fmt;

/// How many changes make a transaction, and owners a question: beyond it one more saves little and keeps others waiting.
const BATCH: usize = 512;

/// The longest page; a caller who allows more gets a cursor earlier.
const MAX_PAGE: usize = 4096;

/// How many rows or owners are gone through at a time where all are.
const PORTION: usize = 10_000;

/// Keeps registrations in a PostgreSQL database.
///
/// A call whose future is dropped may still take effect, while the server works on what it has got. A call that has
/// lost its connection is tried again: a removal that had been done then counts nothing.
pub struct PostgresStore {
    pool: Pool,
    readiness: Readiness,
    auto_migrate: bool,
}

impl PostgresStore {
    /// The store, with nothing done yet: the first call connects, as [`ready`](Self::ready) does.
    ///
    /// # Errors
    ///
    /// `Refused` when the URL or the file with the authorities cannot be read.
    pub fn new(config: &PostgresConfig) -> Result<Self, StoreError> {
        Ok(Self {
            pool: Pool::new(config)?,
            readiness: Readiness::default(),
            auto_migrate: config.auto_migrate,
        })
    }

    /// Connects, and sees to it that the tables are there and of this program's version. Every call does so first;
    /// once it has gone well it costs nothing.
    ///
    /// # Errors
    ///
    /// As [`open`](crate::open).
    pub async fn ready(&self) -> Result<(), StoreError> {
        self.readiness.wait(&self.pool, self.auto_migrate).await
    }

    /// Brings the tables to this program's version, whether the store may do that by itself or not.
    pub(crate) async fn migrate(&self) -> Result<Migrated, StoreError> {
        migrate::migrate(&self.pool).await
    }

    /// One call, within its time.
    pub(crate) async fn call<W: Work>(&self, work: &W) -> Result<W::Output, StoreError> {
        let call = async {
            self.ready().await?;
            self.pool.run(work).await
        };
        self.pool.within(call).await
    }

    async fn remove_owners(&self, owners: &[Owner]) -> Result<u64, StoreError> {
        let everything = |(index, owner): (usize, _)| Removal::of_all(owner, index);
        let removals = owners.iter().enumerate().map(everything).collect();
        let wave = Wave {
            removals,
            ..Wave::default()
        };
        let nothing = vec![Committed::Removed(0); owners.len()];
        let waves = vec![wave];
        let done = self.call(&Commit { waves, nothing }).await?;
        Ok(done.iter().map(|done| done.removed() as u64).sum())
    }
}

#[async_trait]
impl RegistrationStore for PostgresStore {
    async fn load(&self, owners: &[BareJid]) -> Result<Loaded, StoreError> {
        let mut unreadable = UnreadableRows::default();
        let mut accounts: Vec<Account> = owners.iter().cloned().map(Account::empty).collect();
        for (owners, accounts) in owners.chunks(BATCH).zip(accounts.chunks_mut(BATCH)) {
            for row in self.call(&Load::new(owners)).await? {
                let ordinal = usize::try_from(row.ordinal).unwrap_or_default();
                let Some(account) = accounts.get_mut(ordinal.wrapping_sub(1)) else {
                    continue;
                };
                let read = row::noted(&mut unreadable, account.owner.as_str(), row.registration());
                account.registrations.extend(read);
            }
        }
        let corrupt = row::logged(unreadable);
        Ok(Loaded { accounts, corrupt })
    }

    async fn commit(&self, changes: &[Change]) -> Result<Vec<Committed>, StoreError> {
        let mut committed = Vec::with_capacity(changes.len());
        for changes in changes.chunks(BATCH) {
            let commit = Commit {
                waves: waves(changes)?,
                nothing: nothing_done(changes),
            };
            committed.extend(self.call(&commit).await?);
        }
        Ok(committed)
    }

    /// Reads on over rows that cannot be read: a page without an entry would leave no cursor to go on from.
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
        let mut after = after.map_or_else(Key::default, key);
        let mut page = Page::default();
        let mut unreadable = UnreadableRows::default();
        loop {
            // One more tells whether there is more.
            let wanted = limit - page.entries.len() + 1;
            let work = Rows {
                after: &after,
                limit: wanted,
            };
            let rows = self.call(&work).await?;
            let is_last = rows.len() < wanted;
            let Some(last) = rows.last() else { break };
            let last = last.key();
            for row in rows {
                if page.entries.len() == limit {
                    page.next = page.entries.last().map(cursor);
                    break;
                }
                let owner = row.owner.clone();
                page.entries
                    .extend(row::noted(&mut unreadable, &owner, row.entry()));
            }
            if is_last || page.next.is_some() || limit == 0 {
                break;
            }
            after = last;
        }
        page.corrupt = row::logged(unreadable);
        Ok(page)
    }

    /// Goes through all owners portion by portion, so that nothing is locked for long; rare enough to need no index,
    /// which every enable would pay for.
    async fn remove_domain(&self, domain: &DomainRef) -> Result<u64, StoreError> {
        let mut removed = 0;
        let mut after = String::new();
        loop {
            let work = Owners {
                after: &after,
                limit: PORTION,
            };
            let mut owners = self.call(&work).await?;
            let Some(last) = owners.last() else {
                return Ok(removed);
            };
            after.clone_from(&last.owner);
            owners.retain(|owner| domain_of(&owner.owner) == domain.as_str());
            for owners in owners.chunks(BATCH) {
                removed += self.remove_owners(owners).await?;
            }
        }
    }

    /// Portion by portion, so that no statement takes long.
    async fn counts(&self) -> Result<Counts, StoreError> {
        let mut counts = Counts::default();
        let mut next = Some(Key::default());
        while let Some(after) = next {
            let work = Count {
                after: &after,
                limit: PORTION,
            };
            let (portion, last) = self.call(&work).await?;
            counts += portion;
            next = last;
        }
        Ok(counts)
    }
}

fn key(cursor: &Cursor) -> Key {
    let Cursor { owner, target } = cursor;
    (
        owner.as_str().to_owned(),
        target.service.as_str().to_owned(),
        target.node.as_str().to_owned(),
    )
}

fn cursor((owner, last): &(BareJid, push_core::Registration)) -> Cursor {
    Cursor {
        owner: owner.clone(),
        target: last.target.clone(),
    }
}

/// The domainpart of a stored bare JID; neither part contains an `@` (RFC 7622 §3.3.1).
fn domain_of(owner: &str) -> &str {
    owner.split_once('@').map_or(owner, |(_, domain)| domain)
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresStore({})", self.pool.errors().endpoint)
    }
}
