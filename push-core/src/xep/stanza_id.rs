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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::sample::element;

    #[test]
    fn only_the_owner_s_archive_is_believed() {
        let given = |by: &str, id: &str| {
            element("stanza-id", Namespace::StanzaId)
                .with("by", by)
                .with("id", id)
        };
        let message = element("message", Namespace::Client)
            .child(given("room@muc.example.org", "r"))
            .child(given("alice@example.org", "a"))
            .child(element("origin-id", Namespace::StanzaId).with("id", "o"));
        let stanza = message.stanza();
        assert_eq!(stanza_id(stanza.root(), "alice@example.org"), Some("a"));
        assert_eq!(stanza_id(stanza.root(), "bob@example.org"), None);
    }
}
