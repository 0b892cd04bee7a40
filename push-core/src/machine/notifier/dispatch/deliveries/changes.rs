//! Applies changes of an account to deliveries that wait.

use crate::registration::Registration;
use crate::store::Change;

/// Returns whether a change is the end of a registration; of one that was enabled later it is not.
pub(in super::super) fn removes(change: &Change, have: &Registration) -> bool {
    let target = &have.target;
    match change {
        Change::Remove {
            target: of, guard, ..
        } => target == of && guard.admits(have.revision),
        Change::RemoveService { service, up_to, .. } => {
            target.service == *service && have.revision <= *up_to
        }
        Change::RemoveOwner { up_to, .. } => have.revision <= *up_to,
        Change::Enable { .. } | Change::Settle { .. } => false,
    }
}
