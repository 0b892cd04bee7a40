//! XEP-0297: forwarded stanzas.

use crate::xml::{ElementRef, Namespace};

/// The stanza in the `<forwarded/>` child of `parent`.
pub fn forwarded(parent: ElementRef<'_>) -> Option<ElementRef<'_>> {
    let forwarded = parent.child("forwarded", Namespace::Forward)?;
    forwarded
        .children()
        .find(|child| matches!(child.namespace(), Namespace::Client | Namespace::Component))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::sample::element;

    #[test]
    fn the_stanza_is_found_behind_a_delay() {
        let forwarded = element("forwarded", Namespace::Forward)
            .child(element("delay", Namespace::Delay))
            .child(element("message", Namespace::Component));
        let parent = element("x", Namespace::Other).child(forwarded).stanza();
        assert_eq!(
            super::forwarded(parent.root()).map(ElementRef::name),
            Some("message")
        );
    }

    #[test]
    fn nothing_else_is_a_stanza() {
        let forwarded =
            element("forwarded", Namespace::Forward).child(element("message", Namespace::Other));
        let parent = element("x", Namespace::Other).child(forwarded).stanza();
        assert!(super::forwarded(parent.root()).is_none());
        assert!(super::forwarded(element("x", Namespace::Other).stanza().root()).is_none());
    }
}
