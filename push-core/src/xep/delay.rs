//! XEP-0203: when a delayed stanza was first sent.

use crate::xml::{ElementRef, Namespace};

/// The stamp of the first `<delay/>`, as written (XEP-0082).
pub fn stamp(stanza: ElementRef<'_>) -> Option<&str> {
    stanza.child("delay", Namespace::Delay)?.attribute("stamp")
}
