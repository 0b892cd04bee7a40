//! The flat form of a stanza: nodes in document order, over one buffer.

use super::Namespace;
use std::fmt;

/// A range of bytes in a stanza's buffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The span from `start` to `end`.
    ///
    /// Positions beyond 4 GiB do not occur: transports bound stanzas far below.
    pub fn new(start: usize, end: usize) -> Self {
        let narrow = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self {
            start: narrow(start),
            end: narrow(end),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Element,
    Attribute,
    Text,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) namespace: Namespace,
    /// Local name of an element or attribute.
    pub(super) name: Span,
    /// Source of an element, value of an attribute, text.
    pub(super) value: Span,
    /// Index of the first node behind this one and all in it.
    pub(super) next: u32,
}

/// A buffer and the nodes over it.
#[derive(Clone)]
pub(super) struct Tape {
    /// The source, and values with entities resolved behind it.
    pub(super) text: String,
    pub(super) nodes: Vec<Node>,
}

impl fmt::Debug for Tape {
    /// Shows no content: it may be a body or a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tape({} nodes)", self.nodes.len())
    }
}
