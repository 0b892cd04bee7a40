//! Lines of a file, bounded.

use std::io::{self, BufRead, Read};

/// The longest line, in bytes: far more than a stanza may have, unless `stream.max_stanza` is raised by as much.
pub(super) const LONGEST: u64 = 16 << 20;

/// A reader by lines.
pub(super) struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    /// How many lines were read.
    pub(super) number: u64,
    /// How many bytes the lines read so far have, line ends included.
    pub(super) bytes: u64,
}

/// One line, without its end.
pub(super) struct Text<'a> {
    pub(super) content: &'a [u8],
    /// Whether there was a line end: the last line of a file that was cut off has none.
    pub(super) is_ended: bool,
    /// Whether it goes on beyond [`LONGEST`].
    pub(super) is_long: bool,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            input,
            buffer: Vec::new(),
            number: 0,
            bytes: 0,
        }
    }

    /// The next line; `None` at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Text<'_>>> {
        self.buffer.clear();
        let mut bounded = self.input.by_ref().take(LONGEST + 1);
        let read = bounded.read_until(b'\n', &mut self.buffer)?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        self.bytes += read as u64;
        let text = self.buffer.strip_suffix(b"\n");
        let is_ended = text.is_some();
        Ok(Some(Text {
            content: text.unwrap_or(&self.buffer),
            is_ended,
            is_long: !is_ended && read as u64 > LONGEST,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_one_by_one_and_the_last_may_be_cut() {
        let mut lines = Lines::new(&b"a\n\nbc"[..]);
        for (text, is_ended, bytes) in [(&b"a"[..], true, 2), (b"", true, 3), (b"bc", false, 5)] {
            let line = lines.next().unwrap().unwrap();
            assert_eq!(
                (line.content, line.is_ended, line.is_long),
                (text, is_ended, false)
            );
            assert_eq!(lines.bytes, bytes);
        }
        assert!(lines.next().unwrap().is_none());
        assert_eq!(lines.number, 3);
    }

    #[test]
    fn a_line_without_end_is_not_read_whole() {
        let endless = io::repeat(b'x').take(u64::MAX);
        let mut lines = Lines::new(io::BufReader::new(endless));
        let line = lines.next().unwrap().unwrap();
        assert!(line.is_long && line.content.len() as u64 == LONGEST + 1);
    }
}
