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

/// OMEMO says itself whether there is a payload; its XEP-0380 note comes with key exchanges, too.
fn is_omemo(encryption: ElementRef<'_>) -> bool {
    let omemo = [Namespace::OmemoLegacy, Namespace::Omemo1, Namespace::Omemo2];
    let named = encryption.attribute("namespace").map(Namespace::from_uri);
    named.is_some_and(|namespace| omemo.contains(&namespace))
}
