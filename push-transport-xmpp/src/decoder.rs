//! From bytes to stanzas: framing and parsing together.

use crate::config::Limits;
use crate::error::MalformedError;
use crate::framing::{Frame, Framer};
use crate::scope::Binding;
use crate::tape::{self, Refusal};
use push_core::xml::{Namespace, Stanza};

/// Bytes read at once, at least.
pub(crate) const READ: usize = 64 << 10;

/// What comes in on a stream.
#[derive(Clone, Debug, PartialEq)]
pub enum Incoming {
    /// The stream's start tag, as an empty element.
    Header(Stanza),
    /// A first-level element; also `<handshake/>` and `<stream:error/>`.
    Stanza(Stanza),
    /// A first-level element of so many bytes was over a limit.
    Skipped(usize),
    /// The stream's end tag.
    Close,
}

/// Makes stanzas of bytes, however they are cut.
#[derive(Debug)]
pub struct Decoder {
    framer: Framer,
    limits: Limits,
    /// What the stream's header declares.
    base: Vec<Binding<'static>>,
}

impl Decoder {
    /// A decoder at the start of a stream.
    pub fn new(limits: Limits) -> Self {
        Self {
            framer: Framer::new(limits.max_stanza),
            limits,
            base: Vec::new(),
        }
    }

    /// Appends what was read.
    pub fn push(&mut self, bytes: &[u8]) {
        self.framer.push(bytes);
    }

    /// The buffer to append to, as [`Framer::space`].
    pub fn space(&mut self, more: usize) -> &mut Vec<u8> {
        self.framer.space(more)
    }

    /// Bytes that were read and not made anything of yet.
    pub fn waiting(&self) -> usize {
        self.framer.waiting()
    }

    /// Whether a stanza has begun and not ended.
    pub fn is_inside(&self) -> bool {
        self.framer.is_inside()
    }

    /// What is complete, if anything. The stream is of no use after an error.
    pub fn next_incoming(&mut self) -> Result<Option<Incoming>, MalformedError> {
        let incoming = match self.framer.next_frame()? {
            None => return Ok(None),
            Some(Frame::Close) => Incoming::Close,
            Some(Frame::Skipped(bytes)) => Incoming::Skipped(bytes),
            Some(Frame::Stanza(source)) => match tape::stanza(source, &self.base, self.limits) {
                Ok(stanza) => Incoming::Stanza(stanza),
                Err(Refusal::OverLimit) => Incoming::Skipped(source.len()),
                Err(Refusal::Malformed(error)) => return Err(error),
            },
            Some(Frame::Header(source)) => {
                let (header, base) = parse_header(source, self.limits)?;
                self.base = base;
                Incoming::Header(header)
            }
        };
        Ok(Some(incoming))
    }
}

fn parse_header(
    source: &[u8],
    limits: Limits,
) -> Result<(Stanza, Vec<Binding<'static>>), MalformedError> {
    match tape::header(source, limits) {
        Ok((header, base)) if header.root().is("stream", Namespace::Streams) => Ok((header, base)),
        Ok(_) | Err(Refusal::OverLimit) => Err(MalformedError::Header),
        Err(Refusal::Malformed(error)) => Err(error),
    }
}
