//! Noticing that the server is gone while the socket still looks well.

use crate::config::Timeouts;
use push_core::BareJid;
use push_core::xml::{ElementSink, Namespace, Stanza, WriteXml};
use std::time::{Duration, Instant};

/// What is due.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Nothing,
    /// Ask the server for a sign of life.
    Ask,
    /// There was none.
    Silent,
}

/// Asks when nothing was received for a while, and gives up when nothing is received then.
///
/// What is sent is a message to ourselves, and not an IQ to the server: that it comes back proves
/// that the server still routes to *this* socket (a reloaded component module may leave one open
/// and deaf), and some releases of ejabberd drop IQs of components.
#[derive(Debug)]
pub(crate) struct KeepAlive {
    idle: Duration,
    answer: Duration,
    received: Instant,
    asked: Option<Instant>,
    message: SelfMessage,
}

/// `<message/>` from the component to itself.
#[derive(Debug)]
struct SelfMessage {
    from: String,
    to: String,
    /// Counts on, to be told apart in a trace.
    number: u64,
}

impl WriteXml for SelfMessage {
    fn write_xml(&self, sink: &mut dyn ElementSink) {
        sink.start("message", Namespace::Component);
        // Neither stored nor sent on by any server (RFC 6121 §8.5.2).
        sink.attribute("type", "headline");
        sink.attribute("from", &self.from);
        sink.attribute("to", &self.to);
        sink.number("id", self.number);
        sink.start("ping", Namespace::Ping);
        sink.end();
        sink.end();
    }
}

impl KeepAlive {
    pub(crate) fn new(component: &BareJid, timeouts: &Timeouts, now: Instant) -> Self {
        Self {
            idle: timeouts.keep_alive,
            answer: timeouts.keep_alive_answer,
            received: now,
            asked: None,
            message: SelfMessage {
                from: component.to_string(),
                to: format!("{component}/keepalive"),
                number: 0,
            },
        }
    }

    /// Something was received, or is about to be: nothing was read for reasons of our own.
    pub(crate) fn received(&mut self, now: Instant) {
        self.received = now;
        self.asked = None;
    }

    /// When to look again.
    pub(crate) fn deadline(&self) -> Instant {
        match self.asked {
            Some(asked) => asked + self.answer,
            None => self.received + self.idle,
        }
    }

    /// Looks whether something is due; the caller sends [`KeepAlive::message`] if asked to.
    pub(crate) fn look(&mut self, now: Instant) -> Due {
        if now < self.deadline() {
            return Due::Nothing;
        }
        if self.asked.is_some() {
            return Due::Silent;
        }
        self.asked = Some(now);
        self.message.number += 1;
        Due::Ask
    }

    pub(crate) fn message(&self) -> &dyn WriteXml {
        &self.message
    }

    /// Whether this is a message of ours come back, or its refusal: both are signs of life, and
    /// for nobody else.
    pub(crate) fn is_echo(&self, stanza: &Stanza) -> bool {
        let root = stanza.root();
        let SelfMessage { from, to, .. } = &self.message;
        let between =
            |a: &str, b: &str| root.attribute("from") == Some(a) && root.attribute("to") == Some(b);
        root.is("message", Namespace::Component) && (between(from, to) || between(to, from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use push_core::xml::StanzaBuilder;

    fn keep_alive(now: Instant) -> KeepAlive {
        let component = BareJid::new("push.example.org").unwrap();
        KeepAlive::new(&component, &Timeouts::default(), now)
    }

    #[test]
    fn silence_is_asked_about_and_then_believed() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut keep_alive = keep_alive(start);
        assert_eq!(keep_alive.look(at(29)), Due::Nothing);
        keep_alive.received(at(29));
        assert_eq!(keep_alive.look(at(30)), Due::Nothing);
        assert_eq!(keep_alive.deadline(), at(59));
        assert_eq!(keep_alive.look(at(59)), Due::Ask);
        assert_eq!(keep_alive.look(at(73)), Due::Nothing);
        keep_alive.received(at(73));
        assert_eq!(keep_alive.look(at(74)), Due::Nothing);
        assert_eq!(keep_alive.look(at(103)), Due::Ask);
        assert_eq!(keep_alive.look(at(118)), Due::Silent);
    }

    #[test]
    fn its_own_messages_are_known() {
        let keep_alive = keep_alive(Instant::now());
        let mut own = StanzaBuilder::new();
        keep_alive.message().write_xml(&mut own);
        assert!(keep_alive.is_echo(&own.finish().unwrap()));
        let mut other = StanzaBuilder::new();
        other.start("message", Namespace::Component);
        other.attribute("from", "push.example.org");
        other.attribute("to", "push.example.org");
        other.end();
        assert!(!keep_alive.is_echo(&other.finish().unwrap()));
    }
}
