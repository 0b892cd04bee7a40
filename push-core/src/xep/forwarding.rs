//! XEP-0297: forwarded stanzas.

use crate::xml::{ElementRef, Namespace};

/// The stanza in the `<forwarded/>` child of `parent`.
pub fn forwarded(parent: ElementRef<'_>) -> Option<ElementRef<'_>> {
    let forwarded = parent.child("forwarded", Namespace::Forward)?;
    forwarded
        .children()
        .find(|child| matches!(child.namespace(), Namespace::Client | Namespace::Component))
}
