//! Enable and disable: from the client's request to its answer.

use super::Machine;
use super::cache::{Registrations, disable};
use super::lanes::Item;
use crate::Timestamp;
use crate::action::{Action, Outbound};
use crate::link::{LinkRequest, ToAdapter};
use crate::registration::{Identity, Registration, Revision, Status};
use crate::report::{Report, RequestOutcome};
use crate::row::MAX_KEY;
use crate::store::{Change, Committed, Guard};
use crate::xep::delegation::DelegatedAnswer;
use crate::xep::error::StanzaError;
use crate::xep::iq::Answer;
use crate::xep::push::{Request, RequestError, read_request};
use jid::BareJid;
use std::sync::Arc;

/// A request that is carried out.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) request: Request,
    pub(super) resource: Option<String>,
    /// Who publishes for this user are from.
    pub(super) identity: Identity,
    pub(super) reply: ReplyTo,
    /// As far as it is known before the store has answered.
    outcome: RequestOutcome,
}

/// Who waits for the answer.
#[derive(Debug)]
pub(super) enum ReplyTo {
    /// The adapter of a host.
    Adapter {
        host: usize,
        /// Which of the host's epochs the number belongs to.
        generation: u64,
        number: u64,
    },
    /// A server that delegates; the answer is complete but for what it says.
    Delegation(Box<DelegatedAnswer>),
}

impl Asked {
    /// What the store must do; empty when there is nothing to change. Remembers what the outcome will be.
    pub(super) fn changes(
        &mut self,
        owner: &BareJid,
        known: &Registrations,
        now: Timestamp,
        revision: Revision,
        limit: usize,
    ) -> Vec<Change> {
        let owner = owner.clone();
        match &self.request {
            Request::Disable { service, node } => {
                let service = service.clone();
                vec![match node.clone() {
                    None => Change::RemoveService {
                        owner,
                        service,
                        up_to: revision,
                    },
                    Some(node) => Change::Remove {
                        owner,
                        target: crate::registration::Target { service, node },
                        guard: Guard::UpTo(revision),
                    },
                }]
            }
            Request::Enable { target, options } => {
                let registration = Registration {
                    target: target.clone(),
                    options: options.clone(),
                    revision,
                    status: Status::Active,
                    resource: self.resource.clone(),
                    identity: self.identity,
                    enabled_at: now,
                };
                let replaced = known.iter().any(|have| have.target == *target);
                let evicted = oldest_over(known, limit).filter(|_| !replaced);
                self.outcome = RequestOutcome::Enabled {
                    replaced,
                    evicted: evicted.is_some(),
                };
                let evict = evicted.map(|have| Change::Remove {
                    owner: owner.clone(),
                    target: have.target.clone(),
                    guard: Guard::Exactly(have.revision),
                });
                std::iter::once(Change::Enable {
                    owner,
                    registration,
                })
                .chain(evict)
                .collect()
            }
        }
    }
}

/// Parts that are each within their limit may be too much together.
fn fits_key(owner: &BareJid, request: &Request) -> Result<(), RequestError> {
    let Request::Enable { target, .. } = request else {
        return Ok(());
    };
    let parts = [
        owner.as_str(),
        target.service.as_str(),
        target.node.as_str(),
    ];
    if parts.map(str::len).iter().sum::<usize>() <= MAX_KEY {
        return Ok(());
    }
    Err(RequestError::TooLarge {
        what: "your address with the push service's address and its node",
        limit: MAX_KEY,
    })
}

/// The registration that has to go so that one more fits.
fn oldest_over(known: &Registrations, limit: usize) -> Option<&Arc<Registration>> {
    let full = known.len() >= limit.max(1);
    known
        .iter()
        .filter(|_| full)
        .min_by_key(|have| (have.enabled_at, have.revision))
}

impl Machine {
    /// A request an adapter relays; the adapter has checked that it is for the sender's own account.
    pub(super) fn link_request(&mut self, now: Timestamp, host: usize, request: &LinkRequest<'_>) {
        let reply = ReplyTo::Adapter {
            host,
            generation: self.hosts[host].generation,
            number: request.number,
        };
        let Some(owner) = self.owner(host, request.user) else {
            let error = RequestError::Malformed("the user is not one of this host");
            return self.reply(&reply, Err(StanzaError::from(&error)));
        };
        let payload = request
            .payload
            .ok_or(RequestError::Malformed("the request is empty"));
        let parsed = payload.and_then(|payload| read_request(payload, &self.policy().request));
        self.requested(now, host, &owner, request.resource, parsed, reply);
    }

    pub(super) fn requested(
        &mut self,
        now: Timestamp,
        host: usize,
        owner: &BareJid,
        resource: Option<&str>,
        parsed: Result<Request, RequestError>,
        reply: ReplyTo,
    ) {
        let busy = self.waiting() >= self.policy().max_queue;
        let parsed = parsed.and_then(|request| {
            if busy {
                return Err(RequestError::Busy);
            }
            fits_key(owner, &request).map(|()| request)
        });
        match parsed {
            Err(error) => self.refuse(owner, &reply, &error),
            Ok(request) => {
                let identity = self.identity(host);
                let resource = resource.map(str::to_owned);
                let outcome = RequestOutcome::Disabled(0);
                let asked = Asked {
                    request,
                    resource,
                    identity,
                    reply,
                    outcome,
                };
                self.enqueue(now, owner, Item::Request(asked));
            }
        }
    }

    /// The store has what the request asked for.
    pub(super) fn request_done(
        &mut self,
        owner: &BareJid,
        asked: &Asked,
        changes: &[Change],
        done: &[Committed],
    ) {
        self.apply(owner, changes);
        let mut outcome = asked.outcome;
        match &asked.request {
            Request::Enable { .. } => {
                if let Some(host) = self.hosts.find(owner.domain().as_str()) {
                    self.state_user(host, owner, true);
                }
                for change in changes {
                    match change {
                        Change::Enable { registration, .. } => {
                            self.renew_publishes(owner, registration);
                        }
                        Change::Remove { target, .. } => {
                            self.withdraw_publishes(owner, |other| other == target);
                        }
                        _ => {}
                    }
                }
            }
            Request::Disable { service, node } => {
                outcome = RequestOutcome::Disabled(done.iter().map(Committed::removed).sum());
                self.withdraw_publishes(owner, |target| {
                    target.service == *service
                        && node.as_ref().is_none_or(|node| target.node == *node)
                });
            }
        }
        self.report(Report::Requested {
            owner: owner.clone(),
            outcome,
        });
        self.reply(&asked.reply, Ok(()));
    }

    pub(super) fn refuse(&mut self, owner: &BareJid, reply: &ReplyTo, error: &RequestError) {
        let error = StanzaError::from(error);
        let outcome = RequestOutcome::Refused(error.condition);
        self.report(Report::Requested {
            owner: owner.clone(),
            outcome,
        });
        self.reply(reply, Err(error));
    }

    /// Brings the cache up to what the store has.
    pub(super) fn apply(&mut self, owner: &BareJid, changes: &[Change]) {
        for change in changes {
            self.cache.update(owner, |known| match change {
                Change::Enable { registration, .. } => {
                    disable(
                        known,
                        &registration.target.service,
                        Some(&registration.target.node),
                    );
                    known.push(Arc::new(registration.clone()));
                    known.sort_by(|one, other| one.target.cmp(&other.target));
                }
                Change::Remove { target, .. } => {
                    disable(known, &target.service, Some(&target.node));
                }
                Change::RemoveService { service, .. } => {
                    disable(known, service, None);
                }
                Change::RemoveOwner { .. } => known.clear(),
                Change::Settle { target, status, .. } => {
                    for have in known.iter_mut().filter(|have| have.target == *target) {
                        Arc::make_mut(have).status = *status;
                    }
                }
            });
        }
    }

    fn reply(&mut self, reply: &ReplyTo, answer: Result<(), StanzaError>) {
        match reply {
            ReplyTo::Adapter {
                host,
                generation,
                number,
            } => {
                let host = &mut self.hosts[*host];
                if host.is_attached() && host.generation == *generation {
                    host.outbox.push(ToAdapter::Answer {
                        number: *number,
                        answer,
                    });
                }
            }
            ReplyTo::Delegation(wrapper) => {
                let mut wrapper = (**wrapper).clone();
                wrapper.inner.answer = answer.map_or_else(Answer::Error, |()| Answer::Done);
                self.actions
                    .push_back(Action::Send(Outbound::Delegated(wrapper)));
            }
        }
    }
}
