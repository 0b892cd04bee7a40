//! XEP-0334: processing hints.

use crate::xml::{ElementRef, Namespace};

/// A hint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// Keep it.
    Store,
    /// Do not keep it anywhere.
    NoStore,
    /// Do not archive it for ever.
    NoPermanentStore,
    /// Do not copy it to other sessions.
    NoCopy,
}

/// The hints of a message.
pub fn hints(message: ElementRef<'_>) -> impl Iterator<Item = Hint> {
    let known = |child: ElementRef<'_>| match child.name() {
        _ if child.namespace() != Namespace::Hints => None,
        "store" => Some(Hint::Store),
        "no-store" => Some(Hint::NoStore),
        "no-permanent-store" => Some(Hint::NoPermanentStore),
        "no-copy" => Some(Hint::NoCopy),
        _ => None,
    };
    message.children().filter_map(known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::sample::element;

    #[test]
    fn known_hints_are_read_in_order() {
        let message = element("message", Namespace::Client)
            .child(element("no-store", Namespace::Hints))
            .child(element("store", Namespace::Other))
            .child(element("shiny", Namespace::Hints))
            .child(element("no-copy", Namespace::Hints))
            .child(element("no-permanent-store", Namespace::Hints))
            .child(element("store", Namespace::Hints));
        let read: Vec<Hint> = hints(message.stanza().root()).collect();
        assert_eq!(
            read,
            [
                Hint::NoStore,
                Hint::NoCopy,
                Hint::NoPermanentStore,
                Hint::Store
            ]
        );
    }
}
