//! Reading a stanza.

use super::tape::{Kind, Node, Span, Tape};
use super::{ElementSink, Namespace, WriteXml};
use std::borrow::Cow;
use std::fmt;

/// One element of a [`Stanza`](super::Stanza), borrowed.
#[derive(Clone, Copy)]
pub struct ElementRef<'a> {
    tape: &'a Tape,
    index: u32,
}

impl<'a> ElementRef<'a> {
    pub(super) fn new(tape: &'a Tape, index: u32) -> Self {
        Self { tape, index }
    }

    /// The local name.
    pub fn name(self) -> &'a str {
        self.slice(self.node().name)
    }

    /// The namespace.
    pub fn namespace(self) -> Namespace {
        self.node().namespace
    }

    /// Whether this is `name` in `namespace`.
    pub fn is(self, name: &str, namespace: Namespace) -> bool {
        self.namespace() == namespace && self.name() == name
    }

    /// The value of an attribute without namespace.
    pub fn attribute(self, name: &str) -> Option<&'a str> {
        self.attributes()
            .find(|(at, _)| *at == name)
            .map(|(_, value)| value)
    }

    /// Attributes without namespace, in document order.
    pub fn attributes(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let plain =
            |node: &&'a Node| node.kind == Kind::Attribute && node.namespace == Namespace::None;
        let first = self.index as usize + 1;
        let own = self.tape.nodes[first..self.node().next as usize].iter();
        own.take_while(|node| node.kind == Kind::Attribute)
            .filter(plain)
            .map(move |node| (self.slice(node.name), self.slice(node.value)))
    }

    /// Child elements, in document order.
    pub fn children(self) -> Children<'a> {
        Children {
            tape: self.tape,
            at: self.index + 1,
            end: self.node().next,
        }
    }

    /// The first child `name` in `namespace`.
    pub fn child(self, name: &str, namespace: Namespace) -> Option<Self> {
        self.children().find(|child| child.is(name, namespace))
    }

    /// The only child element, if there is exactly one.
    pub fn only_child(self) -> Option<Self> {
        let mut children = self.children();
        children.next().filter(|_| children.next().is_none())
    }

    /// The element's own character data, children's left out.
    pub fn text(self) -> Cow<'a, str> {
        let mut parts = self.texts();
        let first = parts.next().unwrap_or_default();
        match parts.next() {
            None => Cow::Borrowed(first),
            Some(second) => {
                let mut all = format!("{first}{second}");
                parts.for_each(|part| all.push_str(part));
                Cow::Owned(all)
            }
        }
    }

    /// The element as it stood on the wire; empty for stanzas made from typed values.
    pub fn source(self) -> &'a str {
        self.slice(self.node().value)
    }

    fn texts(self) -> impl Iterator<Item = &'a str> {
        Walk {
            tape: self.tape,
            at: self.index + 1,
            end: self.node().next,
        }
        .filter(|(node, _)| node.kind == Kind::Text)
        .map(move |(node, _)| self.slice(node.value))
    }

    fn node(self) -> &'a Node {
        &self.tape.nodes[self.index as usize]
    }

    fn slice(self, span: Span) -> &'a str {
        &self.tape.text[span.start as usize..span.end as usize]
    }
}

impl fmt::Debug for ElementRef<'_> {
    /// Names only: content may be a body or a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} xmlns='{}'>", self.name(), self.namespace().uri())
    }
}

impl PartialEq for ElementRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.is(other.name(), other.namespace())
            && self.attributes().eq(other.attributes())
            && self.text() == other.text()
            && self.children().eq(other.children())
    }
}

impl WriteXml for ElementRef<'_> {
    /// Text comes before child elements; elements nothing here reads lose their namespace.
    fn write_xml(&self, sink: &mut dyn ElementSink) {
        sink.start(self.name(), self.namespace());
        self.attributes()
            .for_each(|(name, value)| sink.attribute(name, value));
        self.texts().for_each(|text| sink.text(text));
        self.children().for_each(|child| child.write_xml(sink));
        sink.end();
    }
}

/// The child elements of an element.
#[derive(Clone, Debug)]
pub struct Children<'a> {
    tape: &'a Tape,
    at: u32,
    end: u32,
}

impl<'a> Iterator for Children<'a> {
    type Item = ElementRef<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut walk = Walk {
            tape: self.tape,
            at: self.at,
            end: self.end,
        };
        let found = walk.find(|(node, _)| node.kind == Kind::Element);
        self.at = walk.at;
        found.map(|(_, index)| ElementRef::new(self.tape, index))
    }
}

/// Direct nodes of an element, one step each.
struct Walk<'a> {
    tape: &'a Tape,
    at: u32,
    end: u32,
}

impl<'a> Iterator for Walk<'a> {
    type Item = (&'a Node, u32);

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.end {
            return None;
        }
        let index = self.at;
        let node = &self.tape.nodes[index as usize];
        self.at = node.next;
        Some((node, index))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Stanza, StanzaBuilder};
    use super::*;

    fn message() -> Stanza {
        let mut sink = StanzaBuilder::new();
        sink.start("message", Namespace::Component);
        sink.attribute("from", "a@b");
        sink.number("n", 7);
        sink.leaf("body", Namespace::Component, "hush");
        sink.text("x");
        sink.start("x", Namespace::DataForms);
        sink.leaf("value", Namespace::DataForms, "deep");
        sink.end();
        sink.text("y");
        sink.end();
        sink.finish().unwrap()
    }

    #[test]
    fn children_and_attributes_are_those_of_the_element_itself() {
        let stanza = message();
        let root = stanza.root();
        assert_eq!(root.attribute("from"), Some("a@b"));
        assert_eq!(root.attribute("n"), Some("7"));
        assert_eq!(root.attribute("value"), None);
        let names: Vec<_> = root.children().map(ElementRef::name).collect();
        assert_eq!(names, ["body", "x"]);
        assert_eq!(root.text(), "xy");
        assert!(root.child("value", Namespace::DataForms).is_none());
        assert_eq!(root.only_child(), None);
    }

    #[test]
    fn debug_shows_no_content() {
        let shown = format!("{:?} {:?}", message(), message().root());
        assert!(!shown.contains("hush") && !shown.contains("a@b"), "{shown}");
    }

    #[test]
    fn a_written_element_reads_the_same() {
        let stanza = message();
        let mut sink = StanzaBuilder::new();
        stanza.root().write_xml(&mut sink);
        assert_eq!(sink.finish().unwrap(), stanza);
    }
}
