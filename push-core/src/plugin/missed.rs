//! A missed message as a plugin sees it.

use super::verdict::Reason;
use crate::Timestamp;
use crate::session::{Cause, Session};
use crate::xep::message::Message;
use jid::BareJid;

/// A missed message, before anything is known of the account.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Missed<'a> {
    /// The domain of the user's server.
    pub host: &'a str,
    /// Who missed it.
    pub owner: &'a BareJid,
    /// Why it was missed.
    pub cause: Cause,
    /// The resource of the session that missed it.
    pub resource: Option<&'a str>,
    /// The user's sessions.
    pub sessions: &'a [Session],
    /// The message without its wrappers; `None` when the adapter had to drop its content.
    pub message: Option<Message<'a>>,
    /// How many messages this one stands for.
    pub count: u64,
    /// When the first of them was missed.
    pub missed_at: Timestamp,
    /// The plugin's reason why it is worth a notification, once that is decided.
    pub reason: Option<&'a Reason>,
    /// The time.
    pub now: Timestamp,
}

impl<'a> Missed<'a> {
    /// Returns one message that `owner` has missed at `now`, about which nothing else is known.
    pub const fn new(owner: &'a BareJid, cause: Cause, now: Timestamp) -> Self {
        Self {
            host: "",
            owner,
            cause,
            resource: None,
            sessions: &[],
            message: None,
            count: 1,
            missed_at: now,
            reason: None,
            now,
        }
    }

    /// Returns the same, with the last of so many messages.
    #[must_use]
    pub const fn with_message(self, message: Message<'a>, count: u64) -> Self {
        Self {
            message: Some(message),
            count,
            ..self
        }
    }

    /// Returns the same, which is worth a notification for this reason.
    #[must_use]
    pub const fn with_reason(self, reason: &'a Reason) -> Self {
        Self {
            reason: Some(reason),
            ..self
        }
    }

    /// Returns the same, while the user has these sessions, of which that with `resource` has missed it.
    #[must_use]
    pub const fn with_sessions(self, sessions: &'a [Session], resource: Option<&'a str>) -> Self {
        Self {
            resource,
            sessions,
            ..self
        }
    }
}
