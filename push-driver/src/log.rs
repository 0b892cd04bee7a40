//! Reports as log lines: error = somebody must act, warn = a peer misbehaves or something is degraded,
//! info = the life of the process, debug = one request or message. JIDs at debug only; never a node, option or body.

use push_core::Report;
use push_core::report::{Decision, PublishEnd, RequestOutcome};
use push_core::transport::DownReason;
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::Instant;
use tracing::{debug, error, info, warn};

/// How often the same complaint about publishes is logged at most.
const REPEAT: Duration = Duration::from_secs(10);

/// Logs reports; complaints that come with every publish only now and then, with their number.
#[derive(Debug, Default)]
pub(crate) struct Log {
    complaints: HashMap<PublishEnd, (Instant, u64)>,
}

impl Log {
    pub(crate) fn report(&mut self, report: &Report) {
        if let Report::Published { end, .. } = report {
            self.published(*end);
        }
        line(report);
    }

    /// What an operator must hear of even without debug logs: nobody was woken.
    fn published(&mut self, end: PublishEnd) {
        if matches!(end, PublishEnd::Accepted | PublishEnd::Withdrawn) {
            return;
        }
        let now = Instant::now();
        let (since, count) = self.complaints.entry(end).or_insert((now, 0));
        *count += 1;
        if *count == 1 || now.duration_since(*since) >= REPEAT {
            complain(end, *count);
            (*since, *count) = (now, 1);
        }
    }
}

fn line(report: &Report) {
    match report {
        Report::StreamUp => info!("connected to the server"),
        Report::StreamDown(reason) => stream_down(reason),
        Report::Skipped { bytes } => warn!(bytes, "a stanza over the limit was passed over"),
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
        Report::Untrusted { what } => warn!(what, "passed over: not from a configured host"),
        Report::Requested { owner, outcome } => requested(owner.as_str(), *outcome),
        Report::Decided {
            owner,
            cause,
            decision,
        } => decided(owner.as_str(), cause.as_str(), *decision),
        Report::Published {
            owner,
            service,
            identity,
            end,
            latency,
        } => {
            let (owner, service) = (owner.as_str(), service.as_str());
            debug!(owner, service, ?identity, ?end, ?latency, "publish ended");
        }
        Report::Ended {
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
                owner,
                service,
                condition = condition.as_str(),
                "registration ended"
            );
        }
        Report::Forgotten { owner } => debug!(owner = owner.as_str(), "account forgotten"),
        Report::StoreFailed { error } => error!(error, "the store failed"),
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
        Report::Overloaded => warn!("too much waits: a missed message was let go"),
        other => error!(report = ?std::mem::discriminant(other), "unknown report of the core"),
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

fn decided(owner: &str, cause: &str, decision: Decision) {
    debug!(owner, cause, ?decision, "missed message");
}

fn complain(end: PublishEnd, count: u64) {
    match end {
        PublishEnd::Accepted | PublishEnd::Withdrawn => {}
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
        PublishEnd::LinkError(condition) => {
            warn!(
                condition = condition.as_str(),
                count, "the adapter did not publish"
            );
        }
        PublishEnd::Foreign => warn!(count, "somebody else answered for a push service"),
        PublishEnd::TimedOut => warn!(count, "a push service did not answer"),
    }
}
