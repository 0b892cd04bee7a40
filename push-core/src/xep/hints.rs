//! XEP-0334: hints for how a message is to be handled.

use crate::xml::{ElementRef, Namespace};

/// A hint about storing a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// It is to be stored (§4.4).
    Store,
    /// It is not to be stored, not even for later delivery (§4.2).
    NoStore,
}

impl Hint {
    /// Returns whether a message has this hint.
    pub fn is_in(self, message: ElementRef<'_>) -> bool {
        let name = match self {
            Self::Store => "store",
            Self::NoStore => "no-store",
        };
        message.child(name, Namespace::Hints).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::sample::element;

    #[test]
    fn a_hint_counts_in_its_namespace_alone() {
        let with = |namespace| {
            let hint = element("no-store", namespace);
            let message = element("message", Namespace::Client).child(hint).stanza();
            [Hint::Store, Hint::NoStore].map(|hint| hint.is_in(message.root()))
        };
        assert_eq!(with(Namespace::Hints), [false, true]);
        assert_eq!(with(Namespace::Client), [false, false]);
    }
}
