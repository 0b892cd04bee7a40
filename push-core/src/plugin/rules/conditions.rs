//! What has to be so of a missed message for a rule to match.

use crate::plugin::Missed;
use crate::profile::Pattern;
use crate::session::{Cause, ClientState, Session};
use crate::xep::hints::Hint;
use crate::xep::jingle_message::JingleMessage;
use crate::xep::message::{Message, MessageType};
use crate::xml::ElementRef;
use jid::BareJid;

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
    pub from: Option<Pattern>,
    /// How many messages it stands for at the least.
    pub least_count: Option<u64>,
    /// Whether the user is online. Only of what was missed by the user.
    pub user_status: Option<UserStatus>,
    /// What the clients say that would take the message. Only of what was missed by a user who is online.
    pub client_state: Option<ClientState>,
}

/// Who missed a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// The user.
    Message,
    /// A session: it has not acknowledged the message, or waits for resumption.
    Unacknowledged,
}

/// The body of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// There is none.
    Absent,
    /// There is one without text.
    Empty,
    /// There is one with text.
    NonEmpty,
}

/// Whether a user has a session that is available with a priority of 0 or more. One that waits for resumption counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserStatus {
    /// They have.
    Online,
    /// They have not.
    Offline,
}

impl Conditions {
    /// Returns whether there is no condition.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns whether all conditions hold of a missed message.
    pub fn hold(&self, missed: &Missed<'_>) -> bool {
        let kind = EventKind::of(missed.cause);
        let of_message = missed.message.is_none_or(|message| self.hold_of(message));
        let is_about_message = self.is_about_message();
        is(self.event, || Some(kind))
            && is(self.cause, || Some(missed.cause))
            && (missed.message.is_some() || !is_about_message)
            && of_message
            && self.least_count.is_none_or(|least| missed.count >= least)
            && is(self.user_status, || user_status(kind, missed.sessions))
            && is(self.client_state, || client_state(kind, missed.sessions))
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

    fn hold_of(&self, message: Message<'_>) -> bool {
        let element = message.element;
        is(self.kind, || Some(message.kind))
            && is(self.body, || Some(Body::of(message)))
            && self.hint.is_none_or(|hint| hint.is_in(element))
            && is(self.jingle, || Some(is_call(element)))
            && is(self.encrypted, || Some(message.is_encrypted()))
            && (self.from.as_ref()).is_none_or(|from| is_from(message, from))
    }
}

/// Returns whether a condition is not given, or the present value is the wanted one.
fn is<T: PartialEq>(wanted: Option<T>, present: impl FnOnce() -> Option<T>) -> bool {
    wanted.is_none_or(|wanted| present() == Some(wanted))
}

fn is_call(message: ElementRef<'_>) -> bool {
    JingleMessage::read(message).is_some()
}

fn is_from(message: Message<'_>, pattern: &Pattern) -> bool {
    let from = message.from().and_then(|from| from.split('/').next());
    let from = from.and_then(|from| BareJid::new(from).ok());
    from.is_some_and(|from| pattern.fits(&from))
}

impl EventKind {
    fn of(cause: Cause) -> Self {
        match cause {
            Cause::Queued | Cause::Unacked => Self::Unacknowledged,
            Cause::Offline | Cause::Lost | Cause::Archived => Self::Message,
        }
    }
}

impl Body {
    pub(super) fn of(message: Message<'_>) -> Self {
        let own = message.element.namespace();
        match message.body() {
            Some(_) => Self::NonEmpty,
            None if message.element.child("body", own).is_some() => Self::Empty,
            None => Self::Absent,
        }
    }
}

fn user_status(kind: EventKind, sessions: &[Session]) -> Option<UserStatus> {
    let is_online = sessions.iter().any(|session| session.priority >= Some(0));
    let status = if is_online {
        UserStatus::Online
    } else {
        UserStatus::Offline
    };
    (kind == EventKind::Message).then_some(status)
}

/// Returns the state of the sessions with the highest priority, which take messages to the bare JID: inactive if all of them are.
fn client_state(kind: EventKind, sessions: &[Session]) -> Option<ClientState> {
    let highest = sessions.iter().filter_map(|session| session.priority).max();
    let highest = highest.filter(|priority| *priority >= 0 && kind == EventKind::Message)?;
    let taking = sessions
        .iter()
        .filter(|session| session.priority == Some(highest));
    let states: Vec<ClientState> = taking
        .map(|session| session.client_state)
        .collect::<Option<_>>()?;
    let is_active = states.contains(&ClientState::Active);
    Some(if is_active {
        ClientState::Active
    } else {
        ClientState::Inactive
    })
}
