//! Answers of a push service.

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
    /// As fpush does, with the time in which it pushes to a token once: the first of a node at once, the second when that time is
    /// over; what comes while one is held is [`Reply::Dropped`].
    Throttled(Duration),
    /// With a result, though nobody is told.
    Dropped,
}

impl Reply {
    /// The error of fpush when Apple or Google do not take a push now, or when it does not know the module.
    pub const FPUSH_FAULT: Self = Self::Explained("cancel", "bad-request", "A error occured");

    /// Its error for a token that Apple or Google have said is gone.
    pub const FPUSH_BLOCKED: Self = Self::Explained("cancel", "policy-violation", "Blocked");

    /// Whether a notification that is answered so reaches the device.
    #[must_use]
    pub const fn tells(self) -> bool {
        matches!(self, Self::Result | Self::Late(_) | Self::Throttled(_))
    }
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
