//! One user and their registrations.

use crate::registration::{Registration, Target};
use crate::store::{Change, Committed, Guard};
use jid::BareJid;
use std::borrow::Borrow;

/// A user and their registrations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Whose account it is.
    pub owner: BareJid,
    /// By service and node; never two of one target.
    pub registrations: Vec<Registration>,
}

impl Account {
    /// Returns the account of somebody who has enabled nothing.
    pub fn empty(owner: BareJid) -> Self {
        Self {
            owner,
            registrations: Vec::new(),
        }
    }

    /// Returns the registration of `target`.
    pub fn registration(&self, target: &Target) -> Option<&Registration> {
        let mut registrations = self.registrations.iter();
        registrations.find(|registration| registration.target == *target)
    }

    /// Applies a change of this account as every store does, and returns what a store answers.
    pub fn apply(&mut self, change: &Change) -> Committed {
        apply(&mut self.registrations, change)
    }
}

/// Applies `change` to the registrations of its owner, which are sorted by target.
pub(crate) fn apply<R>(registrations: &mut Vec<R>, change: &Change) -> Committed
where
    R: Borrow<Registration> + From<Registration>,
{
    match change {
        Change::Enable { registration, .. } => enable(registrations, registration),
        Change::Settle {
            target,
            revision,
            status,
            ..
        } => {
            let meant = |have: &&mut R| {
                let have: &Registration = (**have).borrow();
                have.target == *target && have.revision == *revision
            };
            let Some(have) = registrations.iter_mut().find(meant) else {
                return Committed::Superseded;
            };
            let settled = Registration {
                status: *status,
                ..(*have).borrow().clone()
            };
            *have = settled.into();
            Committed::Settled
        }
        Change::Remove { target, guard, .. } => {
            remove(registrations, *guard, |have| have == target)
        }
        Change::RemoveService { service, up_to, .. } => {
            remove(registrations, Guard::UpTo(*up_to), |have| {
                have.service == *service
            })
        }
        Change::RemoveOwner { up_to, .. } => remove(registrations, Guard::UpTo(*up_to), |_| true),
    }
}

fn enable<R>(registrations: &mut Vec<R>, registration: &Registration) -> Committed
where
    R: Borrow<Registration> + From<Registration>,
{
    let by_target = |have: &R| have.borrow().target.cmp(&registration.target);
    match registrations.binary_search_by(by_target) {
        Ok(at) if registrations[at].borrow().revision > registration.revision => {
            return Committed::Superseded;
        }
        Ok(at) => registrations[at] = registration.clone().into(),
        Err(at) => registrations.insert(at, registration.clone().into()),
    }
    Committed::Enabled
}

fn remove<R: Borrow<Registration>>(
    registrations: &mut Vec<R>,
    guard: Guard,
    is_meant: impl Fn(&Target) -> bool,
) -> Committed {
    let before = registrations.len();
    registrations.retain(|have| {
        let have = have.borrow();
        !is_meant(&have.target) || !guard.admits(have.revision)
    });
    Committed::Removed(before - registrations.len())
}
