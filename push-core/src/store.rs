//! The store contract. Each sentence here has a case in the suite every backend runs.

use crate::Account;
use crate::registration::{Registration, Revision, Target};
use async_trait::async_trait;
use jid::{BareJid, DomainRef};
use thiserror::Error;

/// Keeps accounts.
///
/// * What was acknowledged survives a crash of the process.
/// * Absence is not an error: an unknown owner is an empty account, removing what is not there succeeds.
/// * Calls may overlap. Changes of one owner are never submitted concurrently by one Machine;
///   those of several are ordered by the store.
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
}

/// What [`RegistrationStore::load`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// One account for each owner asked for, in that order.
    pub accounts: Vec<Account>,
    /// How many rows of these owners could not be read.
    pub corrupt: usize,
}

/// One change of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// Adds a registration, or replaces the one of the same target whole.
    Enable {
        /// Whose.
        owner: BareJid,
        /// The registration as it shall be.
        registration: Registration,
    },
    /// Removes one registration, only if it still has `revision` where one is named.
    Remove {
        /// Whose.
        owner: BareJid,
        /// Which.
        target: Target,
        /// The revision the removal was decided for.
        revision: Option<Revision>,
    },
    /// Removes all registrations of one service (XEP-0357 §6, disable without node).
    RemoveService {
        /// Whose.
        owner: BareJid,
        /// The push service.
        service: BareJid,
    },
    /// Removes everything known of an account.
    RemoveOwner {
        /// Whose.
        owner: BareJid,
    },
}

impl Change {
    /// Whose account is changed.
    pub fn owner(&self) -> &BareJid {
        match self {
            Self::Enable { owner, .. }
            | Self::Remove { owner, .. }
            | Self::RemoveService { owner, .. }
            | Self::RemoveOwner { owner } => owner,
        }
    }
}

/// What a change did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    /// The registration is stored.
    Enabled,
    /// So many registrations are gone; 0 also when the revision was another.
    Removed(usize),
}

impl Committed {
    /// How many registrations are gone.
    pub const fn removed(&self) -> usize {
        match self {
            Self::Enabled => 0,
            Self::Removed(count) => *count,
        }
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

/// Why a store did not do it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store cannot be used right now: locked, gone, full, too slow. Asking again helps.
    #[error("store unavailable: {reason}")]
    Unavailable {
        /// What is the matter, for the operator.
        reason: String,
    },
    /// The store will not do this however often it is asked: read-only, wrong schema, no permission.
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
