//! XEP-0359: ids given by archives.

use crate::xml::{ElementRef, Namespace};

/// The id the archive of `by` gave to a message.
///
/// Only ids of the owner's own archive identify: those of others could be forged.
pub fn stanza_id<'a>(message: ElementRef<'a>, by: &str) -> Option<&'a str> {
    let given = |child: &ElementRef<'a>| {
        child.is("stanza-id", Namespace::StanzaId) && child.attribute("by") == Some(by)
    };
    message.children().find(given)?.attribute("id")
}
