//! Findings about registrations: those that have to be written, and those that are only remembered.

use crate::action::Query;
use crate::machine::values::{Found, Registrations};
use crate::registration::{Next, StatusPolicy};
use crate::store::Change;
use jid::BareJid;

/// Something that follows from a finding.
#[derive(Debug)]
pub(super) enum Follows {
    Write(Change),
    /// In the cache alone: one more refusal of the same day.
    Remember(Change),
    Nothing,
}

/// Returns what follows for the registration among those that a user has; nothing for one that was enabled anew or is gone.
pub(super) fn follows(
    found: &Found,
    owner: &BareJid,
    known: &Registrations,
    policy: &StatusPolicy,
) -> Follows {
    let mut known = known.iter();
    let meant = known.find(|have| have.target == found.target && have.revision == found.revision);
    match meant.map_or(Next::Stays, |have| found.next(have, policy)) {
        Next::Stays => Follows::Nothing,
        Next::Counts(status) => Follows::Remember(found.settle(owner, status)),
        Next::Becomes(status) => Follows::Write(found.settle(owner, status)),
        Next::Ends => Follows::Write(found.end(owner)),
    }
}

/// Returns whether a question to the store only sets a status. If that fails it is not asked again: the next outcome says the same,
/// and nobody shall wait for it.
pub(super) fn is_status(query: &Query) -> bool {
    let Query::Commit(changes) = query else {
        return false;
    };
    changes
        .iter()
        .all(|change| matches!(change, Change::Settle { .. }))
}
