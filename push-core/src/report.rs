//! Everything notable, as one closed list. Metrics and logs are functions of it.

use crate::registration::{Identity, Target};
use crate::session::Cause;
use crate::transport::DownReason;
use crate::xep::error::DefinedCondition;
use jid::BareJid;
use std::time::Duration;

/// Something notable. JIDs in it are for debug logs and explanations only.
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
        /// Whose.
        owner: BareJid,
        /// Why it was missed.
        cause: Cause,
        /// What was decided.
        decision: Decision,
    },
    /// A publish ended.
    Published {
        /// Whose.
        owner: BareJid,
        /// The push service.
        service: BareJid,
        /// Who it was from.
        identity: Identity,
        /// How it ended.
        end: PublishEnd,
        /// From handing it to the stream to the end.
        latency: Duration,
    },
    /// A registration was removed because of its push service's answer.
    Ended {
        /// Whose.
        owner: BareJid,
        /// Which.
        target: Target,
        /// What the push service said.
        condition: DefinedCondition,
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
    /// A missed message was let go: too much waits, and its feed cannot be held back.
    Overloaded,
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
    /// The user's server could not deliver it.
    Undeliverable(DefinedCondition),
    /// The adapter did not send it.
    LinkError(DefinedCondition),
    /// Somebody else answered.
    Foreign,
    /// Nobody answered in time.
    TimedOut,
    /// Its registration was gone before it was sent.
    Withdrawn,
}
