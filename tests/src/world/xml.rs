//! Stanzas as text, through the transport's own parser and writer.

use push_core::transport::StreamEvent;
use push_core::xml::{ElementRef, Stanza, WriteXml};
use push_transport_xmpp::{Decoder, Incoming, Limits, XmlWriter};

const HEADER: &str = "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' id='1'>";

/// What a component's stream that brings `text` tells: stanzas, and those over the limit.
///
/// `None` when the stream would end: the text is not well-formed.
pub fn read(text: &str) -> Option<Vec<StreamEvent>> {
    let mut decoder = Decoder::new(Limits::default());
    decoder.push(HEADER.as_bytes());
    decoder.push(text.as_bytes());
    let mut events = Vec::new();
    while let Some(incoming) = decoder.next_incoming().ok()? {
        match incoming {
            Incoming::Stanza(stanza) => events.push(StreamEvent::Stanza(stanza)),
            Incoming::Skipped(bytes) => events.push(StreamEvent::Skipped(bytes)),
            Incoming::Header(_) | Incoming::Close => {}
        }
    }
    (!decoder.is_inside()).then_some(events)
}

/// The stanza, if `text` is exactly one.
pub fn only(text: &str) -> Option<Stanza> {
    let mut events = read(text)?;
    match events.pop() {
        Some(StreamEvent::Stanza(stanza)) if events.is_empty() => Some(stanza),
        _ => None,
    }
}

/// The only stanza of `text`.
pub fn parse(text: &str) -> Stanza {
    only(text).unwrap_or_else(|| unreachable!("not one stanza: {text}"))
}

/// What would be written to the stream.
pub fn written(stanza: &dyn WriteXml) -> String {
    let mut writer = XmlWriter::new();
    writer.stanza(stanza);
    String::from_utf8(writer.bytes().to_vec()).unwrap()
}

/// All text of an element and what is in it.
pub fn texts(element: ElementRef<'_>) -> String {
    let mut all = element.text().into_owned();
    element
        .children()
        .for_each(|child| all.push_str(&texts(child)));
    all
}

/// Text to stand in an element or between single quotes.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('\'', "&apos;")
}

/// One element per line, children indented by two spaces; elements with nothing but text stay on one line.
pub fn pretty(text: &str) -> String {
    let mut lines = String::new();
    let (mut depth, mut inline) = (0, true);
    for piece in text.split_inclusive('>') {
        let (content, tag) = piece.split_at(piece.find('<').unwrap_or(piece.len()));
        lines.push_str(content);
        let closes = tag.starts_with("</");
        depth -= usize::from(closes);
        if !(lines.is_empty() || inline && closes) {
            lines.push('\n');
            lines.push_str(&"  ".repeat(depth));
        }
        lines.push_str(tag);
        let opens = !closes && !tag.ends_with("/>");
        depth += usize::from(opens);
        inline = opens;
    }
    lines
}
