//! `tests/transcripts`: documents of what goes in and out, compared with what really does.
//!
//! After a wanted change, `TRANSCRIPTS=write cargo test -p push-tests --test world transcripts` writes what the service says
//! into them, to be read before it is committed.

use push_tests::world::transcript::{difference, play};
use std::fs;
use std::path::PathBuf;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("transcripts")
}

#[test]
fn every_transcript_goes_as_it_is_written() {
    let write = std::env::var_os("TRANSCRIPTS").is_some_and(|value| value == "write");
    let mut files: Vec<PathBuf> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    let mut wrong = Vec::new();
    for file in files {
        let expected = fs::read_to_string(&file).unwrap();
        let got = play(&expected);
        if got != expected && write {
            fs::write(&file, &got).unwrap();
        } else if got != expected {
            wrong.push(format!(
                "{}, {}",
                file.display(),
                difference(&expected, &got)
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{}\nTRANSCRIPTS=write rewrites them",
        wrong.join("\n")
    );
}
