//! The opening of a component's stream (XEP-0114 §3), without I/O.

use crate::config::Secret;
use crate::decoder::Incoming;
use crate::error::MalformedError;
use crate::writer::escape_attribute;
use push_core::BareJid;
use push_core::transport::DownReason;
use push_core::xml::{ElementRef, ElementSink, Namespace, WriteXml};
use sha1::{Digest, Sha1};
use std::fmt::Write;

/// The start of our side of the stream.
pub(crate) fn opening(component: &BareJid) -> String {
    format!(
        "<?xml version='1.0'?><stream:stream xmlns='{}' xmlns:stream='{}' to='{}'>",
        Namespace::Component.uri(),
        Namespace::Streams.uri(),
        escape_attribute(&component.to_string()),
    )
}

/// The end of our side of the stream.
pub(crate) const CLOSING: &str = "</stream:stream>";

/// Where the handshake is.
#[derive(Debug)]
pub(crate) enum Handshake {
    /// Waiting for the server's stream header.
    Header,
    /// Waiting for the verdict on the digest.
    Verdict,
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Send this and go on.
    Digest(Digested),
    /// The stream is open.
    Open,
}

/// `<handshake/>` with the digest of the stream's id and the secret.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Digested(String);

impl Digested {
    fn new(id: &str, secret: &Secret) -> Self {
        let digest = Sha1::new().chain_update(id).chain_update(secret.expose());
        let mut hex = String::with_capacity(40);
        for byte in digest.finalize() {
            // Writing to a string cannot fail.
            let _ = write!(hex, "{byte:02x}");
        }
        Self(hex)
    }
}

impl WriteXml for Digested {
    fn write_xml(&self, sink: &mut dyn ElementSink) {
        sink.leaf("handshake", Namespace::Component, &self.0);
    }
}

impl Handshake {
    /// Takes what the server sent.
    pub(crate) fn step(
        &mut self,
        incoming: &Incoming,
        secret: &Secret,
    ) -> Result<Step, DownReason> {
        match (&self, incoming) {
            (Self::Header, Incoming::Header(header)) => {
                // Prosody refuses an unknown host behind a header with an empty id: an answer
                // to that does no harm.
                let id = header.root().attribute("id").ok_or(MalformedError::Header);
                let id = id.map_err(malformed)?;
                *self = Self::Verdict;
                Ok(Step::Digest(Digested::new(id, secret)))
            }
            (Self::Verdict, Incoming::Stanza(stanza)) => verdict(stanza.root()),
            (_, Incoming::Close) => Err(DownReason::Closed),
            _ => Err(malformed(MalformedError::Header)),
        }
    }
}

fn verdict(answer: ElementRef<'_>) -> Result<Step, DownReason> {
    if answer.is("handshake", Namespace::Component) {
        return Ok(Step::Open);
    }
    Err(stream_error(answer).unwrap_or_else(|| malformed(MalformedError::Header)))
}

pub(crate) fn malformed(error: MalformedError) -> DownReason {
    DownReason::Malformed(error.to_string())
}

/// What a `<stream:error/>` says (RFC 6120 §4.9), if this is one.
pub(crate) fn stream_error(element: ElementRef<'_>) -> Option<DownReason> {
    if !element.is("error", Namespace::Streams) {
        return None;
    }
    let of_stream = |child: &ElementRef<'_>| child.namespace() == Namespace::StreamErrors;
    let condition = element
        .children()
        .filter(of_stream)
        .find(|child| child.name() != "text");
    Some(match condition.map(ElementRef::name) {
        Some("not-authorized" | "host-unknown" | "host-gone") => DownReason::NotAuthorized,
        Some("conflict") => DownReason::Conflict,
        Some(condition) => DownReason::StreamError(condition.to_owned()),
        None => DownReason::StreamError("undefined-condition".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Limits;
    use crate::decoder::Decoder;

    const HEADER: &str = "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' id='3BF96D32'>";

    fn steps(server: &str) -> Vec<Result<Step, DownReason>> {
        let mut decoder = Decoder::new(Limits::default());
        decoder.push(server.as_bytes());
        let mut handshake = Handshake::Header;
        let secret = Secret::from("test");
        let next = || decoder.next_incoming().unwrap();
        std::iter::from_fn(next)
            .map(|incoming| handshake.step(&incoming, &secret))
            .collect()
    }

    fn refused(answer: &str) -> DownReason {
        steps(&format!("{HEADER}{answer}"))
            .pop()
            .unwrap()
            .unwrap_err()
    }

    #[test]
    fn the_digest_is_that_of_id_and_secret() {
        let steps = steps(&format!("{HEADER}<handshake/>"));
        // The example of XEP-0114 §3.
        let digest = Digested("aaee83c26aeeafcbabeabfcbcd50df997e0a2a1e".to_owned());
        assert_eq!(steps, [Ok(Step::Digest(digest)), Ok(Step::Open)]);
    }

    #[test]
    fn refusals_are_told_apart() {
        let error = |condition: &str| {
            refused(&format!(
                "<stream:error><{condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>no</text></stream:error>"
            ))
        };
        assert_eq!(error("not-authorized"), DownReason::NotAuthorized);
        assert_eq!(error("host-unknown"), DownReason::NotAuthorized);
        assert_eq!(error("conflict"), DownReason::Conflict);
        assert_eq!(error("reset"), DownReason::StreamError("reset".to_owned()));
        assert_eq!(refused("</stream:stream>"), DownReason::Closed);
        assert!(matches!(refused("<message/>"), DownReason::Malformed(_)));
        assert!(matches!(
            refused("<stream:error/>"),
            DownReason::StreamError(_)
        ));
    }

    #[test]
    fn a_header_without_id_is_refused() {
        let steps = steps(&HEADER.replace(" id=", " x="));
        assert!(matches!(steps[..], [Err(DownReason::Malformed(_))]));
    }
}
