//! A stanza in a file.

use crate::exit::Failure;
use push_core::xml::{Stanza, WriteXml};
use push_transport_xmpp::{Decoder, Incoming, Limits, XmlWriter};
use std::path::Path;

/// The beginning of a stream, within which a stanza is read.
const HEADER: &str =
    "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='1'>";

/// Reads the only stanza of a file.
pub(super) fn read(file: &Path) -> Result<Stanza, Failure> {
    let name = file.display();
    let text = std::fs::read_to_string(file).map_err(|error| Failure::file(name, error))?;
    only(&text).ok_or_else(|| Failure::line(file.display(), 1, "must be one well-formed stanza"))
}

fn only(text: &str) -> Option<Stanza> {
    let mut decoder = Decoder::new(Limits::default());
    decoder.push(HEADER.as_bytes());
    decoder.push(text.trim().as_bytes());
    let mut only = None;
    while let Some(incoming) = decoder.next_incoming().ok()? {
        match incoming {
            Incoming::Header(_) => {}
            Incoming::Stanza(stanza) if only.is_none() => only = Some(stanza),
            _ => return None,
        }
    }
    only.filter(|_| !decoder.is_inside())
}

/// Returns an element as text.
pub(super) fn written(element: &dyn WriteXml) -> String {
    let mut writer = XmlWriter::new();
    writer.stanza(element);
    String::from_utf8_lossy(writer.bytes()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::only;

    #[test]
    fn a_file_holds_one_stanza_and_nothing_else() {
        assert!(only("\n<message to='a@b'><body>hi</body></message>\n").is_some());
        for text in [
            "",
            "hi",
            "<message/><message/>",
            "<message>",
            "<message/></stream:stream>",
        ] {
            assert!(only(text).is_none(), "{text}");
        }
    }
}
