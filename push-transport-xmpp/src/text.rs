//! Character data, on its way to the tape.

use crate::error::MalformedError;
use push_core::xml::{Span, StanzaBuilder};

/// Character data between two tags: one node, however many references and CDATA sections.
///
/// A single literal stays where it is in the source; everything else is put together behind it.
#[derive(Default)]
pub(crate) struct TextRun {
    literal: Option<Span>,
    resolved: Option<Span>,
}

impl TextRun {
    /// Adds text as it stands in the source.
    pub(crate) fn literal(
        &mut self,
        builder: &mut StanzaBuilder,
        source: &str,
        start: usize,
        end: usize,
    ) -> Result<(), MalformedError> {
        let text = &source[start..end];
        if holds_section_end(text) {
            return Err(MalformedError::Text);
        }
        self.append(builder, source, start, end);
        Ok(())
    }

    /// Adds what is in a CDATA section.
    pub(crate) fn cdata(
        &mut self,
        builder: &mut StanzaBuilder,
        source: &str,
        start: usize,
        end: usize,
    ) {
        self.append(
            builder,
            source,
            start + "<![CDATA[".len(),
            end - "]]>".len(),
        );
    }

    fn append(&mut self, builder: &mut StanzaBuilder, source: &str, start: usize, end: usize) {
        let text = &source[start..end];
        let has_return = memchr::memchr(b'\r', text.as_bytes()).is_some();
        let first = self.literal.is_none() && self.resolved.is_none();
        if first && !has_return {
            self.literal = Some(Span::new(start, end));
            return;
        }
        self.leave_source(builder, source);
        if !has_return {
            return self.extend(builder.add(text));
        }
        // Line ends are one \n each (XML 1.0 §2.11).
        for (index, line) in text.replace("\r\n", "\n").split('\r').enumerate() {
            if index > 0 {
                self.extend(builder.add("\n"));
            }
            self.extend(builder.add(line));
        }
    }

    /// Adds the character that a reference stands for.
    pub(crate) fn add(&mut self, builder: &mut StanzaBuilder, source: &str, character: char) {
        self.leave_source(builder, source);
        self.extend(builder.add(character.encode_utf8(&mut [0; 4])));
    }

    /// What was a literal is copied to where the rest will stand.
    fn leave_source(&mut self, builder: &mut StanzaBuilder, source: &str) {
        if let Some(Span { start, end }) = self.literal.take() {
            self.extend(builder.add(&source[start as usize..end as usize]));
        }
    }

    fn extend(&mut self, added: Span) {
        let start = self.resolved.map_or(added.start, |resolved| resolved.start);
        let end = added.end;
        self.resolved = Some(Span { start, end });
    }

    /// Puts it on the tape: a tag follows.
    pub(crate) fn flush(&mut self, builder: &mut StanzaBuilder) {
        if let Some(text) = self.literal.take().or(self.resolved.take()) {
            builder.text_at(text);
        }
    }
}

/// Whether `]]>` stands in character data, which XML 1.0 §2.4 forbids.
fn holds_section_end(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr::memchr_iter(b'>', bytes).any(|at| bytes[..at].ends_with(b"]]"))
}
