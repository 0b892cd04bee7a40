//! Everything notable, as one closed list. Metrics, logs and explanations are functions of it.

use crate::Timestamp;
use crate::delivery::Route;
use crate::ids::TraceId;
use crate::plugin::Reason;
use crate::registration::{Identity, Registration, Status, Target};
use crate::session::Cause;
use crate::transport::DownReason;
use crate::xep::error::DefinedCondition;
use jid::BareJid;
use std::sync::Arc;
use std::time::Duration;

/// Something notable. JIDs in it are for debug logs and explanations only.
///
/// A missed message has a trace id, which every report on its way repeats: `Decided`, `Joined`, `Deferred`, `Published`, `Settled`,
/// `Ended`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Report {
    /// The stream is up.
    StreamUp,
    /// The stream is down.
    StreamDown(DownReason),
    /// A stanza over the limit was passed over.
    Skipped {
        /// Its size.
        bytes: usize,
    },
    /// An adapter attached.
    Attached {
        /// Its host.
        host: String,
        /// Its server.
        software: String,
    },
    /// An adapter is no longer attached.
    Detached {
        /// Its host.
        host: String,
    },
    /// There is no adapter at this host (now).
    NoAdapter {
        /// The host.
        host: String,
    },
    /// An adapter speaks another version.
    WrongVersion {
        /// Its host.
        host: String,
        /// What it speaks.
        version: u64,
    },
    /// An adapter threw wake-ups away because its bounds were reached.
    AdapterDropped {
        /// Its host.
        host: String,
        /// How many.
        count: u64,
    },
    /// A server delegates `urn:xmpp:push:0` to us.
    Delegated {
        /// Its domain.
        host: String,
    },
    /// Publishes for a host's users are from now on under this identity.
    IdentityChosen {
        /// The host.
        host: String,
        /// The identity.
        identity: Identity,
    },
    /// A stanza that claims what its sender may not was passed over.
    Untrusted {
        /// What it claimed.
        what: &'static str,
    },
    /// A client's request was answered.
    Requested {
        /// Whose.
        owner: BareJid,
        /// What became of it.
        outcome: RequestOutcome,
    },
    /// A missed message was decided on.
    Decided {
        /// Follows the message.
        trace: TraceId,
        /// Who missed it.
        owner: BareJid,
        /// Why it was missed.
        cause: Cause,
        /// What was decided.
        decision: Decision,
        /// The plugin's reason why it is (not) worth a notification.
        reason: Reason,
        /// Why rules that are only tried would have decided otherwise, if they would.
        shadow: Option<Reason>,
        /// The registrations that the plugin does not tell.
        passed_over: Vec<PassedOver>,
    },
    /// A missed message is told by a notification that waits already.
    Joined {
        /// Follows the message.
        trace: TraceId,
        /// Follows the message that the notification was made for.
        into: TraceId,
    },
    /// An attempt at a delivery has ended, or it was given up before it was sent.
    Published {
        /// Follows the oldest message it tells of.
        trace: TraceId,
        /// The user whose device is told.
        owner: BareJid,
        /// The push service.
        service: BareJid,
        /// The route that carried it.
        route: Route,
        /// How it ended.
        end: PublishEnd,
        /// From the decision to the handing over to the stream.
        waited: Duration,
        /// From handing it to the stream to the end.
        latency: Duration,
    },
    /// A delivery waits at its adapter: its push service cannot take it now.
    Deferred {
        /// Follows the oldest message it tells of.
        trace: TraceId,
        /// The user whose device is to be told.
        owner: BareJid,
        /// The push service.
        service: BareJid,
        /// When it may be tried again; in the past if it waits for room only.
        not_before: Timestamp,
    },
    /// A delivery that waited at its adapter is over, though nothing was sent.
    DeferredEnded {
        /// Follows the oldest message it tells of.
        trace: TraceId,
        /// The push service.
        service: BareJid,
        /// Why.
        end: DeferredEnd,
    },
    /// A push service is left alone for a while: the deliveries of several users have failed in turn.
    BreakerOpened {
        /// The host whose users have met it.
        host: String,
        /// The domain of the push service.
        service: String,
        /// How long it is left alone, before a part of up to a quarter is added.
        pause: Duration,
    },
    /// A push service that was left alone has accepted a delivery.
    BreakerClosed {
        /// The host whose users have met it.
        host: String,
        /// The domain of the push service.
        service: String,
    },
    /// A registration fares otherwise than before, or as badly on another day.
    Settled {
        /// Follows the message whose delivery had that outcome.
        trace: TraceId,
        /// Whose.
        owner: BareJid,
        /// Which.
        target: Target,
        /// How it fares.
        status: Status,
    },
    /// A registration was removed because of its push service.
    Ended {
        /// Follows the message whose delivery had that outcome, if it was one.
        trace: Option<TraceId>,
        /// Whose.
        owner: BareJid,
        /// Which.
        target: Target,
        /// Why.
        reason: EndReason,
    },
    /// Everything known of an account was removed with it.
    Forgotten {
        /// Whose it was.
        owner: BareJid,
    },
    /// The store did not answer a question as it should; asked again where that helps.
    StoreFailed {
        /// What it said, without content.
        error: String,
    },
    /// Stored rows could not be read and were passed over.
    Corrupt {
        /// Whose.
        owner: BareJid,
        /// How many.
        rows: usize,
    },
    /// A missed message was dropped: the queue is full, and its sender cannot be held back.
    Overloaded,
}

/// A registration that is not told of a missed message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassedOver {
    /// Which.
    pub registration: Arc<Registration>,
    /// The plugin's reason.
    pub reason: Reason,
}

/// Why a delivery that waited is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DeferredEnd {
    /// It was not worth making any more.
    Expired,
    /// Too many waited for its push service.
    Dropped,
}

/// Why a registration was removed without anybody asking for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EndReason {
    /// The push service refused with this condition, which means the end.
    Refused(DefinedCondition),
    /// The push service refused for days, the last time with this condition.
    RefusedForDays(DefinedCondition),
    /// Nobody could reach the push service for weeks.
    Unreachable,
    /// The push service has told that it no longer serves the user there (XEP-0357 §8).
    Revoked,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestOutcome {
    /// A registration is stored.
    Enabled {
        /// One of the same key was there.
        replaced: bool,
        /// The oldest had to go.
        evicted: bool,
    },
    /// So many registrations were removed.
    Disabled(usize),
    /// Refused, with this condition.
    Refused(DefinedCondition),
}

/// What was decided about a missed message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// The plugin finds it not worth a notification.
    NotWorthIt,
    /// The user has no registration.
    NoRegistration,
    /// None of the user's registrations is concerned: their devices are connected, say.
    NotConcerned,
    /// Everyone concerned was told of this message before.
    Duplicate,
    /// The user came back first.
    Withdrawn,
    /// So many registrations are notified.
    Notify(usize),
}

/// How a publish ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PublishEnd {
    /// The push service took it.
    Accepted,
    /// The push service refused it.
    Refused(DefinedCondition),
    /// It did not reach the push service.
    Undeliverable(DefinedCondition),
    /// The route did not send it.
    NotSent(DefinedCondition),
    /// Somebody else answered.
    Foreign,
    /// Nobody answered in time.
    TimedOut,
    /// The user was back, or the registration gone, before it was sent.
    Withdrawn,
    /// It was not worth sending any more.
    Expired,
    /// Too many waited for their next attempt.
    Dropped,
}
