//! Enable and disable: what a request changes.

use crate::machine::values::{ClientRequest, Registrations};
use crate::registration::{MAX_RESOURCE, Registration, Revision, Status, Target};
use crate::report::RequestOutcome;
use crate::row::MAX_KEY;
use crate::store::{Change, Committed, Guard, StoreError};
use crate::xep::push::{Request, RequestError};
use crate::{Policy, Timestamp};
use jid::BareJid;
use std::sync::Arc;

/// Checks the limits that depend on several parts of a request together, and on its sender.
pub(in crate::machine) fn check(
    owner: &BareJid,
    resource: Option<&str>,
    request: Request,
) -> Result<Request, RequestError> {
    if resource.is_some_and(|resource| resource.len() > MAX_RESOURCE) {
        return Err(RequestError::TooLarge {
            what: "the resource",
            limit: MAX_RESOURCE,
        });
    }
    let Request::Enable { target, .. } = &request else {
        return Ok(request);
    };
    let (service, node) = (target.service.as_str(), target.node.as_str());
    if owner.as_str().len() + service.len() + node.len() > MAX_KEY {
        return Err(RequestError::TooLarge {
            what: "your address with the push service's address and its node",
            limit: MAX_KEY,
        });
    }
    Ok(request)
}

/// Returns what the store must do, given the registrations there are; remembers whether one of them is replaced.
pub(super) fn changes(
    asked: &mut ClientRequest,
    owner: &BareJid,
    known: &Registrations,
    revision: Revision,
    now: Timestamp,
    policy: &Policy,
) -> Vec<Change> {
    let owner = owner.clone();
    match &asked.request {
        Request::Disable {
            service,
            node: None,
        } => vec![Change::RemoveService {
            owner,
            service: service.clone(),
            up_to: revision,
        }],
        Request::Disable {
            service,
            node: Some(node),
        } => vec![Change::Remove {
            owner,
            target: Target {
                service: service.clone(),
                node: node.clone(),
            },
            guard: Guard::UpTo(revision),
        }],
        Request::Enable { target, options } => {
            let registration = Registration {
                target: target.clone(),
                options: options.clone(),
                revision,
                status: Status::Active,
                resource: asked.resource.clone(),
                identity: asked.identity,
                enabled_at: now,
            };
            asked.replaces = known.iter().any(|have| have.target == *target);
            let limit = policy.registrations_per_user;
            let evicted = oldest_over(known, limit).filter(|_| !asked.replaces);
            let evict = evicted.map(|have| Change::Remove {
                owner: owner.clone(),
                target: have.target.clone(),
                guard: Guard::Exactly(have.revision),
            });
            let enable = Change::Enable {
                owner,
                registration,
            };
            std::iter::once(enable).chain(evict).collect()
        }
    }
}

/// Returns the removal of a registration that its push service has revoked at `at`. One that was enabled later stays.
pub(in crate::machine) fn revocation(owner: &BareJid, target: Target, at: Timestamp) -> Change {
    Change::Remove {
        owner: owner.clone(),
        target,
        guard: Guard::UpTo(Revision::last_at(at)),
    }
}

/// Returns what became of a request whose changes the store has done.
pub(in crate::machine) fn outcome(
    asked: &ClientRequest,
    changes: &[Change],
    done: &[Committed],
) -> RequestOutcome {
    match asked.request {
        Request::Enable { .. } => RequestOutcome::Enabled {
            replaced: asked.replaces,
            evicted: changes.len() > 1,
        },
        Request::Disable { .. } => {
            RequestOutcome::Disabled(done.iter().map(Committed::removed).sum())
        }
    }
}

/// Returns how a client is told that the store has not done it.
pub(super) const fn refusal(error: &StoreError) -> RequestError {
    match error {
        StoreError::Unavailable { .. } => RequestError::Unavailable,
        _ => RequestError::Refused,
    }
}

/// Returns the registration that has to go so that one more fits.
fn oldest_over(known: &Registrations, limit: usize) -> Option<&Arc<Registration>> {
    let full = known.len() >= limit.max(1);
    let known = known.iter().filter(|_| full);
    known.min_by_key(|have| (have.enabled_at, have.revision))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::HostId;
    use crate::machine::values::ReplyTo;
    use crate::registration::{Identity, PublishOptions, PubsubNode};

    fn owner() -> BareJid {
        BareJid::new("alice@example.org").unwrap()
    }

    fn enable(node: &str) -> ClientRequest {
        let request = Request::Enable {
            target: target(node),
            options: PublishOptions::default(),
        };
        let reply = ReplyTo::Adapter {
            host: HostId::new(0),
            generation: 1,
            number: 1,
        };
        ClientRequest::new(request, None, Identity::Server, reply)
    }

    fn target(node: &str) -> Target {
        Target {
            service: BareJid::new("push.example.net").unwrap(),
            node: PubsubNode::new(node),
        }
    }

    fn changed(asked: &mut ClientRequest, known: &Registrations, limit: usize) -> Vec<Change> {
        let policy = Policy {
            registrations_per_user: limit,
            ..Policy::default()
        };
        let now = Timestamp::from_millis(known.len() as u64);
        let revision = Revision::draw(now, 0, []);
        changes(asked, &owner(), known, revision, now, &policy)
    }

    fn known(nodes: &[&str]) -> Registrations {
        let mut known = Registrations::default();
        for node in nodes {
            for change in changed(&mut enable(node), &known, 99) {
                crate::account::apply(Arc::make_mut(&mut known), &change);
            }
        }
        known
    }

    #[test]
    fn one_more_than_there_may_be_evicts_the_oldest() {
        let known = known(&["b", "a"]);
        let changes = changed(&mut enable("c"), &known, 2);
        assert!(matches!(&changes[1], Change::Remove { target: of, .. } if *of == target("b")));
        assert_eq!(changed(&mut enable("c"), &known, 3).len(), 1);
    }

    #[test]
    fn one_that_replaces_another_evicts_none() {
        let mut asked = enable("a");
        let known = known(&["b", "a"]);
        let changes = changed(&mut asked, &known, 2);
        let enabled = RequestOutcome::Enabled {
            replaced: true,
            evicted: false,
        };
        assert_eq!(outcome(&asked, &changes, &[Committed::Enabled]), enabled);
    }

    #[test]
    fn a_resource_is_no_longer_than_a_resource_can_be() {
        let long = "r".repeat(MAX_RESOURCE + 1);
        let request = || enable("a").request;
        assert!(check(&owner(), Some(&long[1..]), request()).is_ok());
        let error = check(&owner(), Some(&long), request()).unwrap_err();
        assert!(matches!(
            error,
            RequestError::TooLarge {
                what: "the resource",
                ..
            }
        ));
    }
}
