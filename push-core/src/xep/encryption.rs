//! XEP-0380 and the encrypted payloads it names.

use crate::xml::{ElementRef, Namespace};

/// Whether a message carries an encrypted payload: something to read, not a mere key exchange.
pub fn has_payload(message: ElementRef<'_>) -> bool {
    message.children().any(|child| match child.namespace() {
        Namespace::OmemoLegacy | Namespace::Omemo1 | Namespace::Omemo2 => {
            child.name() == "encrypted" && child.child("payload", child.namespace()).is_some()
        }
        Namespace::OpenPgp => child.name() == "openpgp",
        Namespace::Pgp => child.name() == "x",
        Namespace::Encryption => child.name() == "encryption" && !is_omemo(child),
        _ => false,
    })
}

/// Returns whether a message is or claims to be encrypted, be it without a payload: its body is a fallback then, for
/// clients that cannot read it (XEP-0380 §4).
pub fn is_marked(message: ElementRef<'_>) -> bool {
    message.children().any(|child| match child.namespace() {
        Namespace::OmemoLegacy | Namespace::Omemo1 | Namespace::Omemo2 => {
            child.name() == "encrypted"
        }
        Namespace::OpenPgp => child.name() == "openpgp",
        Namespace::Pgp => child.name() == "x",
        Namespace::Encryption => child.name() == "encryption",
        _ => false,
    })
}

/// OMEMO says itself whether there is a payload; its XEP-0380 note comes with key exchanges, too.
fn is_omemo(encryption: ElementRef<'_>) -> bool {
    let omemo = [Namespace::OmemoLegacy, Namespace::Omemo1, Namespace::Omemo2];
    let named = encryption.attribute("namespace").map(Namespace::from_uri);
    named.is_some_and(|namespace| omemo.contains(&namespace))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::sample::{Sample, element};

    fn holds(child: Sample) -> bool {
        has_payload(
            element("message", Namespace::Client)
                .child(child)
                .stanza()
                .root(),
        )
    }

    #[test]
    fn omemo_says_itself_whether_there_is_a_payload() {
        for namespace in [Namespace::OmemoLegacy, Namespace::Omemo1, Namespace::Omemo2] {
            let key_exchange = element("encrypted", namespace);
            assert!(!holds(key_exchange.clone()));
            assert!(holds(key_exchange.child(element("payload", namespace))));
            assert!(!holds(
                element("bundle", namespace).child(element("payload", namespace))
            ));
            let note =
                element("encryption", Namespace::Encryption).with("namespace", namespace.uri());
            assert!(!holds(note), "{namespace:?}");
        }
    }

    #[test]
    fn others_are_payloads_as_they_stand() {
        assert!(holds(element("openpgp", Namespace::OpenPgp)));
        assert!(holds(element("x", Namespace::Pgp)));
        let note = element("encryption", Namespace::Encryption);
        assert!(holds(note.clone().with("namespace", "urn:xmpp:otr:0")));
        assert!(!holds(note.with("namespace", Namespace::Omemo2.uri())));
        assert!(!holds(element("body", Namespace::Client)));
        assert!(!holds(element("x", Namespace::Other)));
    }
}
