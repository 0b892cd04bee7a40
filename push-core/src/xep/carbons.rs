//! XEP-0280: copies of messages for the user's other sessions.

use crate::xep::forwarding;
use crate::xml::{ElementRef, Namespace};

/// A carbon copy.
#[derive(Clone, Copy, Debug)]
pub enum Carbon<'a> {
    /// Of a message to the user.
    Received(ElementRef<'a>),
    /// Of a message by the user.
    Sent,
}

/// Returns the carbon in a message, if it is one from the user's own account. What others send that looks like a copy is a message
/// of theirs (§11).
pub fn read(message: ElementRef<'_>) -> Option<Carbon<'_>> {
    let own = message.attribute("from") == message.attribute("to").map(bare);
    let copy = |direction| {
        let copy = message.child(direction, Namespace::Carbons)?;
        forwarding::forwarded(copy).filter(|_| own)
    };
    let sent = copy("sent").map(|_| Carbon::Sent);
    sent.or_else(|| copy("received").map(Carbon::Received))
}

fn bare(jid: &str) -> &str {
    jid.split('/').next().unwrap_or(jid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::sample::{Sample, element};

    fn copy(kind: &'static str, from: &str, inner: Sample) -> Sample {
        let forwarded = element("forwarded", Namespace::Forward).child(inner);
        element("message", Namespace::Client)
            .with("from", from)
            .with("to", "alice@example.org/phone")
            .child(element(kind, Namespace::Carbons).child(forwarded))
    }

    fn inner() -> Sample {
        element("message", Namespace::Client).with("from", "bob@example.com/x")
    }

    #[test]
    fn a_received_copy_is_looked_into() {
        let stanza = copy("received", "alice@example.org", inner()).stanza();
        let Some(Carbon::Received(found)) = read(stanza.root()) else {
            unreachable!()
        };
        assert_eq!(found.attribute("from"), Some("bob@example.com/x"));
    }

    #[test]
    fn a_sent_copy_is_known_as_such() {
        let stanza = copy("sent", "alice@example.org", inner()).stanza();
        assert!(matches!(read(stanza.root()), Some(Carbon::Sent)));
    }

    #[test]
    fn copies_of_others_and_empty_ones_are_none() {
        for kind in ["received", "sent"] {
            let forged = copy(kind, "mallory@example.com", inner()).stanza();
            let of_a_device = copy(kind, "alice@example.org/laptop", inner()).stanza();
            let nothing = element("iq", Namespace::Other);
            let empty = copy(kind, "alice@example.org", nothing).stanza();
            for stanza in [forged, of_a_device, empty] {
                assert!(read(stanza.root()).is_none(), "{kind}");
            }
        }
        assert!(read(inner().stanza().root()).is_none());
    }
}
