//! The judge of outcomes: what they mean for registrations, with what is known of their push services.
//!
//! Only the push service itself can end a registration, and only when it spoke to the identity it knows: a push service that
//! sees another domain answers item-not-found. It is not believed while it accepts nobody, nor when it ends many at once.

mod domain;
pub(super) mod recent;
#[cfg(test)]
mod tests;

use crate::delivery::DeliveryOutcome;
use crate::hash::Seeded;
use crate::ids::HostId;
use crate::machine::generations::Generations;
use crate::machine::values::Attempt;
use crate::profile::Verdict;
use crate::registration::{Finding, Identity, Next, Status};
use crate::xep::error::{DefinedCondition, StanzaError};
use crate::{Policy, Timestamp};
use domain::{Domain, Whose};

/// Push services remembered in each of two generations.
const MAX_DOMAINS: usize = 10_000;

/// Attempts at a delivery that is refused again and again, for a reason that may be a hiccup: some 30 minutes with the default
/// pauses.
const MAX_REFUSALS: u32 = 6;

/// Keeps the answers of push services in mind, by host and domain.
#[derive(Debug)]
pub(super) struct Judge {
    domains: Generations<u64, Domain>,
    hash: Seeded,
}

impl Judge {
    pub(super) fn new(hash: Seeded) -> Self {
        Self {
            domains: Generations::new(hash, MAX_DOMAINS),
            hash,
        }
    }

    /// Returns what an outcome says about the registration, if anything follows from that.
    pub(super) fn judge(
        &mut self,
        now: Timestamp,
        attempt: Attempt<'_>,
        outcome: &DeliveryOutcome,
        policy: &Policy,
    ) -> Option<Finding> {
        let delivery = attempt.delivery;
        let (target, status) = (&delivery.registration.target, delivery.registration.status);
        let user = self.hash.hash(&delivery.owner);
        let whose = Whose::new(user, self.hash.hash(&(user, target)));
        let domain = self.domain(attempt.host, target.service.domain().as_str());
        let mut finding = match outcome {
            DeliveryOutcome::Accepted => {
                domain.accept(now, whose);
                Finding::Accepted
            }
            DeliveryOutcome::Refused(error) if is_answer(error) => {
                domain.reach(now, whose);
                let verdict = verdict(attempt, error, policy);
                refused(
                    now,
                    domain,
                    whose,
                    attempt,
                    (verdict, error.condition),
                    policy,
                )
            }
            DeliveryOutcome::Refused(_)
            | DeliveryOutcome::Undeliverable(_)
            | DeliveryOutcome::TimedOut => {
                let is_unreachable = domain.ignore(now);
                let reached_at = domain.reached_at();
                is_unreachable.then_some(Finding::Unreachable { reached_at })?
            }
            DeliveryOutcome::NotSent(_) | DeliveryOutcome::Foreign => return None,
        };
        let policy = &policy.status;
        if status.next(finding, now, policy) == Next::Ends
            && let Finding::Over { is_sudden, .. } | Finding::Refused { is_sudden, .. } =
                &mut finding
        {
            *is_sudden = domain.end(now, whose, policy);
        }
        (status.next(finding, now, policy) != Next::Stays).then_some(finding)
    }

    /// Returns how many users of a host a push service has answered within a day.
    pub(super) fn users(&mut self, now: Timestamp, host: HostId, name: &str) -> usize {
        self.domain(host, name).users(now)
    }

    fn domain(&mut self, host: HostId, name: &str) -> &mut Domain {
        let key = self.hash.hash(&(host, name));
        self.domains.entry(key, Domain::new)
    }
}

/// Returns whether another attempt may succeed, where so many have failed before: the delivery did not reach its push service, was
/// not answered, or was refused for a reason that passes. Of other refusals some are hiccups, too: those are tried for a while. One
/// in quarantine has had its try.
pub(super) fn is_passing(
    attempt: Attempt<'_>,
    outcome: &DeliveryOutcome,
    failed: u32,
    policy: &Policy,
) -> bool {
    match outcome {
        _ if matches!(attempt.delivery.registration.status, Status::Quarantined(_)) => false,
        DeliveryOutcome::Accepted | DeliveryOutcome::NotSent(_) => false,
        DeliveryOutcome::Refused(error) if is_answer(error) => {
            match verdict(attempt, error, policy) {
                Verdict::Passes => true,
                Verdict::Counts => failed < MAX_REFUSALS,
                Verdict::Ends => false,
            }
        }
        DeliveryOutcome::Refused(_)
        | DeliveryOutcome::Undeliverable(_)
        | DeliveryOutcome::TimedOut
        | DeliveryOutcome::Foreign => true,
    }
}

/// Returns what a refusal means, as far as the push service can be believed.
fn refused(
    now: Timestamp,
    domain: &mut Domain,
    whose: Whose,
    attempt: Attempt<'_>,
    (verdict, condition): (Verdict, DefinedCondition),
    policy: &Policy,
) -> Finding {
    if verdict == Verdict::Passes {
        return Finding::Answered;
    }
    domain.refuse(whose);
    // One that is quarantined was suspected to be ended by mistake.
    let is_quarantined = matches!(attempt.delivery.registration.status, Status::Quarantined(_));
    let needs_others = verdict == Verdict::Counts || is_quarantined;
    if !attempt.is_healthy || needs_others && !domain.accepts_others(now, whose) {
        domain.doubt(now);
        return Finding::Answered;
    }
    if needs_others && domain.refuses_all(now, &policy.status) {
        return Finding::Answered;
    }
    let is_sudden = false;
    if verdict == Verdict::Ends {
        return Finding::Over {
            condition,
            is_sudden,
        };
    }
    Finding::Refused {
        condition,
        doubted_at: domain.doubted_at(),
        is_sudden,
    }
}

/// Returns whether an error was made by the push service, rather than on the way to it. An own IQ cannot tell by the sender.
fn is_answer(error: &StanzaError) -> bool {
    !matches!(
        error.condition,
        DefinedCondition::RemoteServerNotFound | DefinedCondition::RemoteServerTimeout
    )
}

fn verdict(attempt: Attempt<'_>, error: &StanzaError, policy: &Policy) -> Verdict {
    // Prosody's own bounce when it has no s2s; only an adapter can tell it from the push service's.
    let is_bounce =
        error.condition == DefinedCondition::NotAllowed && attempt.identity != Identity::Server;
    if is_bounce || attempt.identity != attempt.accepted {
        return Verdict::Passes;
    }
    let service = &attempt.delivery.registration.target.service;
    policy.profiles.of(service).verdict(error)
}
