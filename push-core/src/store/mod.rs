//! The store contract. Each sentence here has a case in the suite every backend runs.

mod change;

pub use change::{Change, Committed, Guard};

use crate::Account;
use crate::registration::{Registration, Target};
use async_trait::async_trait;
use jid::{BareJid, DomainRef};
use thiserror::Error;

/// Keeps accounts.
///
/// * What was acknowledged survives a crash of the process, and of the database.
/// * Absence is not an error: an unknown owner is an empty account, removing what is not there succeeds.
/// * Calls may overlap, from several instances, too. Of two changes of one registration the one with the later revision
///   prevails, in whatever order they arrive.
/// * A call that failed as [`StoreError::Unavailable`], or whose future was dropped, may have been applied, in part, or
///   may still be, soon.
/// * Values come back byte for byte, registrations ordered by (service, node).
#[async_trait]
pub trait RegistrationStore: Send + Sync {
    /// The accounts of `owners`, one each, in the order asked. A row that cannot be read is left out of
    /// its account and named in [`Loaded::corrupt`]; others are unharmed.
    async fn load(&self, owners: &[BareJid]) -> Result<Loaded, StoreError>;

    /// Applies `changes` in order, each of them atomic. On an error some may have been applied.
    async fn commit(&self, changes: &[Change]) -> Result<Vec<Committed>, StoreError>;

    /// Registrations behind `after` in the order of (owner, service, node), at most `limit`.
    async fn page(
        &self,
        kind: Kind,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page, StoreError>;

    /// Removes all accounts of a domain; returns how many registrations went.
    async fn remove_domain(&self, domain: &DomainRef) -> Result<u64, StoreError>;

    /// How many registrations there are. May look at each of them, and need not be of one moment.
    async fn counts(&self) -> Result<Counts, StoreError>;
}

/// What [`RegistrationStore::load`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// One account for each owner asked for, in that order.
    pub accounts: Vec<Account>,
    /// How many rows of these owners could not be read.
    pub corrupt: usize,
}

/// How many registrations there are, by status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// [`Status::Active`](crate::registration::Status::Active)
    pub active: u64,
    /// [`Status::Failing`](crate::registration::Status::Failing)
    pub failing: u64,
    /// [`Status::Quarantined`](crate::registration::Status::Quarantined)
    pub quarantined: u64,
    /// Of a status this program does not know.
    pub other: u64,
}

impl Counts {
    /// Adds `count` registrations of the status with this name, as [`Status::as_str`](crate::registration::Status::as_str) gives it.
    pub fn add(&mut self, status: &str, count: u64) {
        let place = match status {
            "active" => &mut self.active,
            "failing" => &mut self.failing,
            "quarantined" => &mut self.quarantined,
            _ => &mut self.other,
        };
        *place += count;
    }

    /// Of every status.
    pub const fn total(&self) -> u64 {
        self.active + self.failing + self.quarantined + self.other
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.active += other.active;
        self.failing += other.failing;
        self.quarantined += other.quarantined;
        self.other += other.other;
    }
}

/// What a page lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Registrations of all owners.
    Registrations,
}

/// The key a page ended at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The owner.
    pub owner: BareJid,
    /// The target.
    pub target: Target,
}

/// A part of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Owner and registration, in key order.
    pub entries: Vec<(BareJid, Registration)>,
    /// Where to go on; `None` when this was the last page.
    pub next: Option<Cursor>,
    /// How many rows in this range could not be read.
    pub corrupt: usize,
}

/// The versions before and after a migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// The version that was found; 0 where there was nothing.
    pub from: u32,
    /// The version the store is of now.
    pub to: u32,
}

/// Why a store did not do it.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreError {
    /// The store cannot be used right now: locked, gone, full, too slow. Asking again helps.
    #[error("store unavailable: {reason}")]
    Unavailable {
        /// What is the matter, for the operator.
        reason: String,
    },
    /// The store does not let this program in: wrong password, unknown user, no permission to connect.
    #[error("store denies access: {reason}")]
    Unauthorized {
        /// What is the matter, for the operator.
        reason: String,
    },
    /// The store is of a version this program does not work with.
    #[error("store of another version: {reason}")]
    WrongVersion {
        /// What was found and what is needed.
        reason: String,
    },
    /// The store will not do this however often it is asked: read-only, another program's, no permission.
    #[error("store refused: {reason}")]
    Refused {
        /// What is the matter, for the operator.
        reason: String,
    },
    /// What is stored cannot be read.
    #[error("store corrupt: {reason}")]
    Corrupt {
        /// What was found where, without content.
        reason: String,
    },
}
