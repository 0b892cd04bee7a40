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

/// The carbon in a message, if it is one from the user's own account (§11: others are forged).
pub fn read(message: ElementRef<'_>) -> Option<Carbon<'_>> {
    if !is_from_own_account(message) {
        return None;
    }
    if message.child("sent", Namespace::Carbons).is_some() {
        return Some(Carbon::Sent);
    }
    let received = message.child("received", Namespace::Carbons)?;
    forwarding::forwarded(received).map(Carbon::Received)
}

/// Returns whether the sender is the bare JID of the addressee: only the server sends in its name.
fn is_from_own_account(message: ElementRef<'_>) -> bool {
    let account = message.attribute("to").and_then(|to| to.split('/').next());
    account.is_some() && account == message.attribute("from")
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
        let forged = copy("received", "mallory@example.com", inner()).stanza();
        let session = copy("received", "alice@example.org/laptop", inner()).stanza();
        let forged_sent = copy("sent", "mallory@example.com", inner()).stanza();
        let empty = copy(
            "received",
            "alice@example.org",
            element("iq", Namespace::Other),
        )
        .stanza();
        let plain = inner().stanza();
        for stanza in [forged, session, forged_sent, empty, plain] {
            assert!(read(stanza.root()).is_none());
        }
    }
}
