//! A parsed stanza: one buffer, one tape.

use super::tape::{Kind, Node, Tape};
use super::{ElementRef, Namespace};
use std::fmt;

/// A complete top-level element of a stream, parsed.
///
/// Holds its source text, values with entities resolved behind it, and a flat list of nodes.
/// Cheap to move, never edited.
#[derive(Clone)]
pub struct Stanza(pub(super) Tape);

impl Stanza {
    /// The top-level element.
    pub fn root(&self) -> ElementRef<'_> {
        ElementRef::new(&self.0, 0)
    }

    /// Bytes held, source and resolved values together.
    pub fn len(&self) -> usize {
        self.0.text.len()
    }

    /// Never true: a stanza has at least its root.
    pub fn is_empty(&self) -> bool {
        self.0.nodes.is_empty()
    }

    /// How many elements of `namespace` there are at any depth.
    pub fn count(&self, namespace: Namespace) -> usize {
        let of = |node: &&Node| node.kind == Kind::Element && node.namespace == namespace;
        self.0.nodes.iter().filter(of).count()
    }
}

impl fmt::Debug for Stanza {
    /// Names only: content may be a body or a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stanza").field(&self.root().name()).finish()
    }
}

impl PartialEq for Stanza {
    /// Equal when the elements are: prefixes, quotes and declarations do not count.
    fn eq(&self, other: &Self) -> bool {
        self.root() == other.root()
    }
}
