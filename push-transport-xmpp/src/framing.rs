//! Finding where stanzas begin and end in a stream of bytes, without parsing them.
//!
//! Each byte is looked at once, however the stream is cut into reads. What is found here is
//! parsed afterwards; a disagreement between the two is an error of the stream.

use crate::error::FramingError;
use crate::scanner::{Boundary, Scanner, is_whitespace};
use std::ops::Range;

/// Capacity kept while nothing waits, bytes.
const RETAINED: usize = 1 << 20;

/// A complete piece of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// The XML declaration, if any, and the start tag of the stream (RFC 6120 §4.7).
    Header(&'a [u8]),
    /// A first-level element.
    Stanza(&'a [u8]),
    /// A first-level element of so many bytes was over the limit.
    Skipped(usize),
    /// The end tag of the stream. What follows it is ignored.
    Close,
}

/// Cuts a stream of bytes into [`Frame`]s.
///
/// Feed it with [`Framer::push`], or read into [`Framer::space`] to save the copy; then call
/// [`Framer::next_frame`] until there is nothing left. Holds at most one incomplete stanza, and of one
/// over the limit nothing at all.
#[derive(Debug)]
pub struct Framer {
    buffer: Vec<u8>,
    /// First byte of the frame being looked for.
    start: usize,
    /// First byte not looked at yet.
    at: usize,
    /// Bytes of this frame that were thrown away.
    skipped: usize,
    /// Longest stanza, bytes.
    limit: usize,
    scanner: Scanner,
}

impl Framer {
    /// A framer at the start of a stream; stanzas over `limit` bytes are skipped.
    pub fn new(limit: usize) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            at: 0,
            skipped: 0,
            limit,
            scanner: Scanner::default(),
        }
    }

    /// Appends what was read.
    pub fn push(&mut self, bytes: &[u8]) {
        self.space(bytes.len()).extend_from_slice(bytes);
    }

    /// The buffer, with room for `more` bytes to be appended.
    ///
    /// Only appending is allowed. What was handed out before is moved out of the way, at the
    /// price of moving at most as much.
    pub fn space(&mut self, more: usize) -> &mut Vec<u8> {
        if self.start >= self.waiting() {
            self.buffer.drain(..self.start);
            self.at -= self.start;
            self.start = 0;
        }
        if self.buffer.is_empty() {
            self.buffer.shrink_to(RETAINED);
        }
        self.buffer.reserve(more);
        &mut self.buffer
    }

    /// Bytes that belong to no frame yet.
    pub fn waiting(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// Whether a stanza has begun and not ended.
    pub fn is_inside(&self) -> bool {
        self.skipped > 0 || self.start < self.buffer.len()
    }

    /// The next complete frame, if there is one.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, FramingError> {
        if self.scanner.is_between() && !self.is_inside_seen() {
            self.pass_whitespace();
        }
        match self.scanner.feed(&self.buffer[self.at..])? {
            None => {
                self.at = self.buffer.len();
                self.drop_oversized()?;
                Ok(None)
            }
            Some((used, boundary)) => {
                self.at += used;
                let frame = self.start..self.at;
                self.start = self.at;
                self.cut(frame, boundary).map(Some)
            }
        }
    }

    fn is_inside_seen(&self) -> bool {
        self.skipped > 0 || self.start < self.at
    }

    /// Whitespace between stanzas is a keep-alive of the server's (RFC 6120 §4.6.1).
    fn pass_whitespace(&mut self) {
        let rest = &self.buffer[self.at..];
        let blank = rest.iter().take_while(|byte| is_whitespace(**byte)).count();
        self.at += blank;
        self.start = self.at;
    }

    fn cut(&mut self, frame: Range<usize>, boundary: Boundary) -> Result<Frame<'_>, FramingError> {
        let length = std::mem::take(&mut self.skipped) + frame.len();
        let bytes = &self.buffer[frame];
        match boundary {
            Boundary::Stanza if length > self.limit => Ok(Frame::Skipped(length)),
            Boundary::Stanza => Ok(Frame::Stanza(bytes)),
            Boundary::Header if length > self.limit => Err(FramingError::Header),
            Boundary::Header => Ok(Frame::Header(bytes)),
            Boundary::Close => Ok(Frame::Close),
        }
    }

    /// Keeps memory bounded while a stanza over the limit goes by.
    fn drop_oversized(&mut self) -> Result<(), FramingError> {
        if self.skipped + self.at - self.start <= self.limit {
            return Ok(());
        }
        if self.scanner.is_before_header() {
            return Err(FramingError::Header);
        }
        self.skipped += self.at - self.start;
        self.start = self.at;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &[u8] = b"<?xml version='1.0'?>\n<s:s xmlns:s='x' id='>'>";

    fn framer(limit: usize) -> Framer {
        let mut framer = Framer::new(limit);
        framer.push(HEADER);
        assert_eq!(framer.next_frame(), Ok(Some(Frame::Header(HEADER))));
        framer
    }

    #[test]
    fn a_stanza_ends_with_its_own_end_tag() {
        let mut framer = framer(100);
        for stanza in [
            "<a/>",
            "<a b='/>'/>",
            "<a><a/></a>",
            "<a><![CDATA[</a>]]]></a>",
            "<a b=\"'>\">x</a>",
        ] {
            framer.push(b" \n");
            framer.push(stanza.as_bytes());
            framer.push(b"<a");
            assert_eq!(
                framer.next_frame(),
                Ok(Some(Frame::Stanza(stanza.as_bytes())))
            );
            assert_eq!(framer.next_frame(), Ok(None));
            assert!(framer.is_inside());
            framer.push(b"/>");
            assert_eq!(framer.next_frame(), Ok(Some(Frame::Stanza(b"<a/>"))));
            assert!(!framer.is_inside());
        }
    }

    #[test]
    fn the_stream_ends_once() {
        let mut framer = framer(100);
        framer.push(b"</s:s><a/>");
        assert_eq!(framer.next_frame(), Ok(Some(Frame::Close)));
        assert_eq!(framer.next_frame(), Ok(None));
        framer.push(b"junk");
        assert_eq!(framer.next_frame(), Ok(None));
    }

    #[test]
    fn forbidden_constructs_end_it() {
        for bytes in [
            "<!-- -->",
            "<a><!-- --></a>",
            "<!DOCTYPE a>",
            "<?pi?>",
            "<![CDATA[x]]>",
        ] {
            let mut framer = framer(100);
            framer.push(bytes.as_bytes());
            assert_eq!(
                framer.next_frame(),
                Err(FramingError::Restricted),
                "{bytes}"
            );
        }
        let mut framer = framer(100);
        framer.push(b" x<a/>");
        assert_eq!(framer.next_frame(), Err(FramingError::Text));
    }

    #[test]
    fn a_stanza_over_the_limit_is_passed_over_in_bounded_memory() {
        let mut framer = framer(64);
        framer.push(b"<a>");
        for _ in 0..1000 {
            framer.push(&[b'x'; 100]);
            assert_eq!(framer.next_frame(), Ok(None));
            assert!(framer.is_inside());
        }
        assert!(framer.buffer.capacity() < 1000);
        framer.push(b"</a><b/>");
        assert_eq!(framer.next_frame(), Ok(Some(Frame::Skipped(100_007))));
        assert_eq!(framer.next_frame(), Ok(Some(Frame::Stanza(b"<b/>"))));
    }

    #[test]
    fn a_header_over_the_limit_is_an_error() {
        let mut framer = Framer::new(10);
        framer.push(b"<stream:stream xmlns='");
        assert_eq!(framer.next_frame(), Err(FramingError::Header));
        let mut framer = Framer::new(100);
        framer.push(b"<s/>");
        assert_eq!(framer.next_frame(), Err(FramingError::Header));
    }
}
