//! The syntax that tells where elements end: tags, quotes in them, CDATA sections.

use crate::error::FramingError;
use memchr::memchr;

/// What ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Boundary {
    Header,
    Stanza,
    Close,
}

#[derive(Debug)]
enum State {
    /// Character data; between stanzas nothing.
    Content,
    /// Behind `<`.
    Markup,
    /// In a start tag; whether the last byte was `/`.
    StartTag(Quote, bool),
    EndTag(Quote),
    /// In `<!`, so many bytes of [`CDATA`] seen.
    Bang(usize),
    /// In a CDATA section, behind so many `]`, at most two.
    CData(u8),
    /// In the XML declaration; whether the last byte was `?`.
    Declaration(bool),
    /// Behind the end of the stream.
    Closed,
}

/// The quote that a tag's attribute value ends with, while in one.
type Quote = Option<u8>;

/// What follows `<!` where a CDATA section begins.
const CDATA: &[u8] = b"[CDATA[";

/// The whitespace of XML 1.0 §2.3.
pub(crate) fn is_whitespace(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Follows the bytes of a stream, each once.
#[derive(Debug)]
pub(crate) struct Scanner {
    state: State,
    /// Open elements, the stream's included.
    depth: usize,
    /// Nothing came yet: an XML declaration is allowed (RFC 6120 §11.4).
    fresh: bool,
}

impl Default for Scanner {
    fn default() -> Self {
        Self {
            state: State::Content,
            depth: 0,
            fresh: true,
        }
    }
}

impl Scanner {
    /// Whether the next byte belongs to no stanza or begins one.
    pub(crate) fn is_between(&self) -> bool {
        self.depth <= 1 && matches!(self.state, State::Content)
    }

    pub(crate) fn is_before_header(&self) -> bool {
        self.depth == 0
    }

    /// Goes on until something ended (so many bytes were used) or all bytes are used up.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Result<Option<(usize, Boundary)>, FramingError> {
        let mut at = 0;
        while at < bytes.len() {
            let (used, boundary) = self.step(&bytes[at..])?;
            at += used;
            if let Some(boundary) = boundary {
                return Ok(Some((at, boundary)));
            }
        }
        Ok(None)
    }

    fn step(&mut self, rest: &[u8]) -> Result<(usize, Option<Boundary>), FramingError> {
        match &mut self.state {
            State::Content => self.content(rest).map(|used| (used, None)),
            State::Markup => self.markup(rest[0]).map(|used| (used, None)),
            State::StartTag(quote, slash) => match tag_end(quote, rest) {
                None => {
                    *slash = rest.ends_with(b"/");
                    Ok((rest.len(), None))
                }
                Some(end) => {
                    let empty = end.checked_sub(1).map_or(*slash, |last| rest[last] == b'/');
                    Ok((end + 1, self.opened(empty)?))
                }
            },
            State::EndTag(quote) => match tag_end(quote, rest) {
                None => Ok((rest.len(), None)),
                Some(end) => Ok((end + 1, self.closed())),
            },
            State::Bang(seen) => {
                self.state = bang(*seen, rest[0])?;
                Ok((1, None))
            }
            State::CData(brackets) => {
                let (used, ended) = cdata(brackets, rest);
                if ended {
                    self.state = State::Content;
                }
                Ok((used, None))
            }
            State::Declaration(question) => {
                self.state = match (*question, rest[0]) {
                    (true, b'>') => State::Content,
                    (_, byte) => State::Declaration(byte == b'?'),
                };
                Ok((1, None))
            }
            State::Closed => Ok((rest.len(), None)),
        }
    }

    fn content(&mut self, rest: &[u8]) -> Result<usize, FramingError> {
        let tag = memchr(b'<', rest);
        let text = &rest[..tag.unwrap_or(rest.len())];
        if self.depth <= 1 && !text.iter().copied().all(is_whitespace) {
            return Err(FramingError::Text);
        }
        if tag.is_some() {
            self.state = State::Markup;
        }
        Ok(tag.map_or(rest.len(), |tag| tag + 1))
    }

    fn markup(&mut self, first: u8) -> Result<usize, FramingError> {
        let fresh = std::mem::take(&mut self.fresh);
        let (state, used) = match first {
            b'/' if self.depth == 0 => return Err(FramingError::Header),
            b'/' => (State::EndTag(None), 1),
            b'!' if self.depth > 1 => (State::Bang(0), 1),
            b'?' if fresh => (State::Declaration(false), 1),
            b'!' | b'?' => return Err(FramingError::Restricted),
            _ => (State::StartTag(None, false), 0),
        };
        self.state = state;
        Ok(used)
    }

    fn opened(&mut self, empty: bool) -> Result<Option<Boundary>, FramingError> {
        self.state = State::Content;
        match (self.depth, empty) {
            (0, true) => Err(FramingError::Header),
            (0, false) => {
                self.depth = 1;
                Ok(Some(Boundary::Header))
            }
            (1, true) => Ok(Some(Boundary::Stanza)),
            (_, true) => Ok(None),
            (_, false) => {
                self.depth += 1;
                Ok(None)
            }
        }
    }

    fn closed(&mut self) -> Option<Boundary> {
        self.state = State::Content;
        self.depth = self.depth.saturating_sub(1);
        match self.depth {
            0 => {
                self.state = State::Closed;
                Some(Boundary::Close)
            }
            1 => Some(Boundary::Stanza),
            _ => None,
        }
    }
}

/// Goes on in a tag: where its `>` is, if it is there.
///
/// Between values byte by byte: names are too short for a search to pay.
fn tag_end(quote: &mut Quote, rest: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        if let Some(end) = *quote {
            at += memchr(end, &rest[at..])? + 1;
            *quote = None;
        }
        let outside = |byte: &u8| !matches!(byte, b'>' | b'\'' | b'"');
        at += rest[at..].iter().take_while(|byte| outside(byte)).count();
        match *rest.get(at)? {
            b'>' => return Some(at),
            opening => *quote = Some(opening),
        }
        at += 1;
    }
}

/// Goes on behind `<!`, where only a CDATA section may begin.
fn bang(seen: usize, byte: u8) -> Result<State, FramingError> {
    if byte != CDATA[seen] {
        return Err(FramingError::Restricted);
    }
    Ok(match seen + 1 {
        all if all == CDATA.len() => State::CData(0),
        seen => State::Bang(seen),
    })
}

/// Goes on in a CDATA section: the bytes used, and whether they end it.
fn cdata(brackets: &mut u8, rest: &[u8]) -> (usize, bool) {
    match (*brackets, rest[0]) {
        (2, b'>') => return (1, true),
        (_, b']') => *brackets = (*brackets + 1).min(2),
        (0, _) => return (memchr(b']', rest).unwrap_or(rest.len()), false),
        _ => *brackets = 0,
    }
    (1, false)
}
