//! Each device is told exactly once of one message, and of two that look alike, as real servers tell of them (`tests/transcripts/once`).

use push_tests::once::player::play;
use push_tests::once::script::Script;
use push_tests::once::transcripts;
use std::fs;

/// Plays all transcripts of a server.
fn each_device_is_told_once(server: &str) {
    let mut wrong = Vec::new();
    for file in transcripts(server).unwrap() {
        let expected = Script::read(&fs::read_to_string(&file).unwrap());
        let got = play(&expected);
        if got != expected {
            wrong.push(format!(
                "{}:\n{}",
                file.display(),
                got.without_events().write()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn with_prosody_each_device_is_told_once() {
    each_device_is_told_once("prosody");
}

#[test]
fn with_prosody_without_an_archive_each_device_is_told_once() {
    each_device_is_told_once("prosody-plain");
}

#[test]
fn with_ejabberd_each_device_is_told_once() {
    each_device_is_told_once("ejabberd");
}

#[test]
fn with_ejabberd_without_an_archive_each_device_is_told_once() {
    each_device_is_told_once("ejabberd-plain");
}
