//! Going on with an export that was cut off.

use super::line::{self, Content, Header, LineError};
use super::lines::{LONGEST, Lines};
use crate::exit::Failure;
use push_core::store::Cursor;
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// How far an export is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Without a header.
    Empty,
    /// Registrations up to the cursor are in it, so many.
    Begun { after: Option<Cursor>, written: u64 },
    /// Nothing is missing.
    Complete { written: u64 },
}

/// Opens `path`, or creates it, for what is missing; a line that was cut is taken off. It must have been begun with `header`.
pub(super) fn open(path: &Path, header: &Header) -> Result<(File, State), Failure> {
    let failed = |error| Failure::file(path.display(), error);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).mode(0o600);
    let mut file = options.truncate(false).open(path).map_err(failed)?;
    let whole = Whole::lines(&file).map_err(failed)?;
    let state = whole
        .state(header)
        .map_err(|(line, reason)| Failure::line(path.display(), line, reason))?;
    file.set_len(whole.bytes).map_err(failed)?;
    file.seek(SeekFrom::End(0)).map_err(failed)?;
    Ok((file, state))
}

/// The whole lines of a file, and the rest.
#[derive(Default)]
struct Whole {
    lines: u64,
    bytes: u64,
    first: Vec<u8>,
    last: Vec<u8>,
    rest: Vec<u8>,
}

impl Whole {
    fn lines(file: &File) -> io::Result<Self> {
        let mut lines = Lines::new(BufReader::with_capacity(1 << 16, file));
        let mut whole = Self::default();
        while let Some(line) = lines.next()? {
            if !line.is_ended {
                whole.rest = line.content.to_vec();
                break;
            }
            whole.last.clear();
            whole.last.extend_from_slice(line.content);
            if whole.lines == 0 {
                whole.first.clone_from(&whole.last);
            }
            whole.lines += 1;
            whole.bytes += line.content.len() as u64 + 1;
        }
        Ok(whole)
    }

    /// How far it is, or which line is not of such an export.
    fn state(&self, header: &Header) -> Result<State, (u64, LineError)> {
        if self.rest.len() as u64 > LONGEST {
            return Err((self.lines + 1, LineError::Long));
        }
        let Some(registrations) = self.lines.checked_sub(1) else {
            // Some other file is not to be cut.
            let is_ours = header.text().as_bytes().starts_with(&self.rest);
            return is_ours
                .then_some(State::Empty)
                .ok_or((1, LineError::NoHeader));
        };
        let begun_with = Header::read(&self.first).map_err(|reason| (1, reason))?;
        if begun_with != *header {
            return Err((1, LineError::OtherHeader));
        }
        if registrations == 0 {
            let (after, written) = (None, 0);
            return Ok(State::Begun { after, written });
        }
        match line::read(&self.last).map_err(|reason| (self.lines, reason))? {
            Content::Trailer(_) => Ok(State::Complete {
                written: registrations - 1,
            }),
            Content::Entry(entry) => Ok(State::Begun {
                after: Some(Cursor {
                    owner: entry.0,
                    target: entry.1.target,
                }),
                written: registrations,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = r#"{"format":"xmpp-push-registrations","version":1}"#;
    const ENTRY: &str = r#"{"owner":"a@b","service":"c","node":"d","revision":"7","status":"active","enabled_at":5,"identity":"user"}"#;
    const TRAILER: &str = r#"{"complete":true,"registrations":1}"#;

    /// What is found, and what is left of the file.
    fn opened(content: &str) -> (Result<State, Failure>, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("export");
        std::fs::write(&path, content).unwrap();
        let state = open(&path, &Header::new(false)).map(|(_, state)| state);
        (state, std::fs::read_to_string(&path).unwrap())
    }

    fn is_begun(state: Result<State, Failure>, node: Option<&str>) -> bool {
        let Ok(State::Begun { after, written }) = state else {
            return false;
        };
        let at = after.as_ref().map(|cursor| cursor.target.node.as_str());
        at == node && written == u64::from(node.is_some())
    }

    #[test]
    fn an_export_goes_on_behind_its_last_whole_line() {
        let whole = format!("{HEADER}\n{ENTRY}\n");
        for cut in 0..TRAILER.len() {
            let (state, left) = opened(&format!("{whole}{}", &TRAILER[..cut]));
            assert!(is_begun(state, Some("d")), "cut at {cut}");
            assert_eq!(left, whole);
        }
        for cut in 0..HEADER.len() {
            let (state, left) = opened(&HEADER[..cut]);
            assert_eq!((state.unwrap(), left.as_str()), (State::Empty, ""));
        }
        assert!(is_begun(opened(&format!("{HEADER}\n")).0, None));
    }

    #[test]
    fn a_complete_export_is_left_as_it_is() {
        let content = format!("{HEADER}\n{ENTRY}\n{TRAILER}\n");
        let (state, left) = opened(&content);
        assert_eq!(
            (state.unwrap(), left),
            (State::Complete { written: 1 }, content)
        );
    }

    #[test]
    fn another_file_is_refused_and_left_as_it_is() {
        let as_stored = r#"{"format":"xmpp-push-registrations","version":1,"as_stored":true}"#;
        for content in [
            "root:x:0".to_owned(),
            "root:x:0\nnobody:x:1".to_owned(),
            format!("{as_stored}\n{ENTRY}\n"),
            format!("{HEADER}\nsomething else\n{{"),
        ] {
            let (state, left) = opened(&content);
            assert!(matches!(state, Err(Failure::Line { .. })), "{content}");
            assert_eq!(left, content);
        }
    }
}
