//! The conditions on a missed message under which a rule matches.

use super::facts::{Body, EventKind, Facts, OfMessage, UserStatus};
use crate::JidPattern;
use crate::plugin::Missed;
use crate::session::{Cause, ClientState};
use crate::xep::hints::Hint;
use crate::xep::message::MessageType;

/// Conditions that all have to hold; one that cannot apply to a message does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Conditions {
    /// Whether the message was missed by the user or by one session.
    pub event: Option<EventKind>,
    /// Why it was missed.
    pub cause: Option<Cause>,
    /// Its type.
    pub kind: Option<MessageType>,
    /// Its body.
    pub body: Option<Body>,
    /// A hint that it has.
    pub hint: Option<Hint>,
    /// Whether it is about a call (XEP-0353).
    pub jingle: Option<bool>,
    /// Whether it has an encrypted payload.
    pub encrypted: Option<bool>,
    /// Who it is from.
    pub from: Option<JidPattern>,
    /// How many messages it stands for at the least.
    pub least_count: Option<u64>,
    /// Whether the user is online. Only of what was missed by the user.
    pub user_status: Option<UserStatus>,
    /// The state of the clients that would take the message. Only of messages that were missed by a user who is online.
    pub client_state: Option<ClientState>,
}

impl Conditions {
    /// Returns whether there is no condition.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns whether all conditions hold of a missed message.
    pub fn hold(&self, missed: &Missed<'_>) -> bool {
        self.hold_of(&Facts::of(missed))
    }

    pub(super) fn hold_of(&self, facts: &Facts<'_>) -> bool {
        let of_message = match &facts.message {
            Some(message) => self.hold_of_message(message),
            None => !self.is_about_message(),
        };
        of_message
            && is(self.event, Some(facts.event))
            && is(self.cause, Some(facts.cause))
            && self.least_count.is_none_or(|least| facts.count >= least)
            && is(self.user_status, facts.user_status)
            && is(self.client_state, facts.client_state)
    }

    /// Returns whether a message without content can match: a text or an encrypted payload.
    pub(super) fn admit_no_content(&self) -> bool {
        self.body != Some(Body::NonEmpty) && self.encrypted != Some(true)
    }

    /// Returns whether only messages about calls can match.
    pub(super) fn admit_calls_only(&self) -> bool {
        self.jingle == Some(true)
    }

    fn is_about_message(&self) -> bool {
        let Self {
            kind,
            body,
            hint,
            jingle,
            encrypted,
            from,
            ..
        } = self;
        kind.is_some()
            || body.is_some()
            || hint.is_some()
            || jingle.or(*encrypted).is_some()
            || from.is_some()
    }

    fn hold_of_message(&self, message: &OfMessage<'_>) -> bool {
        is(self.kind, Some(message.kind))
            && is(self.body, Some(message.body))
            && self
                .hint
                .is_none_or(|hint| message.hints.contains(&Some(hint)))
            && is(self.jingle, Some(message.is_call))
            && is(self.encrypted, Some(message.is_encrypted))
            && (self.from.as_ref()).is_none_or(|from| from.fits_parts(message.from, message.domain))
    }
}

/// Returns whether a condition is not given, or the present value is the wanted one.
fn is<T: Copy + PartialEq>(wanted: Option<T>, present: Option<T>) -> bool {
    wanted.is_none() || wanted == present
}
