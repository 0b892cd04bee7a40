//! The events by which servers tell of one message, as documents (`tests/transcripts/once`): recorded from real servers, and played to
//! the Machine.
//!
//! A transcript is paragraphs, separated by empty lines. `then:` is what happens; the `in:` behind it is all that the adapter
//! tells of that; `told:` is how many messages each device was told of since the last `told:`. Everything else is prose. Names
//! stand for what differs from run to run.

pub mod names;
pub mod order;
pub mod player;
pub mod script;

use std::io;
use std::path::{Path, PathBuf};

/// Returns the transcripts of one server, in order.
///
/// # Errors
/// There are none.
pub fn transcripts(server: &str) -> io::Result<Vec<PathBuf>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("transcripts/once")
        .join(server);
    let files: io::Result<Vec<_>> = folder.read_dir()?.map(|entry| Ok(entry?.path())).collect();
    let mut files = files?;
    files.sort();
    Ok(files)
}
