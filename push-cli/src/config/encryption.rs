//! `[store.encryption]`: the keys that publish options are sealed with.

use super::reader::Reader;
use push_driver::sealed::{Key, Keys};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The keys, and what is to be said of their files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Encryption {
    pub(crate) keys: Keys,
    /// Key files that every user of the system can read.
    pub(crate) exposed: Vec<PathBuf>,
}

/// A key file is shorter; whatever is longer was named by mistake.
const LONGEST: usize = 1024;

pub(super) fn encryption(reader: &mut Reader<'_>) -> Encryption {
    const PATH: &str = "store.encryption.key_files";
    let Some(files) = reader.strings(PATH) else {
        return Encryption::default();
    };
    if files.is_empty() {
        reader.problem(PATH, "names no file: name one, or leave it out");
    }
    let (mut keys, mut exposed) = (Vec::new(), Vec::new());
    for (index, file) in files.iter().enumerate() {
        let file = reader.beside(file);
        match read(&file) {
            Ok((key, is_exposed)) => {
                keys.push(key);
                exposed.extend(is_exposed.then_some(file));
            }
            // Without its name: it may be the key itself, in the wrong place.
            Err(why) => reader.problem(PATH, format!("file {} {why}", index + 1)),
        }
    }
    let keys = Keys::new(keys);
    Encryption { keys, exposed }
}

/// Reads the key in a file, and whether everybody can read it. The error goes on after a name for the file.
fn read(file: &Path) -> Result<(Key, bool), String> {
    let (text, is_exposed) = text(file).map_err(|error| match error.kind() {
        // Of bytes that are no text the reason would be a riddle.
        io::ErrorKind::InvalidData => "is not a text of one line of base64".to_owned(),
        _ => format!("cannot be read: {error}"),
    })?;
    let key = Key::from_text(&text);
    let how = "make one with: openssl rand -base64 32";
    let key = key.map_err(|error| format!("{error}; {how}"))?;
    Ok((key, is_exposed))
}

fn text(file: &Path) -> io::Result<(Zeroizing<String>, bool)> {
    let file = File::open(file)?;
    let is_exposed = file.metadata()?.permissions().mode() & 0o004 != 0;
    // Room for all of it: a string that grows leaves copies behind.
    let mut text = Zeroizing::new(String::with_capacity(LONGEST));
    file.take(LONGEST as u64).read_to_string(&mut text)?;
    Ok((text, is_exposed))
}
