//! What an adapter sends.

use super::{MAX_RECIPIENTS, Ranges, RecipientId, decimal};
use crate::Timestamp;
use crate::delivery::DeliveryOutcome;
use crate::session::{Cause, ClientState, Session};
use crate::xep::error::{DefinedCondition, ErrorType, StanzaError};
use crate::xep::revocation::Revocation;
use crate::xml::{ElementRef, Namespace};

/// The most sessions read of one event: more are of no use to any decision.
const MAX_SESSIONS: usize = 50;

/// The most keys read of one event; the newest are at the end.
const MAX_KEYS: usize = 20;

/// The most bytes read of the text of an error.
const MAX_TEXT: usize = 256;

/// One element of the link, from the adapter.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum FromAdapter<'a> {
    /// Wants our hello.
    Knock,
    /// Answers our hello.
    Hello(Hello<'a>),
    /// Something happened.
    Event(LinkEvent<'a>),
    /// These events are over: their users are back, or a bound was reached.
    Withdraw {
        /// The session of the adapter's hello.
        session: &'a str,
        /// Which events.
        numbers: Ranges,
    },
    /// A client asks.
    Request(LinkRequest<'a>),
    /// What became of a publish.
    Outcome {
        /// The number of the publish.
        number: u64,
        /// What became of it.
        outcome: DeliveryOutcome,
    },
    /// Is there.
    Pong,
}

/// The adapter's hello.
#[derive(Clone, Debug)]
pub struct Hello<'a> {
    /// The protocol version it speaks.
    pub version: u64,
    /// The session of the hello it answers.
    pub session: &'a str,
    /// Its epoch.
    pub epoch: &'a str,
    /// The server, for reports.
    pub software: &'a str,
    /// The run of the service it heard publishes from last, and the highest number it has.
    pub got: Option<(&'a str, u64)>,
    /// Wake-ups thrown away since the last hello.
    pub dropped: u64,
    /// Publishes it lets be in flight.
    pub places: Option<u64>,
    /// Deferred events it has room for; 0 if it cannot defer.
    pub deferred: u64,
}

/// An event of the feed.
#[derive(Clone, Debug)]
pub struct LinkEvent<'a> {
    /// Its number in the epoch.
    pub number: u64,
    /// The account's localpart.
    pub user: &'a str,
    /// What happened.
    pub kind: LinkEventKind<'a>,
}

/// What an event tells.
#[derive(Clone, Debug)]
pub enum LinkEventKind<'a> {
    /// A message was missed.
    Missed(MissedMessage<'a>),
    /// The account was deleted.
    Removed,
    /// The name was registered anew.
    Created,
    /// A push service has revoked a registration, at this time if it is known.
    Revoked(Revocation, Option<Timestamp>),
    /// A kind of a later version, or one that cannot be read.
    Unknown,
}

/// A missed message as it is told.
#[derive(Clone, Debug)]
pub struct MissedMessage<'a> {
    /// Why it was missed.
    pub cause: Cause,
    /// The resource of the session it is about.
    pub resource: Option<&'a str>,
    /// How many messages this stands for.
    pub count: u64,
    /// When the first was missed, if that is known.
    pub first: Option<Timestamp>,
    /// When the last was missed, if that is known.
    pub last: Option<Timestamp>,
    /// The epoch and the number under which it was told before, if it was deferred then.
    pub was: Option<(&'a str, u64)>,
    /// The keys of the newest of these messages, the newest last; none where the adapter gives none.
    pub keys: Vec<&'a str>,
    /// For whom it was deferred.
    pub recipients: Vec<RecipientId>,
    /// The user's sessions.
    pub sessions: Vec<Session>,
    /// The newest message; `None` when the adapter had to drop its content.
    pub message: Option<ElementRef<'a>>,
}

impl MissedMessage<'_> {
    /// Returns one missed message, of which no more is known than why it was missed.
    pub(crate) fn new(cause: Cause) -> Self {
        Self {
            cause,
            resource: None,
            count: 1,
            first: None,
            last: None,
            was: None,
            keys: Vec::new(),
            recipients: Vec::new(),
            sessions: Vec::new(),
            message: None,
        }
    }
}

/// A client's request.
#[derive(Clone, Debug)]
pub struct LinkRequest<'a> {
    /// Its number in the epoch.
    pub number: u64,
    /// The account's localpart.
    pub user: &'a str,
    /// The resource of the session that asks.
    pub resource: Option<&'a str>,
    /// The element of `urn:xmpp:push:0`.
    pub payload: Option<ElementRef<'a>>,
}

/// Reads one element. `None`: not of the link, of a later version, or broken.
pub fn read(element: ElementRef<'_>) -> Option<FromAdapter<'_>> {
    if element.namespace() != Namespace::Link {
        return None;
    }
    match element.name() {
        "knock" => Some(FromAdapter::Knock),
        "hello" => hello(element).map(FromAdapter::Hello),
        "event" => event(element).map(FromAdapter::Event),
        "withdraw" => Some(FromAdapter::Withdraw {
            session: element.attribute("session")?,
            numbers: Ranges::read(&element.text()),
        }),
        "request" => request(element).map(FromAdapter::Request),
        "outcome" => {
            let number = number(element, "ref")?;
            Some(FromAdapter::Outcome {
                number,
                outcome: outcome(element)?,
            })
        }
        "pong" => Some(FromAdapter::Pong),
        _ => None,
    }
}

fn number(element: ElementRef<'_>, name: &str) -> Option<u64> {
    decimal(element.attribute(name)?)
}

fn hello(element: ElementRef<'_>) -> Option<Hello<'_>> {
    let got = element.attribute("instance").zip(number(element, "got"));
    Some(Hello {
        version: number(element, "version")?,
        session: element.attribute("session")?,
        epoch: element.attribute("epoch")?,
        software: element.attribute("software").unwrap_or_default(),
        got,
        dropped: number(element, "dropped").unwrap_or_default(),
        places: number(element, "places"),
        deferred: deferred(element),
    })
}

/// Returns how many events the adapter can keep deferred.
fn deferred(hello: ElementRef<'_>) -> u64 {
    let can = hello
        .children()
        .find(|child| child.is("can", Namespace::Link));
    let words = can.map(ElementRef::text).unwrap_or_default();
    let can_defer = words.split_ascii_whitespace().any(|word| word == "defer");
    let room = number(hello, "deferred").filter(|_| can_defer);
    room.unwrap_or_default()
}

fn event(element: ElementRef<'_>) -> Option<LinkEvent<'_>> {
    let kind = match element.attribute("kind")? {
        "removed" => LinkEventKind::Removed,
        "created" => LinkEventKind::Created,
        "revoked" => revoked(element).unwrap_or(LinkEventKind::Unknown),
        word => {
            Cause::from_name(word).map_or(LinkEventKind::Unknown, |cause| missed(element, cause))
        }
    };
    Some(LinkEvent {
        number: number(element, "n")?,
        user: element.attribute("user")?,
        kind,
    })
}

fn revoked(element: ElementRef<'_>) -> Option<LinkEventKind<'_>> {
    let at = number(element, "last").or_else(|| number(element, "first"));
    let revocation = Revocation::read(message(element)?)?;
    Some(LinkEventKind::Revoked(
        revocation,
        at.map(Timestamp::from_millis),
    ))
}

fn message(event: ElementRef<'_>) -> Option<ElementRef<'_>> {
    event
        .children()
        .find(|child| child.is("message", Namespace::Client))
}

fn missed(element: ElementRef<'_>, cause: Cause) -> LinkEventKind<'_> {
    let children = |name| {
        element
            .children()
            .filter(move |child| child.is(name, Namespace::Link))
    };
    let first = number(element, "first").map(Timestamp::from_millis);
    let was = element
        .attribute("was")
        .and_then(|was| was.rsplit_once(':'));
    LinkEventKind::Missed(MissedMessage {
        cause,
        resource: element.attribute("resource"),
        count: number(element, "count").unwrap_or(1),
        first,
        last: number(element, "last")
            .map(Timestamp::from_millis)
            .or(first),
        was: was.and_then(|(epoch, number)| Some((epoch, decimal(number)?))),
        keys: keys(element),
        recipients: children("for")
            .filter_map(|child| child.attribute("id").map(RecipientId::read))
            .take(MAX_RECIPIENTS)
            .collect(),
        sessions: children("s")
            .filter_map(session)
            .take(MAX_SESSIONS)
            .collect(),
        message: message(element),
    })
}

fn keys(event: ElementRef<'_>) -> Vec<&str> {
    let all = event.attribute("keys").unwrap_or_default();
    let newest = all.split_ascii_whitespace().rev().take(MAX_KEYS);
    let mut keys: Vec<_> = newest.collect();
    keys.reverse();
    keys
}

fn session(element: ElementRef<'_>) -> Option<Session> {
    Some(Session {
        resource: element.attribute("r")?.to_owned(),
        priority: element
            .attribute("p")
            .and_then(|priority| priority.parse().ok()),
        hibernated: element.attribute("h") == Some("1"),
        client_state: match element.attribute("c") {
            Some("active") => Some(ClientState::Active),
            Some("inactive") => Some(ClientState::Inactive),
            _ => None,
        },
        enabled: element.attribute("e") == Some("1"),
    })
}

fn request(element: ElementRef<'_>) -> Option<LinkRequest<'_>> {
    Some(LinkRequest {
        number: number(element, "ref")?,
        user: element.attribute("user")?,
        resource: element.attribute("resource"),
        payload: element
            .children()
            .find(|child| child.namespace() == Namespace::Push),
    })
}

fn outcome(element: ElementRef<'_>) -> Option<DeliveryOutcome> {
    match element.attribute("type")? {
        "result" => Some(DeliveryOutcome::Accepted),
        "foreign" => Some(DeliveryOutcome::Foreign),
        "timeout" => Some(DeliveryOutcome::TimedOut),
        "error" => {
            let error = error(element);
            Some(match element.attribute("origin") {
                None => DeliveryOutcome::Refused(error),
                Some("server") => DeliveryOutcome::Undeliverable(error),
                Some(_) => DeliveryOutcome::NotSent(error),
            })
        }
        _ => None,
    }
}

fn error(element: ElementRef<'_>) -> StanzaError {
    let condition = element
        .attribute("condition")
        .and_then(DefinedCondition::from_name);
    let condition = condition.unwrap_or(DefinedCondition::UndefinedCondition);
    let kind = element.attribute("etype").and_then(ErrorType::from_name);
    let error = StanzaError::new(kind.unwrap_or(condition.usual_type()), condition);
    let text = element.text();
    let end = (0..=text.len().min(MAX_TEXT))
        .rev()
        .find(|&end| text.is_char_boundary(end));
    match &text[..end.unwrap_or_default()] {
        "" => error,
        text => error.with_text(text.to_owned()),
    }
}

#[cfg(test)]
mod tests;
