//! Noticing that the server is gone while the socket still looks well.

use crate::config::Timeouts;
use push_core::BareJid;
use push_core::xml::{ElementRef, ElementSink, Namespace, Stanza, WriteXml};
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

/// What came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Alive,
    /// The server does not route to this socket.
    Detached,
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

    /// What a stanza says if it is the answer to a message of ours, which is for nobody else.
    pub(crate) fn answer(&self, stanza: &Stanza) -> Option<Answer> {
        let root = stanza.root();
        let SelfMessage { from, to, .. } = &self.message;
        let between =
            |a: &str, b: &str| root.attribute("from") == Some(a) && root.attribute("to") == Some(b);
        if !root.is("message", Namespace::Component) {
            None
        } else if between(from, to) {
            Some(Answer::Alive)
        } else if between(to, from) {
            Some(refusal(root))
        } else {
            None
        }
    }
}

/// What a server means that refuses a message to ourselves.
///
/// Prosody says `remote-server-timeout` where its component module was reloaded: to it we are not
/// connected any more. A server that merely does not like such messages is alive.
fn refusal(message: ElementRef<'_>) -> Answer {
    let error = message.child("error", Namespace::Component);
    let says = |condition| error.and_then(|error| error.child(condition, Namespace::StanzaErrors));
    if says("remote-server-timeout")
        .or(says("remote-server-not-found"))
        .is_some()
    {
        Answer::Detached
    } else {
        Answer::Alive
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

    fn message(from: &str, to: &str, error: Option<&str>) -> Stanza {
        let mut message = StanzaBuilder::new();
        message.start("message", Namespace::Component);
        message.attribute("from", from);
        message.attribute("to", to);
        if let Some(condition) = error {
            message.start("error", Namespace::Component);
            message.leaf(condition, Namespace::StanzaErrors, "");
            message.end();
        }
        message.end();
        message.finish().unwrap()
    }

    #[test]
    fn its_own_messages_are_known() {
        let keep_alive = keep_alive(Instant::now());
        let mut own = StanzaBuilder::new();
        keep_alive.message().write_xml(&mut own);
        assert_eq!(
            keep_alive.answer(&own.finish().unwrap()),
            Some(Answer::Alive)
        );
        let (us, there) = ("push.example.org", "push.example.org/keepalive");
        assert_eq!(keep_alive.answer(&message(us, us, None)), None);
        assert_eq!(
            keep_alive.answer(&message("example.org", there, None)),
            None
        );
    }

    #[test]
    fn only_some_refusals_mean_that_the_socket_is_deaf() {
        let keep_alive = keep_alive(Instant::now());
        for (condition, answer) in [
            ("remote-server-timeout", Answer::Detached),
            ("remote-server-not-found", Answer::Detached),
            ("service-unavailable", Answer::Alive),
            ("not-allowed", Answer::Alive),
        ] {
            let refused = message(
                "push.example.org/keepalive",
                "push.example.org",
                Some(condition),
            );
            assert_eq!(keep_alive.answer(&refused), Some(answer), "{condition}");
        }
    }
}
