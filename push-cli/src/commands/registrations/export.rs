//! `xmpp-push registrations export`.

use super::line::{Header, Line, Trailer};
use super::open::open;
use super::resume::{self, State};
use crate::args::ExportArgs;
use crate::commands::output::{say, say_progress};
use crate::config::Config;
use crate::exit::Failure;
use push_core::store::{Cursor, Kind, RegistrationStore};
use serde::Serialize;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Registrations asked for at once, and the most that are in memory.
const PAGE: usize = 500;

/// Writes all registrations, or those that are missing in a file.
pub(super) async fn export(config: &Config, args: &ExportArgs) -> Result<(), Failure> {
    let store = open(config, args.as_stored).await?;
    let header = Header::new(args.as_stored);
    let (mut output, state) = Output::open(args, &header)?;
    let (after, written) = match state {
        State::Complete { written } => {
            say(&format!(
                "{} is complete: {written} registrations",
                output.name
            ));
            return Ok(());
        }
        State::Begun { after, written } => (after, written),
        State::Empty => {
            output.line(&header)?;
            (None, 0)
        }
    };
    if !args.as_stored {
        say(
            "the export holds publish options in clear: they are secrets; --as-stored leaves sealed ones sealed",
        );
    }
    let left_out = pages(&*store, &mut output, after, written).await?;
    if left_out > 0 {
        return Err(Failure::Unreadable(left_out));
    }
    Ok(())
}

/// Writes what is behind `after`, and the trailer. Returns how many registrations could not be read.
async fn pages(
    store: &dyn RegistrationStore,
    output: &mut Output,
    mut after: Option<Cursor>,
    mut written: u64,
) -> Result<u64, Failure> {
    let mut left_out = 0;
    loop {
        let page = store.page(Kind::Registrations, after.as_ref(), PAGE).await;
        let page = page.map_err(Failure::StoreFailed)?;
        for (owner, registration) in &page.entries {
            output.line(&Line::new(owner, registration))?;
        }
        output.flush()?;
        let before = written;
        written += page.entries.len() as u64;
        left_out += page.corrupt as u64;
        say_progress(before, written);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    output.line(&Trailer::new(written))?;
    output.finish()?;
    say(&format!("{written} registrations"));
    Ok(left_out)
}

/// Where an export goes.
struct Output {
    name: String,
    writer: BufWriter<Box<dyn Write>>,
    /// The file, if it is one.
    file: Option<File>,
}

impl Output {
    fn open(args: &ExportArgs, header: &Header) -> Result<(Self, State), Failure> {
        let Some(path) = &args.output else {
            let output = Self::new("standard output".to_owned(), Box::new(io::stdout()), None);
            return Ok((output, State::Empty));
        };
        let (file, state) = if args.resume {
            resume::open(path, header)?
        } else {
            (create(path)?, State::Empty)
        };
        let name = path.display().to_string();
        let same = file
            .try_clone()
            .map_err(|error| Failure::file(&name, error))?;
        Ok((Self::new(name, Box::new(file), Some(same)), state))
    }

    fn new(name: String, writer: Box<dyn Write>, file: Option<File>) -> Self {
        let writer = BufWriter::with_capacity(1 << 16, writer);
        Self { name, writer, file }
    }

    fn line(&mut self, line: &impl Serialize) -> Result<(), Failure> {
        let written = serde_json::to_writer(&mut self.writer, line).map_err(io::Error::from);
        let written = written.and_then(|()| self.writer.write_all(b"\n"));
        written.map_err(|error| Failure::file(&self.name, error))
    }

    fn flush(&mut self) -> Result<(), Failure> {
        let flushed = self.writer.flush();
        flushed.map_err(|error| Failure::file(&self.name, error))
    }

    /// Everything is where it survives a crash.
    fn finish(&mut self) -> Result<(), Failure> {
        self.flush()?;
        let synced = self.file.as_ref().map_or(Ok(()), File::sync_all);
        synced.map_err(|error| Failure::file(&self.name, error))
    }
}

/// A new file for its owner alone: what is there is not overwritten.
fn create(path: &Path) -> Result<File, Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let created = options.open(path);
    created.map_err(|error| Failure::file(path.display(), error))
}
