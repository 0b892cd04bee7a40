//! XEP-0203: when a delayed stanza was first sent.

use crate::xml::{ElementRef, Namespace};

/// The stamp of the first `<delay/>`, as written (XEP-0082).
pub fn stamp(stanza: ElementRef<'_>) -> Option<&str> {
    stanza.child("delay", Namespace::Delay)?.attribute("stamp")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::sample::element;

    #[test]
    fn the_first_stamp_counts() {
        let delay = |stamp: &str| element("delay", Namespace::Delay).with("stamp", stamp);
        let message = element("message", Namespace::Client)
            .child(element("delay", Namespace::Other).with("stamp", "x"))
            .child(delay("2026-01-01T00:00:00Z"))
            .child(delay("2026-01-02T00:00:00Z"));
        assert_eq!(stamp(message.stanza().root()), Some("2026-01-01T00:00:00Z"));
        assert_eq!(
            stamp(element("message", Namespace::Client).stanza().root()),
            None
        );
    }
}
