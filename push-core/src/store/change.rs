//! Changes of accounts, and what each of them did.

use crate::registration::{Registration, Revision, Status, Target};
use jid::BareJid;

/// One change of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// Adds a registration, or replaces the one of the same target whole, unless that has a later revision.
    Enable {
        /// Whose.
        owner: BareJid,
        /// The registration as it shall be.
        registration: Registration,
    },
    /// Sets the status of one registration, only if it still has `revision`.
    Settle {
        /// Whose.
        owner: BareJid,
        /// Which.
        target: Target,
        /// The revision the status was found for.
        revision: Revision,
        /// How it fares.
        status: Status,
    },
    /// Removes one registration, if `guard` lets it.
    Remove {
        /// Whose.
        owner: BareJid,
        /// Which.
        target: Target,
        /// Which revisions may be removed.
        guard: Guard,
    },
    /// Removes all registrations of one service (XEP-0357 §6, disable without node).
    RemoveService {
        /// Whose.
        owner: BareJid,
        /// The push service.
        service: BareJid,
        /// Later revisions stay.
        up_to: Revision,
    },
    /// Removes everything known of an account.
    RemoveOwner {
        /// Whose.
        owner: BareJid,
        /// Later revisions stay.
        up_to: Revision,
    },
}

/// Which revisions of a registration a removal is meant for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// This one: what was decided for one revision must not hit another.
    Exactly(Revision),
    /// All up to this: somebody asked for it, whichever it was.
    UpTo(Revision),
}

impl Guard {
    /// Whether a registration of that revision is meant.
    pub fn admits(self, revision: Revision) -> bool {
        match self {
            Self::Exactly(this) => revision == this,
            Self::UpTo(last) => revision <= last,
        }
    }
}

impl Change {
    /// Returns the owner of the changed account.
    pub fn owner(&self) -> &BareJid {
        match self {
            Self::Enable { owner, .. }
            | Self::Settle { owner, .. }
            | Self::Remove { owner, .. }
            | Self::RemoveService { owner, .. }
            | Self::RemoveOwner { owner, .. } => owner,
        }
    }
}

/// The effect of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Committed {
    /// The registration is stored.
    Enabled,
    /// The status is stored.
    Settled,
    /// So many registrations are gone; 0 also when the revision was another.
    Removed(usize),
    /// An enable that met a later revision, or a settling that met another one or none: nothing has changed.
    Superseded,
}

impl Committed {
    /// How many registrations are gone.
    pub const fn removed(&self) -> usize {
        match self {
            Self::Removed(count) => *count,
            Self::Enabled | Self::Settled | Self::Superseded => 0,
        }
    }
}
