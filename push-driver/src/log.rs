//! Reports as log lines: error = somebody must act, warn = a peer misbehaves or something is degraded,
//! info = the life of the process, debug = one request or message. JIDs at debug only; never a node, option or body.

use push_core::Report;
use push_core::report::{PublishEnd, RequestOutcome};
use push_core::transport::DownReason;
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::Instant;
use tracing::{debug, error, info, warn};

/// How often the same complaint is logged at most.
const REPEAT: Duration = Duration::from_secs(10);

/// Logs reports; complaints that can come with every message only now and then, with their number.
#[derive(Debug, Default)]
pub(crate) struct Log {
    complaints: HashMap<Complaint, (Instant, u64)>,
}

/// What can come with every message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Complaint {
    /// Nobody was woken.
    Publish(PublishEnd),
    Overloaded,
    Skipped,
    Untrusted(&'static str),
    StoreFailed,
}

impl Complaint {
    fn of(report: &Report) -> Option<Self> {
        match report {
            Report::Published {
                end: PublishEnd::Accepted | PublishEnd::Withdrawn | PublishEnd::Expired,
                ..
            } => None,
            Report::Published { end, .. } => Some(Self::Publish(*end)),
            Report::Overloaded => Some(Self::Overloaded),
            Report::Skipped { .. } => Some(Self::Skipped),
            Report::Untrusted { what } => Some(Self::Untrusted(what)),
            Report::StoreFailed { .. } => Some(Self::StoreFailed),
            _ => None,
        }
    }
}

impl Log {
    pub(crate) fn report(&mut self, report: &Report) {
        if let Some(complaint) = Complaint::of(report) {
            self.complain(complaint, report);
        }
        line(report);
    }

    /// At once the first time, then with the number of those since.
    fn complain(&mut self, complaint: Complaint, report: &Report) {
        let now = Instant::now();
        let (since, count) = self.complaints.entry(complaint).or_insert((now, 0));
        *count += 1;
        if *count == 1 || now.duration_since(*since) >= REPEAT {
            complain(complaint, report, *count);
            // What follows is counted from here; the 1 keeps it from being told at once.
            (*since, *count) = (now, 1);
        }
    }
}

fn line(report: &Report) {
    match report {
        Report::StreamUp => info!("connected to the server"),
        Report::StreamDown(reason) => stream_down(reason),
        Report::Skipped { bytes } => debug!(bytes, "stanza passed over"),
        Report::Attached { host, software } => info!(host, software, "adapter attached"),
        Report::Detached { host } => warn!(host, "adapter detached"),
        Report::NoAdapter { host } => info!(host, "no adapter at this host"),
        Report::WrongVersion { host, version } => {
            error!(
                host,
                version,
                "the adapter speaks another version of the link: install the one of this release"
            );
        }
        Report::AdapterDropped { host, count } => {
            error!(
                host,
                count, "the adapter's buffer was full and wake-ups were dropped: raise its bounds"
            );
        }
        Report::Delegated { host } => info!(host, "the server delegates urn:xmpp:push:0"),
        Report::IdentityChosen { host, identity } => {
            info!(host, ?identity, "publishing under this identity")
        }
        Report::Untrusted { what } => debug!(what, "passed over"),
        Report::Requested { owner, outcome } => requested(owner.as_str(), *outcome),
        Report::Decided { .. } => decided(report),
        Report::Joined { trace, into } => {
            let (trace, into) = (trace.as_u64(), into.as_u64());
            debug!(trace, into, "missed message joined with one that waits");
        }
        Report::Published {
            trace,
            owner,
            service,
            route,
            end,
            waited,
            latency,
        } => {
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
        Report::Ended {
            trace,
            owner,
            target,
            condition,
        } => {
            let (owner, service) = (owner.as_str(), target.service.as_str());
            info!(
                condition = condition.as_str(),
                "a push service has ended a registration"
            );
            debug!(
                trace = trace.as_u64(),
                owner,
                service,
                condition = condition.as_str(),
                "registration ended"
            );
        }
        Report::Forgotten { owner } => debug!(owner = owner.as_str(), "account forgotten"),
        Report::StoreFailed { error } => debug!(error, "store failed"),
        Report::Corrupt { owner, rows } => {
            error!(
                rows,
                "stored registrations cannot be read and were passed over"
            );
            debug!(
                owner = owner.as_str(),
                "account with unreadable registrations"
            );
        }
        Report::Overloaded => debug!("missed message dropped"),
        other => error!(report = ?std::mem::discriminant(other), "unknown report of the core"),
    }
}

fn decided(report: &Report) {
    let Report::Decided {
        trace,
        owner,
        cause,
        decision,
        reason,
        passed_over,
    } = report
    else {
        return;
    };
    let (owner, cause) = (owner.as_str(), cause.as_str());
    let (trace, reason) = (trace.as_u64(), reason.as_str());
    debug!(trace, owner, cause, ?decision, reason, "missed message");
    for passed_over in passed_over {
        let service = passed_over.registration.target.service.as_str();
        let reason = passed_over.reason.as_str();
        debug!(trace, owner, service, reason, "registration passed over");
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

fn complain(complaint: Complaint, report: &Report, count: u64) {
    match (complaint, report) {
        (Complaint::Publish(end), _) => publish_ended(end, count),
        (Complaint::Overloaded, _) => {
            warn!(
                count,
                "the queue is full: missed messages are dropped; raise push.workers.max_queue"
            );
        }
        (Complaint::Skipped, _) => warn!(count, "a stanza over stream.max_stanza was passed over"),
        (Complaint::Untrusted(what), _) => {
            warn!(what, count, "passed over: not from a configured host")
        }
        (Complaint::StoreFailed, Report::StoreFailed { error }) => {
            error!(error, count, "the store failed")
        }
        (Complaint::StoreFailed, _) => {}
    }
}

fn publish_ended(end: PublishEnd, count: u64) {
    match end {
        PublishEnd::Accepted | PublishEnd::Withdrawn | PublishEnd::Expired => {}
        PublishEnd::Refused(condition) => {
            info!(
                condition = condition.as_str(),
                count, "a push service refused notifications"
            );
        }
        PublishEnd::Undeliverable(condition) => {
            warn!(
                condition = condition.as_str(),
                count, "a push service cannot be reached"
            );
        }
        PublishEnd::NotSent(condition) => {
            warn!(
                condition = condition.as_str(),
                count, "the adapter did not publish"
            );
        }
        PublishEnd::Foreign => warn!(count, "somebody else answered for a push service"),
        PublishEnd::TimedOut => warn!(count, "a push service did not answer"),
    }
}
