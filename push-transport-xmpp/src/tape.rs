//! Filling a stanza's tape, in one pass over its source.

use crate::config::Limits;
use crate::error::MalformedError;
use crate::scanner::is_whitespace;
use crate::scope::{Binding, Scope};
use crate::text::TextRun;
use crate::xml::{
    all_legal, is_attribute_normal, legal_or_replaced, normalize_attribute, resolve, same,
    split_name,
};
use push_core::xml::{Span, Stanza, StanzaBuilder};
use quick_xml::Reader;
use quick_xml::errors::{Error, IllFormedError};
use quick_xml::events::attributes::Attributes;
use quick_xml::events::{BytesStart, Event};
use std::borrow::Cow;

/// Why there is no tape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The stream is of no use any more.
    Malformed(MalformedError),
    /// Well-formed as far as was seen, and over a limit.
    OverLimit,
}

impl From<MalformedError> for Refusal {
    fn from(error: MalformedError) -> Self {
        Self::Malformed(error)
    }
}

/// Parses a first-level element in a stream whose header declares `base`.
pub(crate) fn stanza(
    source: &[u8],
    base: &[Binding<'static>],
    limits: Limits,
) -> Result<Stanza, Refusal> {
    let text = text(source);
    let source = &*text;
    let mut reader = Reader::from_str(source);
    let mut tape = Tape::new(source, base, limits);
    loop {
        let at = position(&reader);
        let event = reader.read_event().map_err(|error| tag_error(&error))?;
        let end = position(&reader);
        match event {
            Event::Start(tag) => tape.open(&tag, at, end - 1)?,
            Event::Empty(tag) => {
                tape.open(&tag, at, end - 2)?;
                tape.close(end);
            }
            Event::End(_) => tape.close(end),
            Event::Text(_) => tape.run.literal(&mut tape.builder, source, at, end)?,
            Event::CData(_) => tape.run.cdata(&mut tape.builder, source, at, end),
            Event::GeneralRef(name) => tape.run.add(&mut tape.builder, source, resolve(&name)?),
            Event::Eof => return tape.finish(),
            // The framer let none of these pass.
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {
                return Err(MalformedError::Tags.into());
            }
        }
    }
}

/// Parses the stream's start tag: itself as an empty element, and what it declares.
pub(crate) fn header(
    source: &[u8],
    limits: Limits,
) -> Result<(Stanza, Vec<Binding<'static>>), Refusal> {
    let text = text(source);
    let source = &*text;
    let mut reader = Reader::from_str(source);
    loop {
        let at = position(&reader);
        match reader.read_event().map_err(|error| tag_error(&error))? {
            Event::Decl(_) if at == 0 => {}
            Event::Text(blank) if blank.bytes().all(is_whitespace) => {}
            Event::Start(tag) => {
                let end = position(&reader);
                let mut tape = Tape::new(source, &[], limits);
                tape.open(&tag, at, end - 1)?;
                tape.builder.end_at(end);
                let base = tape.scope.into_base();
                let stanza = tape.builder.finish();
                return Ok((stanza.map_err(|_| MalformedError::Header)?, base));
            }
            _ => return Err(MalformedError::Header.into()),
        }
    }
}

/// The text of a stanza, with what XML does not allow replaced by U+FFFD.
///
/// Servers pass on unseen what their own interfaces are given (ejabberd's HTTP API: control
/// characters), so that ending the stream, as RFC 6120 §11.6 has it, would be for the wrong one.
fn text(source: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(source) {
        Ok(text) if all_legal(text) => Cow::Borrowed(text),
        _ => {
            let text = String::from_utf8_lossy(source);
            Cow::Owned(text.chars().map(legal_or_replaced).collect())
        }
    }
}

fn position(reader: &Reader<&[u8]>) -> usize {
    // A source is a slice in memory: its positions fit.
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX)
}

fn tag_error(error: &Error) -> MalformedError {
    match error {
        Error::IllFormed(IllFormedError::UnclosedReference) => MalformedError::Entity,
        _ => MalformedError::Tags,
    }
}

struct Tape<'s> {
    source: &'s str,
    builder: StanzaBuilder,
    scope: Scope<'s>,
    limits: Limits,
    depth: usize,
    run: TextRun,
    /// Attributes of one element; kept for its capacity.
    attributes: Vec<Attribute<'s>>,
    /// A value being resolved; kept for its capacity.
    value: String,
}

#[derive(Clone, Copy)]
struct Attribute<'s> {
    prefix: &'s str,
    local: &'s str,
    /// Not normalized yet.
    value: &'s str,
}

impl<'s> Tape<'s> {
    fn new(source: &'s str, base: &'s [Binding<'static>], limits: Limits) -> Self {
        Self {
            source,
            builder: StanzaBuilder::over(source.to_owned()),
            scope: Scope::new(base),
            limits,
            depth: 0,
            run: TextRun::default(),
            attributes: Vec::new(),
            value: String::new(),
        }
    }

    /// A start tag from `<` at `at` to its `>` or `/>` at `end`.
    fn open(&mut self, tag: &BytesStart<'_>, at: usize, end: usize) -> Result<(), Refusal> {
        self.run.flush(&mut self.builder);
        self.depth += 1;
        if self.depth > self.limits.max_depth {
            return Err(Refusal::OverLimit);
        }
        let content = &self.source[at + 1..end];
        let name = tag.name().into_inner().len();
        let (prefix, local) = split_name(&content[..name])?;
        self.read_attributes(content, name)?;
        let namespace = self.scope.element(prefix);
        self.builder.start_at(self.span(local), namespace, at);
        self.write_attributes()
    }

    /// Collects the attributes and puts the declarations in force.
    fn read_attributes(&mut self, content: &'s str, name: usize) -> Result<(), Refusal> {
        self.attributes.clear();
        let mut all = Attributes::new(content, name);
        // Checked below by expanded name, without an allocation for each element.
        all.with_checks(false);
        for (count, attribute) in all.enumerate() {
            if count == self.limits.max_attributes {
                return Err(Refusal::OverLimit);
            }
            let attribute = attribute.map_err(|_| MalformedError::Attribute)?;
            let Cow::Borrowed(value) = attribute.value else {
                return Err(MalformedError::Attribute.into());
            };
            let key = attribute.key.into_inner();
            let before = self.offset(key).checked_sub(1);
            let apart = before.is_some_and(|at| is_whitespace(self.source.as_bytes()[at]));
            if !apart || memchr::memchr(b'<', value.as_bytes()).is_some() {
                return Err(MalformedError::Attribute.into());
            }
            let (prefix, local) = split_name(key)?;
            match (prefix, local) {
                ("", "xmlns") => self.declare("", value)?,
                ("xmlns", _) => self.declare(local, value)?,
                _ => self.attributes.push(Attribute {
                    prefix,
                    local,
                    value,
                }),
            }
        }
        Ok(())
    }

    fn declare(&mut self, prefix: &'s str, raw: &'s str) -> Result<(), Refusal> {
        if self.scope.len() == self.limits.max_attributes {
            return Err(Refusal::OverLimit);
        }
        self.value.clear();
        normalize_attribute(raw, &mut self.value)?;
        Ok(self.scope.declare(prefix, &self.value, self.depth)?)
    }

    fn write_attributes(&mut self) -> Result<(), Refusal> {
        for index in 0..self.attributes.len() {
            let attribute = self.attributes[index];
            self.check_duplicate(index)?;
            let namespace = self.scope.attribute(attribute.prefix);
            let name = self.span(attribute.local);
            let value = self.value(attribute.value)?;
            self.builder.attribute_at(name, namespace, value);
        }
        Ok(())
    }

    /// Attributes are the same if they are written the same: two prefixes for one namespace are
    /// no error, for the reason that [`Scope`] gives.
    fn check_duplicate(&self, index: usize) -> Result<(), MalformedError> {
        let Attribute { prefix, local, .. } = self.attributes[index];
        let equal = |other: &Attribute<'_>| same(other.local, local) && same(other.prefix, prefix);
        if self.attributes[..index].iter().any(equal) {
            Err(MalformedError::Duplicate)
        } else {
            Ok(())
        }
    }

    fn value(&mut self, raw: &str) -> Result<Span, MalformedError> {
        if is_attribute_normal(raw) {
            return Ok(self.span(raw));
        }
        self.value.clear();
        normalize_attribute(raw, &mut self.value)?;
        Ok(self.builder.add(&self.value))
    }

    /// The end of the open element, its source ending before `end`.
    fn close(&mut self, end: usize) {
        self.run.flush(&mut self.builder);
        self.builder.end_at(end);
        // The tokenizer has seen that start and end tags match.
        self.depth = self.depth.saturating_sub(1);
        self.scope.leave(self.depth);
    }

    fn finish(self) -> Result<Stanza, Refusal> {
        let finished = self.builder.finish();
        finished.map_err(|_| MalformedError::Tags.into())
    }

    /// Where a part of the source stands in it.
    fn offset(&self, part: &str) -> usize {
        part.as_ptr().addr() - self.source.as_ptr().addr()
    }

    fn span(&self, part: &str) -> Span {
        let start = self.offset(part);
        Span::new(start, start + part.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use push_core::xml::Namespace;

    fn base() -> Vec<Binding<'static>> {
        let open = b"<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' id='x'>";
        let (header, base) = header(open, Limits::default()).unwrap();
        assert!(header.root().is("stream", Namespace::Streams));
        assert_eq!(header.root().attribute("id"), Some("x"));
        base
    }

    fn parse(source: &str) -> Result<Stanza, Refusal> {
        stanza(source.as_bytes(), &base(), Limits::default())
    }

    #[test]
    fn names_values_and_sources_are_where_they_stand() {
        let parsed = parse("<message to=\"a&amp;b\" xml:lang='de'> <p:x xmlns:p='urn:xmpp:push:0' p:y='1'/>t</message >").unwrap();
        let root = parsed.root();
        assert!(root.is("message", Namespace::Component));
        assert_eq!(root.attributes().collect::<Vec<_>>(), [("to", "a&b")]);
        assert_eq!(root.text(), " t");
        let child = root.only_child().unwrap();
        assert!(child.is("x", Namespace::Push));
        assert_eq!(child.source(), "<p:x xmlns:p='urn:xmpp:push:0' p:y='1'/>");
        assert_eq!(child.attributes().count(), 0);
    }

    #[test]
    fn text_is_put_together() {
        for (source, text) in [
            ("a", "a"),
            ("a&lt;b&#x20AC;", "a<b€"),
            ("<![CDATA[<&]]>]]<![CDATA[>]]>", "<&]]>"),
            ("<![CDATA[]]>", ""),
            ("a\r\nb\rc\n&#13;", "a\nb\nc\n\r"),
            ("&amp;amp;", "&amp;"),
            ("x > ]] >", "x > ]] >"),
        ] {
            let parsed = parse(&format!("<a>{source}</a>")).unwrap();
            assert_eq!(parsed.root().text(), text, "{source}");
        }
    }

    #[test]
    fn a_prefix_declared_elsewhere_belongs_to_nobody() {
        let parsed = parse("<message><evil:x evil:a='1'/><x/></message>").unwrap();
        let mut children = parsed.root().children();
        assert!(children.next().unwrap().is("x", Namespace::Other));
        assert!(children.next().unwrap().is("x", Namespace::Component));
    }

    #[test]
    fn what_xml_does_not_allow_is_replaced() {
        let source = b"<a b='\x01\xEF\xBF\xBF'>\xFFx\xC3</a>";
        let parsed = stanza(source, &base(), Limits::default()).unwrap();
        assert_eq!(parsed.root().attribute("b"), Some("\u{FFFD}\u{FFFD}"));
        assert_eq!(parsed.root().text(), "\u{FFFD}x\u{FFFD}");
    }

    #[test]
    fn limits_are_told_apart_from_faults() {
        let limits = Limits {
            max_depth: 2,
            max_attributes: 2,
            ..Limits::default()
        };
        let over = |source: &str| stanza(source.as_bytes(), &[], limits).err();
        assert_eq!(over("<a b='' c=''><b/></a>"), None);
        assert_eq!(over("<a><b><c/></b></a>"), Some(Refusal::OverLimit));
        assert_eq!(over("<a b='' c='' d=''/>"), Some(Refusal::OverLimit));
        assert_eq!(
            over("<a xmlns:b='b' xmlns:c='c'><b xmlns:d='d'/></a>"),
            Some(Refusal::OverLimit)
        );
    }
}
