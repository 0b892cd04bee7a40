//! Notifications on their way, whatever carries them.

use crate::Timestamp;
use crate::ids::TraceId;
use crate::registration::{Identity, Registration};
use crate::xep::error::StanzaError;
use crate::xep::summary::Summary;
use jid::BareJid;
use std::sync::Arc;
use std::time::Duration;

/// How urgent a notification is, and which others it may be joined with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Class {
    /// Something to read.
    #[default]
    Message,
    /// A call that rings (XEP-0353).
    Call,
    /// The end of something that was shown: a call was answered or given up.
    Stop,
}

impl Class {
    /// Returns the word of the link (docs/protocol.md §5).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Call => "call",
            Self::Stop => "stop",
        }
    }
}

/// The content of one notification, before it is known whom it goes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Notification {
    /// How urgent it is.
    pub class: Class,
    /// Its content (XEP-0357 §7.1).
    pub content: Summary,
    /// How long it is worth sending, from the moment the message was missed; `None` for ever.
    pub expires_after: Option<Duration>,
}

impl Notification {
    /// Returns a notification of an ordinary message with this content, which never expires.
    pub fn new(content: Summary) -> Self {
        Self {
            content,
            ..Self::default()
        }
    }
}

/// One notification for one registration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery {
    /// Follows the oldest missed message it tells of.
    pub trace: TraceId,
    /// The user whose device is told.
    pub owner: BareJid,
    /// Where to, and with which options.
    pub registration: Arc<Registration>,
    /// How urgent it is.
    pub class: Class,
    /// The content.
    pub content: Arc<Summary>,
    /// From when on it is not sent any more.
    pub expires_at: Timestamp,
}

/// The way that a delivery takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Route {
    /// The host's adapter publishes as the host's domain (docs/protocol.md §5).
    Adapter,
    /// The component publishes in its own name.
    Component,
    /// The component publishes in the user's name (XEP-0356).
    Privileged,
}

impl Route {
    /// Returns who the push service sees as the publisher.
    pub const fn identity(self) -> Identity {
        match self {
            Self::Adapter => Identity::Server,
            Self::Component => Identity::Component,
            Self::Privileged => Identity::User,
        }
    }
}

impl From<Identity> for Route {
    fn from(identity: Identity) -> Self {
        match identity {
            Identity::Server => Self::Adapter,
            Identity::Component => Self::Component,
            Identity::User => Self::Privileged,
        }
    }
}

/// How one attempt at a delivery ended. Errors are the stanza errors of RFC 6120 §8.3, or what corresponds to them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeliveryOutcome {
    /// The push service accepted it.
    Accepted,
    /// The push service refused it.
    Refused(StanzaError),
    /// It did not reach the push service.
    Undeliverable(StanzaError),
    /// The route did not send it.
    NotSent(StanzaError),
    /// Only somebody other than the push service answered.
    Foreign,
    /// Nobody answered in time.
    TimedOut,
}
