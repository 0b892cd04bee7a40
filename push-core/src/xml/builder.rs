//! Filling a tape: by a parser, or from typed values.

use super::tape::{Kind, Node, Span, Tape};
use super::{ElementSink, Namespace, Stanza};
use thiserror::Error;

/// What a tape cannot be made of. A parser that checks well-formedness never meets these.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TapeError {
    /// `end` without `start`, or text or attributes outside an element.
    #[error("element calls do not nest")]
    Unbalanced,
    /// A span that is not inside the buffer or splits a character.
    #[error("span outside of the buffer")]
    Span,
    /// Nothing was started, or not everything was ended.
    #[error("no complete element")]
    Incomplete,
}

/// Makes a [`Stanza`].
///
/// A parser starts with [`StanzaBuilder::over`] and passes spans of the source; values with
/// entities are resolved and added by [`StanzaBuilder::add`]. Typed values write themselves
/// through [`ElementSink`].
#[derive(Debug, Default)]
pub struct StanzaBuilder {
    text: String,
    nodes: Vec<Node>,
    open: Vec<u32>,
    failed: Option<TapeError>,
}

impl StanzaBuilder {
    /// A builder without source, for typed values.
    pub fn new() -> Self {
        Self::default()
    }

    /// A builder over the stanza's source text.
    pub fn over(source: String) -> Self {
        Self {
            text: source,
            nodes: Vec::with_capacity(32),
            ..Self::default()
        }
    }

    /// The buffer: the source, then what was added.
    pub fn buffer(&self) -> &str {
        &self.text
    }

    /// Appends a resolved value to the buffer.
    pub fn add(&mut self, value: &str) -> Span {
        let start = self.text.len();
        self.text.push_str(value);
        Span::new(start, self.text.len())
    }

    /// Opens an element whose source begins at byte `at`.
    pub fn start_at(&mut self, name: Span, namespace: Namespace, at: usize) {
        self.open.push(self.position());
        self.push(Kind::Element, namespace, name, Span::new(at, at));
    }

    /// An attribute of the element opened last.
    pub fn attribute_at(&mut self, name: Span, namespace: Namespace, value: Span) {
        let fresh = |node: &Node| node.kind != Kind::Text;
        if self.open.is_empty() || !self.nodes.last().is_some_and(fresh) {
            self.failed = Some(TapeError::Unbalanced);
        }
        self.push(Kind::Attribute, namespace, name, value);
    }

    /// Character data of the open element.
    pub fn text_at(&mut self, value: Span) {
        if self.open.is_empty() {
            self.failed = Some(TapeError::Unbalanced);
        }
        self.push(Kind::Text, Namespace::None, Span::default(), value);
    }

    /// Closes the element opened last; its source ends before byte `at`.
    pub fn end_at(&mut self, at: usize) {
        let next = self.position();
        let element = self
            .open
            .pop()
            .and_then(|index| self.nodes.get_mut(index as usize));
        match element {
            Some(node) => {
                node.next = next;
                node.value.end = Span::new(0, at).end;
            }
            None => self.failed = Some(TapeError::Unbalanced),
        }
    }

    /// The stanza, if all spans lie in the buffer and all elements are closed.
    pub fn finish(self) -> Result<Stanza, TapeError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let one_root = self
            .nodes
            .first()
            .is_some_and(|root| root.next == self.position());
        if !one_root || !self.open.is_empty() {
            return Err(TapeError::Incomplete);
        }
        let inside = |span: Span| {
            self.text
                .get(span.start as usize..span.end as usize)
                .is_some()
        };
        if !self
            .nodes
            .iter()
            .all(|node| inside(node.name) && inside(node.value))
        {
            return Err(TapeError::Span);
        }
        Ok(Stanza(Tape {
            text: self.text,
            nodes: self.nodes,
        }))
    }

    fn position(&self) -> u32 {
        u32::try_from(self.nodes.len()).unwrap_or(u32::MAX)
    }

    fn push(&mut self, kind: Kind, namespace: Namespace, name: Span, value: Span) {
        let next = self.position() + 1;
        self.nodes.push(Node {
            kind,
            namespace,
            name,
            value,
            next,
        });
    }
}

impl ElementSink for StanzaBuilder {
    fn start(&mut self, name: &str, namespace: Namespace) {
        let name = self.add(name);
        let at = self.text.len();
        self.start_at(name, namespace, at);
    }

    fn attribute(&mut self, name: &str, value: &str) {
        let name = self.add(name);
        let value = self.add(value);
        self.attribute_at(name, Namespace::None, value);
    }

    fn text(&mut self, text: &str) {
        let value = self.add(text);
        self.text_at(value);
    }

    fn end(&mut self) {
        let at = self.text.len();
        self.end_at(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_that_do_not_nest_are_refused() {
        let mut builder = StanzaBuilder::new();
        builder.end();
        assert_eq!(builder.finish().unwrap_err(), TapeError::Unbalanced);
    }

    #[test]
    fn an_open_element_is_incomplete() {
        let mut builder = StanzaBuilder::new();
        builder.start("iq", Namespace::Component);
        assert_eq!(builder.finish().unwrap_err(), TapeError::Incomplete);
        assert_eq!(
            StanzaBuilder::new().finish().unwrap_err(),
            TapeError::Incomplete
        );
    }

    #[test]
    fn two_roots_are_refused() {
        let mut builder = StanzaBuilder::new();
        for _ in 0..2 {
            builder.start("iq", Namespace::Component);
            builder.end();
        }
        assert_eq!(builder.finish().unwrap_err(), TapeError::Incomplete);
    }

    #[test]
    fn a_span_outside_the_buffer_is_refused() {
        let mut builder = StanzaBuilder::over("<a/>".to_owned());
        builder.start_at(Span::new(1, 2), Namespace::Other, 0);
        builder.text_at(Span::new(2, 99));
        builder.end_at(4);
        assert_eq!(builder.finish().unwrap_err(), TapeError::Span);
    }
}
