//! An export as an import reads it.

use super::line::{self, Content, Entry, Header, LineError, Trailer};
use super::lines::Lines;
use crate::exit::Failure;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// An export that is read.
pub(super) struct Source {
    name: String,
    lines: Lines<Box<dyn BufRead>>,
    trailer: Option<Trailer>,
    /// Whether the last line was cut.
    is_cut: bool,
    /// Lines passed over.
    pub(super) bad: u64,
}

impl Source {
    /// Opens it and reads its header.
    pub(super) fn open(input: &Path) -> Result<Self, Failure> {
        let (name, bytes): (_, Box<dyn Read>) = if input == Path::new("-") {
            ("standard input".to_owned(), Box::new(io::stdin()))
        } else {
            let name = input.display().to_string();
            let file = File::open(input).map_err(|error| Failure::file(&name, error))?;
            (name, Box::new(file))
        };
        let bytes: Box<dyn BufRead> = Box::new(BufReader::with_capacity(1 << 16, bytes));
        let mut source = Self {
            name,
            lines: Lines::new(bytes),
            trailer: None,
            is_cut: false,
            bad: 0,
        };
        source.header()?;
        Ok(source)
    }

    fn header(&mut self) -> Result<(), Failure> {
        let first = self
            .lines
            .next()
            .map_err(|error| Failure::file(&self.name, error))?;
        let header = Header::read(first.map_or(&b""[..], |line| line.content));
        header.map_err(|reason| Failure::line(&self.name, 1, reason))?;
        Ok(())
    }

    /// The next registrations, so many at most; none at the end.
    pub(super) fn batch(&mut self, most: usize, skip_bad: bool) -> Result<Vec<Entry>, Failure> {
        let mut batch = Vec::new();
        while batch.len() < most {
            match self.content()? {
                None => break,
                Some(Ok(Content::Trailer(trailer))) => self.trailer = Some(trailer),
                Some(Ok(Content::Entry(entry))) => batch.push(*entry),
                Some(Err(_)) if skip_bad => self.bad += 1,
                Some(Err(reason)) => {
                    return Err(Failure::line(&self.name, self.lines.number, reason));
                }
            }
        }
        Ok(batch)
    }

    fn content(&mut self) -> Result<Option<Result<Content, LineError>>, Failure> {
        let next = self.lines.next();
        let next = next.map_err(|error| Failure::file(&self.name, error))?;
        let Some(line) = next else {
            return Ok(None);
        };
        if line.is_long {
            let number = self.lines.number;
            return Err(Failure::line(&self.name, number, LineError::Long));
        }
        let content = line::read(line.content);
        if !line.is_ended && matches!(content, Err(LineError::NoJson { .. })) {
            self.is_cut = true;
            return Ok(None);
        }
        if self.trailer.is_some() {
            return Ok(Some(Err(LineError::Behind)));
        }
        Ok(Some(content))
    }

    /// Whether it has its trailer, and that says `lines`.
    pub(super) fn is_complete(&self, lines: u64) -> Result<(), Failure> {
        let reason = match &self.trailer {
            _ if self.is_cut => "its last line is cut off",
            None => "its last line is missing",
            Some(trailer) if trailer.registrations != lines => "its last line counts others",
            Some(_) => return Ok(()),
        };
        let name = self.name.clone();
        Err(Failure::Incomplete { name, reason })
    }
}
