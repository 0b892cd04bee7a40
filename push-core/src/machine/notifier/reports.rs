//! Reports about what the parts return.

use crate::Report;
use crate::Timestamp;
use crate::TraceId;
use crate::delivery::{DeliveryOutcome, Route};
use crate::machine::values::{Finished, Pending, Queued};
use crate::plugin::Reason;
use crate::report::{Decision, PassedOver, PublishEnd, RequestOutcome};
use crate::session::Cause;
use crate::store::Change;
use crate::xep::error::DefinedCondition;
use jid::BareJid;
use std::time::Duration;

/// A missed message that is not worth a notification.
pub(super) fn not_worth_it(
    trace: TraceId,
    owner: &BareJid,
    cause: Cause,
    reason: Reason,
) -> Report {
    Report::Decided {
        trace,
        owner: owner.clone(),
        cause,
        decision: Decision::NotWorthIt,
        reason,
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
        reason: pending.rule.clone(),
        passed_over,
    }
}

/// The end of an attempt.
pub(super) fn finished(now: Timestamp, finished: &Finished) -> Report {
    let waited = now.since(finished.queued.since);
    published(
        &finished.queued,
        finished.route,
        end(&finished.outcome),
        waited.saturating_sub(finished.latency),
        finished.latency,
    )
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

/// A registration that its push service has ended.
pub(super) fn ended(change: Change, condition: DefinedCondition, trace: TraceId) -> Option<Report> {
    let Change::Remove { owner, target, .. } = change else {
        return None;
    };
    Some(Report::Ended {
        trace,
        owner,
        target,
        condition,
    })
}

/// A request that is refused.
pub(super) fn refused(owner: &BareJid, condition: DefinedCondition) -> Report {
    Report::Requested {
        owner: owner.clone(),
        outcome: RequestOutcome::Refused(condition),
    }
}
