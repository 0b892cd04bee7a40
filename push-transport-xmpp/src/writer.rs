//! Writing stanzas as XML.

use push_core::xml::{ElementSink, Namespace, WriteXml};

/// Writes elements into a buffer, to stand in a stream whose default namespace is
/// `jabber:component:accept` and where `stream:` is the prefix of the streams namespace.
///
/// What was not closed by the end of a stanza is closed, and characters XML does not allow
/// become U+FFFD: no value can break the stream.
#[derive(Debug, Default)]
pub struct XmlWriter {
    buffer: Vec<u8>,
    open: Vec<Open>,
    /// The start tag still lacks its `>`.
    in_tag: bool,
}

/// An element that was started.
#[derive(Clone, Copy, Debug)]
struct Open {
    /// Its name, prefix included, as a range of the buffer.
    name: (usize, usize),
    /// The default namespace in it.
    default: Namespace,
}

impl XmlWriter {
    /// An empty writer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends one stanza (or a run of them).
    pub fn stanza(&mut self, stanza: &dyn WriteXml) {
        stanza.write_xml(self);
        while !self.open.is_empty() {
            self.end();
        }
    }

    /// What was written.
    pub fn bytes(&self) -> &[u8] {
        &self.buffer
    }

    /// Forgets what was written, and keeps the room for it.
    pub fn clear(&mut self) {
        self.buffer.clear();
    }

    /// Forgets the first bytes, and room beyond `retained` once it is not needed any more.
    pub(crate) fn forget(&mut self, bytes: usize, retained: usize) {
        self.buffer.drain(..bytes);
        if self.buffer.is_empty() {
            self.buffer.shrink_to(retained);
        }
    }

    /// Appends what is no stanza.
    pub(crate) fn raw(&mut self, text: &str) {
        self.push(text);
    }

    #[cfg(test)]
    pub(crate) fn capacity(&self) -> usize {
        self.buffer.capacity()
    }

    fn close_tag(&mut self) {
        if std::mem::take(&mut self.in_tag) {
            self.buffer.push(b'>');
        }
    }

    fn push(&mut self, text: &str) {
        self.buffer.extend_from_slice(text.as_bytes());
    }
}

impl ElementSink for XmlWriter {
    fn start(&mut self, name: &str, namespace: Namespace) {
        self.close_tag();
        let outer = self
            .open
            .last()
            .map_or(Namespace::Component, |open| open.default);
        self.buffer.push(b'<');
        let from = self.buffer.len();
        let prefix = prefix(namespace);
        self.push(prefix);
        self.push(name);
        let to = self.buffer.len();
        let default = match namespace {
            _ if !prefix.is_empty() => outer,
            Namespace::Other => Namespace::None,
            _ => namespace,
        };
        if default != outer {
            self.push(" xmlns='");
            self.push(default.uri());
            self.push("'");
        }
        self.open.push(Open {
            name: (from, to),
            default,
        });
        self.in_tag = true;
    }

    fn attribute(&mut self, name: &str, value: &str) {
        if !self.in_tag {
            return;
        }
        self.push(" ");
        self.push(name);
        self.push("='");
        escape(value, &mut self.buffer, in_attribute);
        self.push("'");
    }

    fn text(&mut self, text: &str) {
        if self.open.is_empty() || text.is_empty() {
            return;
        }
        self.close_tag();
        escape(text, &mut self.buffer, in_text);
    }

    fn end(&mut self) {
        let Some(Open {
            name: (from, to), ..
        }) = self.open.pop()
        else {
            return;
        };
        if std::mem::take(&mut self.in_tag) {
            return self.push("/>");
        }
        self.push("</");
        self.buffer.extend_from_within(from..to);
        self.push(">");
    }
}

/// Namespaces whose prefix is declared, or may only be written with one.
fn prefix(namespace: Namespace) -> &'static str {
    match namespace {
        Namespace::Streams => "stream:",
        Namespace::Xml => "xml:",
        _ => "",
    }
}

/// A value to stand between single quotes.
pub(crate) fn escape_attribute(value: &str) -> String {
    let mut escaped = Vec::with_capacity(value.len());
    escape(value, &mut escaped, in_attribute);
    // Only whole characters were replaced, by others.
    String::from_utf8(escaped).unwrap_or_default()
}

/// Writes `value`, with what stands for a byte where it may not stand itself.
fn escape(value: &str, buffer: &mut Vec<u8>, replacement: fn(&[u8]) -> Option<&'static str>) {
    let bytes = value.as_bytes();
    let mut written = 0;
    for (at, _) in bytes
        .iter()
        .enumerate()
        .filter(|(_, byte)| SUSPECT[**byte as usize])
    {
        if let Some(replacement) = replacement(&bytes[at..]) {
            buffer.extend_from_slice(&bytes[written..at]);
            buffer.extend_from_slice(replacement.as_bytes());
            // A noncharacter is three bytes long, all else that is replaced one.
            written = at + if bytes[at] == 0xEF { 3 } else { 1 };
        }
    }
    buffer.extend_from_slice(&bytes[written..]);
}

/// Bytes that may need a replacement: control characters, markup, the first of U+FFFE and U+FFFF.
const SUSPECT: [bool; 256] = {
    let mut suspect = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        suspect[byte] = true;
        byte += 1;
    }
    suspect[b'&' as usize] = true;
    suspect[b'<' as usize] = true;
    suspect[b'>' as usize] = true;
    suspect[b'\'' as usize] = true;
    suspect[0xEF] = true;
    suspect
};

fn in_attribute(bytes: &[u8]) -> Option<&'static str> {
    match bytes[0] {
        b'\'' => Some("&apos;"),
        b'\t' => Some("&#9;"),
        b'\n' => Some("&#10;"),
        _ => in_text(bytes),
    }
}

fn in_text(bytes: &[u8]) -> Option<&'static str> {
    match bytes[0] {
        b'&' => Some("&amp;"),
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        b'\r' => Some("&#13;"),
        b'\t' | b'\n' | b'\'' => None,
        0xEF if !crate::xml::is_noncharacter(bytes) => None,
        _ => Some("\u{FFFD}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Written<F>(F);

    impl<F: Fn(&mut dyn ElementSink)> WriteXml for Written<F> {
        fn write_xml(&self, sink: &mut dyn ElementSink) {
            (self.0)(sink);
        }
    }

    fn write(write: impl Fn(&mut dyn ElementSink)) -> String {
        let mut writer = XmlWriter::new();
        writer.stanza(&Written(write));
        String::from_utf8(writer.buffer).unwrap()
    }

    #[test]
    fn namespaces_are_declared_where_they_change() {
        let written = write(|sink| {
            sink.start("message", Namespace::Component);
            sink.attribute("to", "a");
            sink.start("forwarded", Namespace::Forward);
            sink.start("message", Namespace::Client);
            sink.leaf("body", Namespace::Client, "hi");
            sink.leaf("x", Namespace::Other, "");
            sink.end();
            sink.leaf("y", Namespace::Forward, "");
            sink.end();
            sink.end();
        });
        let forwarded = "<message xmlns='jabber:client'><body>hi</body><x xmlns=''/></message>";
        let expected = format!(
            "<message to='a'><forwarded xmlns='urn:xmpp:forward:0'>{forwarded}<y/></forwarded></message>"
        );
        assert_eq!(written, expected);
    }

    #[test]
    fn content_is_escaped() {
        let written = write(|sink| {
            sink.start("a", Namespace::Component);
            sink.attribute("b", "<&>'\"\t\n\r\0é");
            sink.text("<&>'\"\t\n\r]]>\u{1}\u{FFFE}ﻼ\u{FFFF}");
            sink.end();
        });
        assert_eq!(
            written,
            "<a b='&lt;&amp;&gt;&apos;\"&#9;&#10;&#13;\u{FFFD}é'>&lt;&amp;&gt;'\"\t\n&#13;]]&gt;\u{FFFD}\u{FFFD}ﻼ\u{FFFD}</a>"
        );
    }

    #[test]
    fn calls_that_do_not_nest_leave_the_stream_whole() {
        let written = write(|sink| {
            sink.end();
            sink.text("lost");
            sink.attribute("a", "lost");
            sink.start("iq", Namespace::Component);
            sink.start("ping", Namespace::Ping);
            sink.text("x");
            sink.attribute("late", "lost");
        });
        assert_eq!(written, "<iq><ping xmlns='urn:xmpp:ping'>x</ping></iq>");
    }

    #[test]
    fn the_streams_namespace_has_its_prefix() {
        let written = write(|sink| {
            sink.start("error", Namespace::Streams);
            sink.leaf("reset", Namespace::StreamErrors, "");
            sink.end();
        });
        assert_eq!(
            written,
            "<stream:error><reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"
        );
    }
}
