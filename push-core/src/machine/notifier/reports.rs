//! Reports about what the parts return.

use super::accounts;
use crate::Report;
use crate::Timestamp;
use crate::TraceId;
use crate::delivery::{DeliveryOutcome, Route};
use crate::machine::values::{Finished, Found, HealthChange, Item, Parked, Pending, Queued};
use crate::plugin::Verdict;
use crate::registration::Finding;
use crate::report::{Decision, DeferredEnd, EndReason, PassedOver, PublishEnd, RequestOutcome};
use crate::session::Cause;
use crate::store::{Change, Committed};
use crate::xep::error::DefinedCondition;
use jid::BareJid;
use std::time::Duration;

/// A missed message that is not worth a notification.
pub(super) fn not_worth_it(
    trace: TraceId,
    owner: &BareJid,
    cause: Cause,
    verdict: &Verdict,
) -> Report {
    Report::Decided {
        trace,
        owner: owner.clone(),
        cause,
        decision: Decision::NotWorthIt,
        reason: verdict.reason().clone(),
        shadow: verdict.shadow().cloned(),
        passed_over: Vec::new(),
    }
}

/// A missed message that is.
pub(super) fn decided(
    owner: &BareJid,
    pending: &Pending,
    decision: Decision,
    passed_over: Vec<PassedOver>,
) -> Report {
    Report::Decided {
        trace: pending.trace,
        owner: owner.clone(),
        cause: pending.cause,
        decision,
        reason: pending.verdict.reason().clone(),
        shadow: pending.verdict.shadow().cloned(),
        passed_over,
    }
}

/// The end of an attempt.
pub(super) fn finished(now: Timestamp, finished: &Finished) -> Report {
    let waited = now.since(finished.queued.since);
    published(
        &finished.queued,
        finished.place.route,
        end(&finished.outcome),
        waited.saturating_sub(finished.latency),
        finished.latency,
    )
}

/// A delivery that waits at its adapter.
pub(super) fn deferred(queued: &Queued, not_before: Timestamp) -> Report {
    let delivery = &queued.delivery;
    Report::Deferred {
        trace: delivery.trace,
        owner: delivery.owner.clone(),
        service: delivery.registration.target.service.clone(),
        not_before,
    }
}

/// A deferred delivery that is over.
pub(super) fn deferred_end(parked: &Parked, end: DeferredEnd) -> Report {
    Report::DeferredEnded {
        trace: parked.trace,
        service: parked.registration.target.service.clone(),
        end,
    }
}

/// A push service that fares otherwise, as far as that is notable.
pub(super) fn health(queued: &Queued, change: HealthChange) -> Option<Report> {
    let service = &queued.delivery.registration.target.service;
    let host = queued.delivery.owner.domain().to_string();
    let service = service.domain().to_string();
    match change {
        HealthChange::Better { was_open: false } => None,
        HealthChange::Better { was_open: true } => Some(Report::BreakerClosed { host, service }),
        HealthChange::Worse { pause } => Some(Report::BreakerOpened {
            host,
            service,
            pause,
        }),
    }
}

/// A delivery that was given up before it was sent.
pub(super) fn unsent(now: Timestamp, queued: &Queued, end: PublishEnd) -> Report {
    let route = Route::from(queued.delivery.registration.identity);
    published(queued, route, end, now.since(queued.since), Duration::ZERO)
}

fn published(
    queued: &Queued,
    route: Route,
    end: PublishEnd,
    waited: Duration,
    latency: Duration,
) -> Report {
    let delivery = &queued.delivery;
    Report::Published {
        trace: delivery.trace,
        owner: delivery.owner.clone(),
        service: delivery.registration.target.service.clone(),
        route,
        end,
        waited,
        latency,
    }
}

fn end(outcome: &DeliveryOutcome) -> PublishEnd {
    match outcome {
        DeliveryOutcome::Accepted => PublishEnd::Accepted,
        DeliveryOutcome::Refused(error) => PublishEnd::Refused(error.condition),
        DeliveryOutcome::Undeliverable(error) => PublishEnd::Undeliverable(error.condition),
        DeliveryOutcome::NotSent(error) => PublishEnd::NotSent(error.condition),
        DeliveryOutcome::Foreign => PublishEnd::Foreign,
        DeliveryOutcome::TimedOut => PublishEnd::TimedOut,
    }
}

/// Tells of an item whose changes the store has made, if that is notable.
pub(super) fn done(
    owner: &BareJid,
    item: &Item,
    changes: &[Change],
    done: &[Committed],
) -> Option<Report> {
    let owner = owner.clone();
    match item {
        Item::Request(asked) => Some(Report::Requested {
            owner,
            outcome: accounts::outcome(asked, changes, done),
        }),
        Item::Forget(_) => Some(Report::Forgotten { owner }),
        Item::Found(found) => settled(owner, found, changes, done),
        Item::Revoked { change, .. } => revoked(owner, change, done),
        Item::Pending(_) | Item::RemoveAgain(_) => None,
    }
}

fn settled(
    owner: BareJid,
    found: &Found,
    changes: &[Change],
    done: &[Committed],
) -> Option<Report> {
    let (target, trace) = (found.target.clone(), found.trace);
    match (changes, done) {
        ([Change::Settle { status, .. }], [Committed::Settled]) => Some(Report::Settled {
            trace,
            owner,
            target,
            status: *status,
        }),
        (_, [Committed::Removed(1)]) => Some(Report::Ended {
            trace: Some(trace),
            owner,
            target,
            reason: reason(found.finding)?,
        }),
        _ => None,
    }
}

fn reason(finding: Finding) -> Option<EndReason> {
    match finding {
        Finding::Over { condition, .. } => Some(EndReason::Refused(condition)),
        Finding::Refused { condition, .. } => Some(EndReason::RefusedForDays(condition)),
        Finding::Unreachable { .. } => Some(EndReason::Unreachable),
        Finding::Accepted | Finding::Answered => None,
    }
}

fn revoked(owner: BareJid, change: &Change, done: &[Committed]) -> Option<Report> {
    let Change::Remove { target, .. } = change else {
        return None;
    };
    let is_removed = done == [Committed::Removed(1)];
    is_removed.then(|| Report::Ended {
        trace: None,
        owner,
        target: target.clone(),
        reason: EndReason::Revoked,
    })
}

/// A request that is refused.
pub(super) fn refused(owner: &BareJid, condition: DefinedCondition) -> Report {
    Report::Requested {
        owner: owner.clone(),
        outcome: RequestOutcome::Refused(condition),
    }
}
