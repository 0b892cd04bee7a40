//! The facts that rules look at, read once for all of them.

use crate::plugin::Missed;
use crate::session::{Cause, ClientState, Session};
use crate::xep::hints::Hint;
use crate::xep::jingle_message::JingleMessage;
use crate::xep::message::{Message, MessageType};

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

/// The facts about a missed message.
pub(super) struct Facts<'a> {
    pub(super) event: EventKind,
    pub(super) cause: Cause,
    pub(super) count: u64,
    pub(super) message: Option<OfMessage<'a>>,
    pub(super) user_status: Option<UserStatus>,
    pub(super) client_state: Option<ClientState>,
}

/// The facts about the message itself.
pub(super) struct OfMessage<'a> {
    pub(super) kind: MessageType,
    pub(super) body: Body,
    pub(super) hints: [Option<Hint>; 2],
    pub(super) is_call: bool,
    pub(super) is_encrypted: bool,
    /// A bare JID, and its domain; empty if there is none.
    pub(super) from: &'a str,
    pub(super) domain: &'a str,
}

impl<'a> Facts<'a> {
    pub(super) fn of(missed: &Missed<'a>) -> Self {
        let event = EventKind::of(missed.cause);
        let sessions = (event == EventKind::Message).then_some(missed.sessions);
        Self {
            event,
            cause: missed.cause,
            count: missed.count,
            message: missed.message.map(OfMessage::of),
            user_status: sessions.map(user_status),
            client_state: sessions.and_then(client_state),
        }
    }
}

impl<'a> OfMessage<'a> {
    fn of(message: Message<'a>) -> Self {
        let element = message.element;
        let hints = [Hint::Store, Hint::NoStore];
        let from = message.from().and_then(|from| from.split('/').next());
        let from = from.unwrap_or_default();
        Self {
            kind: message.kind,
            body: Body::of(message),
            hints: hints.map(|hint| hint.is_in(element).then_some(hint)),
            is_call: JingleMessage::read(element).is_some(),
            is_encrypted: message.is_encrypted(),
            from,
            domain: from.rsplit('@').next().unwrap_or(from),
        }
    }
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

fn user_status(sessions: &[Session]) -> UserStatus {
    if sessions.iter().any(|session| session.priority >= Some(0)) {
        UserStatus::Online
    } else {
        UserStatus::Offline
    }
}

/// Returns the state of the sessions with the highest priority, which take messages to the bare JID: inactive if all of them are.
fn client_state(sessions: &[Session]) -> Option<ClientState> {
    let highest = sessions.iter().filter_map(|session| session.priority).max();
    let highest = highest.filter(|priority| *priority >= 0)?;
    let mut state = ClientState::Inactive;
    for session in sessions {
        if session.priority == Some(highest) && session.client_state? == ClientState::Active {
            state = ClientState::Active;
        }
    }
    Some(state)
}
