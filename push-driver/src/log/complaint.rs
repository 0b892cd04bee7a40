//! Reports that can come with every message, request, stanza or registration.

use push_core::Report;
use push_core::plugin::Reason;
use push_core::registration::Status;
use push_core::report::{DeferredEnd, EndReason, PublishEnd};
use std::mem::{Discriminant, discriminant};
use tracing::{error, info, warn};

/// A kind of complaint: each is logged for itself. There are some hundred at most, whoever makes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Complaint {
    /// Nobody was woken.
    Publish(PublishEnd),
    /// Nobody will be.
    Deferred(DeferredEnd),
    BreakerOpened,
    BreakerClosed,
    Settled(&'static str),
    Ended(EndReason),
    Corrupt,
    /// Rules that are only tried would have decided otherwise.
    Shadow,
    Overloaded,
    Skipped,
    Untrusted(&'static str),
    StoreFailed,
    /// A report of a later core.
    Unknown(Discriminant<Report>),
}

impl Complaint {
    pub(super) fn of(report: &Report) -> Option<Self> {
        match report {
            Report::StreamUp
            | Report::StreamDown(_)
            | Report::Attached { .. }
            | Report::Detached { .. }
            | Report::NoAdapter { .. }
            | Report::WrongVersion { .. }
            | Report::AdapterDropped { .. }
            | Report::Delegated { .. }
            | Report::IdentityChosen { .. }
            | Report::Requested { .. }
            | Report::Decided { shadow: None, .. }
            | Report::Joined { .. }
            | Report::Deferred { .. }
            | Report::Forgotten { .. } => None,
            Report::Published {
                end: PublishEnd::Accepted | PublishEnd::Withdrawn | PublishEnd::Expired,
                ..
            } => None,
            Report::Published { end, .. } => Some(Self::Publish(*end)),
            Report::DeferredEnded { end, .. } => Some(Self::Deferred(*end)),
            Report::BreakerOpened { .. } => Some(Self::BreakerOpened),
            Report::BreakerClosed { .. } => Some(Self::BreakerClosed),
            Report::Settled {
                status: Status::Active,
                ..
            } => None,
            Report::Settled { status, .. } => Some(Self::Settled(status.as_str())),
            Report::Ended { reason, .. } => Some(Self::Ended(*reason)),
            Report::Corrupt { .. } => Some(Self::Corrupt),
            Report::Decided { .. } => Some(Self::Shadow),
            Report::Overloaded => Some(Self::Overloaded),
            Report::Skipped { .. } => Some(Self::Skipped),
            Report::Untrusted { what, .. } => Some(Self::Untrusted(what)),
            Report::StoreFailed { .. } => Some(Self::StoreFailed),
            other => Some(Self::Unknown(discriminant(other))),
        }
    }

    /// Logs so many cases; `detail` is that of the last.
    pub(super) fn log(self, count: u64, detail: &str) {
        match self {
            Self::Publish(end) => publish_ended(end, count),
            Self::Deferred(end) => deferred_ended(end, count),
            Self::BreakerOpened => {
                warn!(
                    service = detail,
                    count, "a push service is left alone for a while"
                );
            }
            Self::BreakerClosed => info!(service = detail, count, "a push service works again"),
            Self::Settled(status) => {
                info!(status, count, "registrations do not fare well");
            }
            Self::Ended(reason) => ended(reason, count),
            Self::Corrupt => {
                error!(
                    count,
                    "stored registrations cannot be read and were passed over"
                );
            }
            Self::Shadow => {
                info!(
                    rule = detail,
                    count, "the shadow rules would have decided otherwise"
                );
            }
            Self::Overloaded => {
                warn!(
                    count,
                    "the queue is full: missed messages are dropped; raise push.workers.max_queue"
                );
            }
            Self::Skipped => warn!(count, "a stanza over stream.max_stanza was passed over"),
            Self::Untrusted(what) => {
                warn!(what, count, "passed over: not from a configured host")
            }
            Self::StoreFailed => error!(error = detail, count, "the store failed"),
            Self::Unknown(report) => error!(?report, count, "unknown report of the core"),
        }
    }
}

/// Returns the part of a report that its kind does not say.
pub(super) fn detail(report: &Report) -> &str {
    match report {
        Report::StoreFailed { error, .. } => error,
        Report::BreakerOpened { service, .. } | Report::BreakerClosed { service, .. } => service,
        Report::Decided { shadow, .. } => shadow.as_ref().map_or("", Reason::as_str),
        _ => "",
    }
}

fn ended(reason: EndReason, count: u64) {
    match reason {
        EndReason::Refused(condition) => {
            let condition = condition.as_str();
            info!(condition, count, "a push service has ended a registration");
        }
        EndReason::RefusedForDays(condition) => {
            let condition = condition.as_str();
            info!(
                condition,
                count, "a registration has ended: its push service refused it for too long"
            );
        }
        EndReason::Unreachable => {
            warn!(
                count,
                "a registration has ended: its push service could not be reached for too long"
            );
        }
        EndReason::Revoked => info!(count, "a push service has revoked a registration"),
        other => info!(?other, count, "a registration has ended"),
    }
}

fn deferred_ended(end: DeferredEnd, count: u64) {
    match end {
        DeferredEnd::Expired => {
            warn!(count, "missed messages are no longer worth a notification");
        }
        DeferredEnd::Dropped => {
            warn!(
                count,
                "too many messages wait for one push service: the oldest are dropped"
            );
        }
        other => warn!(?other, count, "missed messages were not told"),
    }
}

fn publish_ended(end: PublishEnd, count: u64) {
    match end {
        PublishEnd::Accepted | PublishEnd::Withdrawn | PublishEnd::Expired => {}
        PublishEnd::Dropped => {
            warn!(
                count,
                "too many notifications wait for their next attempt: the oldest are dropped; raise policy.retries_in_memory"
            );
        }
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
