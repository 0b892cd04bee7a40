//! What a push service answers.

use std::time::Duration;

use push_core::xml::{ElementRef, ElementSink, Namespace, WriteXml};

/// How a publish is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// With a result.
    Result,
    /// With an error of this type and condition.
    Error(&'static str, &'static str),
    /// With an error of this type and condition, and a text.
    Explained(&'static str, &'static str, &'static str),
    /// With a result, after this long.
    Late(Duration),
    /// Not at all.
    Nothing,
}

pub(super) struct Answer<'a> {
    pub(super) iq: ElementRef<'a>,
    pub(super) reply: Reply,
}

impl WriteXml for Answer<'_> {
    fn write_xml(&self, sink: &mut dyn ElementSink) {
        sink.start("iq", Namespace::Component);
        sink.optional("from", self.iq.attribute("to"));
        sink.optional("to", self.iq.attribute("from"));
        sink.optional("id", self.iq.attribute("id"));
        let (kind, condition, text) = match self.reply {
            Reply::Error(kind, condition) => (kind, condition, ""),
            Reply::Explained(kind, condition, text) => (kind, condition, text),
            _ => {
                sink.attribute("type", "result");
                return sink.end();
            }
        };
        sink.attribute("type", "error");
        sink.start("error", Namespace::Component);
        sink.attribute("type", kind);
        sink.start(condition, Namespace::StanzaErrors);
        sink.end();
        if !text.is_empty() {
            sink.start("text", Namespace::StanzaErrors);
            sink.text(text);
            sink.end();
        }
        sink.end();
        sink.end();
    }
}
