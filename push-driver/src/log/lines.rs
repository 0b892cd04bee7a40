//! The lines that each report has.

use push_core::plugin::Reason;
use push_core::report::RequestOutcome;
use push_core::transport::DownReason;
use push_core::{Report, TraceId};
use tracing::{debug, error, info, warn};

/// Logs a report by itself: at `debug` whatever can come with every message.
pub(super) fn line(report: &Report) {
    match report {
        Report::StreamUp => info!("connected to the server"),
        Report::StreamDown(reason) => stream_down(reason),
        Report::Skipped { bytes, .. } => debug!(bytes, "stanza passed over"),
        Report::Attached { host, software, .. } => info!(host, software, "adapter attached"),
        Report::Detached { host, .. } => warn!(host, "adapter detached"),
        Report::NoAdapter { host, .. } => info!(host, "no adapter at this host"),
        Report::WrongVersion { host, version, .. } => {
            error!(
                host,
                version,
                "the adapter speaks another version of the link: install the one of this release"
            );
        }
        Report::AdapterDropped { host, count, .. } => {
            error!(
                host,
                count, "the adapter's buffer was full and wake-ups were dropped: raise its bounds"
            );
        }
        Report::Delegated { host, .. } => info!(host, "the server delegates urn:xmpp:push:0"),
        Report::IdentityChosen { host, identity, .. } => {
            info!(host, ?identity, "publishing under this identity")
        }
        Report::Untrusted { what, .. } => debug!(what, "passed over"),
        Report::Requested { owner, outcome, .. } => requested(owner.as_str(), *outcome),
        Report::Decided { .. } => decided(report),
        Report::Joined { trace, into, .. } => {
            let (trace, into) = (trace.as_u64(), into.as_u64());
            debug!(trace, into, "missed message joined with one that waits");
        }
        Report::Published { .. } => published(report),
        Report::Deferred {
            trace,
            owner,
            service,
            not_before,
            ..
        } => {
            let (owner, service) = (owner.as_str(), service.as_str());
            let (trace, not_before) = (trace.as_u64(), not_before.as_millis());
            debug!(trace, owner, service, not_before, "notification deferred");
        }
        Report::DeferredEnded {
            trace,
            service,
            end,
            ..
        } => {
            let (trace, service) = (trace.as_u64(), service.as_str());
            debug!(trace, service, ?end, "deferral ended");
        }
        Report::BreakerOpened {
            host,
            service,
            pause,
            ..
        } => debug!(host, service, ?pause, "breaker opened"),
        Report::BreakerClosed { host, service, .. } => debug!(host, service, "breaker closed"),
        Report::Settled {
            trace,
            owner,
            target,
            status,
            ..
        } => {
            let (owner, service) = (owner.as_str(), target.service.as_str());
            let (trace, status) = (trace.as_u64(), status.as_str());
            debug!(
                trace,
                owner, service, status, "registration fares otherwise"
            );
        }
        Report::Ended {
            trace,
            owner,
            target,
            reason,
            ..
        } => {
            let (owner, service) = (owner.as_str(), target.service.as_str());
            let trace = trace.map(TraceId::as_u64);
            debug!(trace, owner, service, ?reason, "registration ended");
        }
        Report::Forgotten { owner, .. } => debug!(owner = owner.as_str(), "account forgotten"),
        Report::StoreFailed { error, .. } => debug!(error, "store failed"),
        Report::Corrupt { owner, rows, .. } => {
            let owner = owner.as_str();
            debug!(owner, rows, "account with unreadable registrations");
        }
        Report::Overloaded => debug!("missed message dropped"),
        other => debug!(report = ?std::mem::discriminant(other), "unknown report of the core"),
    }
}

fn stream_down(reason: &DownReason) {
    match reason {
        DownReason::NotAuthorized => {
            error!(%reason, "not connected: compare component.secret with the server's configuration");
        }
        DownReason::Conflict => {
            error!(%reason, "not connected: is another instance running, or another component of that name?");
        }
        DownReason::Closed => info!(%reason, "not connected"),
        _ => warn!(%reason, "not connected"),
    }
}

fn requested(owner: &str, outcome: RequestOutcome) {
    match outcome {
        RequestOutcome::Enabled { replaced, evicted } => {
            debug!(owner, replaced, evicted, "enabled")
        }
        RequestOutcome::Disabled(count) => debug!(owner, count, "disabled"),
        RequestOutcome::Refused(condition) => {
            debug!(owner, condition = condition.as_str(), "request refused")
        }
    }
}

fn decided(report: &Report) {
    let Report::Decided {
        trace,
        owner,
        cause,
        decision,
        reason,
        shadow,
        passed_over,
        ..
    } = report
    else {
        return;
    };
    let (owner, cause) = (owner.as_str(), cause.as_str());
    let (trace, reason) = (trace.as_u64(), reason.as_str());
    let shadow = shadow.as_ref().map(Reason::as_str);
    debug!(
        trace,
        owner,
        cause,
        ?decision,
        reason,
        shadow,
        "missed message"
    );
    for passed_over in passed_over {
        let service = passed_over.registration.target.service.as_str();
        let reason = passed_over.reason.as_str();
        debug!(trace, owner, service, reason, "registration passed over");
    }
}

fn published(report: &Report) {
    let Report::Published {
        trace,
        owner,
        service,
        route,
        end,
        waited,
        latency,
        ..
    } = report
    else {
        return;
    };
    let (owner, service) = (owner.as_str(), service.as_str());
    let trace = trace.as_u64();
    debug!(
        trace,
        owner,
        service,
        ?route,
        ?end,
        ?waited,
        ?latency,
        "publish ended"
    );
}
