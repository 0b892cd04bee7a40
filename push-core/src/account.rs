//! One user and their registrations.

use crate::registration::{Registration, Target};
use crate::store::{Change, Committed, Guard};
use jid::BareJid;
use std::borrow::Borrow;

/// A user and their registrations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The user.
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

    /// Drops registrations whose options could not be opened: published without them, a push service would refuse, and thus
    /// end, the registration. Returns how many.
    pub(crate) fn leave_out_sealed(&mut self) -> usize {
        let before = self.registrations.len();
        let is_open = |have: &Registration| have.options.as_sealed().is_none();
        self.registrations.retain(is_open);
        before - self.registrations.len()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;
    use crate::registration::{Identity, PublishOptions, PubsubNode, Revision, Status, Trouble};
    use std::sync::Arc;

    fn owner() -> BareJid {
        BareJid::new("alice@example.org").unwrap()
    }

    fn target(node: &str) -> Target {
        Target {
            service: BareJid::new("push.example.net").unwrap(),
            node: PubsubNode::new(node),
        }
    }

    fn registration(node: &str, revision: u64) -> Registration {
        Registration {
            target: target(node),
            options: PublishOptions::default(),
            revision: Revision::new(revision),
            status: Status::Active,
            resource: None,
            identity: Identity::Server,
            enabled_at: Timestamp::default(),
        }
    }

    fn enable(node: &str, revision: u64) -> Change {
        Change::Enable {
            owner: owner(),
            registration: registration(node, revision),
        }
    }

    fn remove(node: &str, guard: Guard) -> Change {
        Change::Remove {
            owner: owner(),
            target: target(node),
            guard,
        }
    }

    fn remove_service(service: &str, up_to: u64) -> Change {
        Change::RemoveService {
            owner: owner(),
            service: BareJid::new(service).unwrap(),
            up_to: Revision::new(up_to),
        }
    }

    fn remove_all(up_to: u64) -> Change {
        Change::RemoveOwner {
            owner: owner(),
            up_to: Revision::new(up_to),
        }
    }

    fn settle(node: &str, revision: u64) -> Change {
        Change::Settle {
            owner: owner(),
            target: target(node),
            revision: Revision::new(revision),
            status: Status::Quarantined(Trouble {
                since: Timestamp::default(),
                last: Timestamp::default(),
                days: 1,
                refusals: 1,
            }),
        }
    }

    /// A change, the store's answer to it, and the node and revision of all that is left.
    type Case = (Change, Committed, &'static [(&'static str, u64)]);

    /// Applies each change to registrations `a` at revision 2 and `c` at revision 4.
    fn check<R>(changes: &[Case])
    where
        R: Borrow<Registration> + From<Registration>,
    {
        for (change, done, left) in changes {
            let mut have: Vec<R> = vec![registration("a", 2).into(), registration("c", 4).into()];
            assert_eq!(apply(&mut have, change), *done, "{change:?}");
            let have: Vec<_> = have
                .iter()
                .map(|one| {
                    let one: &Registration = one.borrow();
                    (one.target.node.as_str(), one.revision.as_u64())
                })
                .collect();
            assert_eq!(have, *left, "{change:?}");
        }
    }

    #[test]
    fn every_change_does_what_it_is_allowed_to() {
        use Committed::{Enabled, Removed, Settled, Superseded};
        let (exactly, up_to) = (
            |revision| Guard::Exactly(Revision::new(revision)),
            |revision| Guard::UpTo(Revision::new(revision)),
        );
        let both: &'static [_] = &[("a", 2), ("c", 4)];
        let changes: [Case; 14] = [
            (enable("b", 1), Enabled, &[("a", 2), ("b", 1), ("c", 4)]),
            (enable("a", 3), Enabled, &[("a", 3), ("c", 4)]),
            (enable("a", 2), Enabled, both),
            (enable("a", 1), Superseded, both),
            (settle("a", 2), Settled, both),
            (settle("a", 1), Superseded, both),
            (remove("a", exactly(2)), Removed(1), &[("c", 4)]),
            (remove("a", exactly(3)), Removed(0), both),
            (remove("c", up_to(4)), Removed(1), &[("a", 2)]),
            (remove("c", up_to(3)), Removed(0), both),
            (remove_service("push.example.net", 4), Removed(2), &[]),
            (remove_service("other.example.net", 4), Removed(0), both),
            (remove_all(3), Removed(1), &[("c", 4)]),
            (remove_all(4), Removed(2), &[]),
        ];
        check::<Registration>(&changes);
        check::<Arc<Registration>>(&changes);
    }

    #[test]
    fn a_settled_registration_has_only_another_status() {
        let mut account = Account::empty(owner());
        account.apply(&enable("a", 2));
        account.apply(&settle("a", 2));
        let settled = account.registration(&target("a")).unwrap();
        assert_eq!(settled.status.as_str(), "quarantined");
        assert_eq!(settled.revision, Revision::new(2));
    }
}
