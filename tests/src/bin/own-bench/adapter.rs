//! The adapter's side of the link (docs/protocol.md, version 1), as far as a bench needs it.

use push_core::xml::{ElementRef, Namespace, Stanza};
use std::fmt::Write;

/// The host whose users are served.
pub(crate) const HOST: &str = "example.org";
/// The component that the service connects as.
pub(crate) const COMPONENT: &str = "push.example.org";
/// Push services that users are registered at.
const SERVICES: u64 = 4;

/// What the service said.
pub(crate) enum Heard {
    /// Its hello, with its session.
    Hello(String),
    /// It asks whether the adapter is there.
    Ping,
    /// The answer to a request; whether it was granted.
    Answer(bool),
    /// A publish, by its number.
    Publish(u64),
    /// So many events are done.
    Acknowledged(u64),
}

/// Reads one message of the service.
pub(crate) fn hear(stanza: &Stanza, mut heard: impl FnMut(Heard)) {
    for element in stanza.root().children() {
        if element.namespace() == Namespace::Link
            && let Some(said) = read(element)
        {
            heard(said);
        }
    }
}

fn read(element: ElementRef<'_>) -> Option<Heard> {
    Some(match element.name() {
        "hello" => Heard::Hello(element.attribute("session")?.to_owned()),
        "ping" => Heard::Ping,
        "answer" => Heard::Answer(element.attribute("type") == Some("result")),
        "publish" => Heard::Publish(element.attribute("ref")?.parse().ok()?),
        "ack" => Heard::Acknowledged(numbers(&element.text())),
        _ => return None,
    })
}

/// How many numbers there are in ranges such as `1-40 43`.
fn numbers(ranges: &str) -> u64 {
    let count = |range: &str| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some(last.parse::<u64>().ok()? - first.parse::<u64>().ok()? + 1)
    };
    ranges.split(' ').filter_map(count).sum()
}

/// Writes one message to the service.
fn message(to: &mut String, content: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = write!(
        to,
        "<message from='{HOST}/xmpp-push' to='{COMPONENT}'>{content}</message>"
    );
}

pub(crate) fn hello(to: &mut String, session: &str) {
    let kinds = "offline queued unacked lost archived removed created revoked";
    message(
        to,
        format_args!(
            "<hello xmlns='urn:x-xmpp-push:link' version='2' session='{session}' epoch='e1' software='bench'><can>{kinds}</can></hello>"
        ),
    );
}

pub(crate) fn pong(to: &mut String) {
    message(to, format_args!("<pong xmlns='urn:x-xmpp-push:link'/>"));
}

/// A client enables push.
pub(crate) fn enable(to: &mut String, user: u64) {
    let service = user % SERVICES;
    message(
        to,
        format_args!(
            "<request xmlns='urn:x-xmpp-push:link' ref='{}' user='user{user}' resource='phone'><enable xmlns='urn:xmpp:push:0' jid='app{service}.example.net' node='{user:032x}'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/pubsub#publish-options</value></field><field var='secret'><value>{user:064x}</value></field></x></enable></request>",
            user + 1
        ),
    );
}

/// A user who is offline missed a message.
pub(crate) fn event(to: &mut String, number: u64, user: u64) {
    message(
        to,
        format_args!(
            "<event xmlns='urn:x-xmpp-push:link' n='{number}' kind='offline' user='user{user}'><message xmlns='jabber:client' type='chat' from='juliet@example.org/balcony' to='user{user}@{HOST}' id='m{number}'><body>Art thou not Romeo, and a Montague?</body><origin-id xmlns='urn:xmpp:sid:0' id='m{number}'/></message></event>"
        ),
    );
}

/// The push service took a publish.
pub(crate) fn outcome(to: &mut String, number: u64) {
    message(
        to,
        format_args!("<outcome xmlns='urn:x-xmpp-push:link' ref='{number}' type='result'/>"),
    );
}
