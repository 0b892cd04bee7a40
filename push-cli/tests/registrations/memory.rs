//! However many there are, memory is bounded.

use crate::kit::{HEADER, Home, Running, active};
use std::io::{BufRead, BufReader};
use std::process::Stdio;

const FEW: u64 = 10_000;
const MANY: u64 = 100_000;

/// 100,000 registrations are 100 MB; twice the page cache of SQLite (16 MiB for each of two connections) may fill.
const GROWTH: u64 = 40 << 10; // KiB

/// Imports so many, then exports them. The peaks of both, in KiB.
fn peaks(count: u64) -> (u64, u64) {
    let home = Home::new();
    let filler = "x".repeat(700);
    let line = |n: u64| active(&format!("u{n:07}"), n).replace("hunter", &filler);
    let mut import = Running::start(home.command("a", &[], &["import"]));
    import.tell(&format!("{HEADER}\n"));
    (0..count).for_each(|n| import.tell(&format!("{}\n", line(n))));
    // All but what a pipe holds is read.
    let imported = import.peak();
    import.tell(&format!(
        "{{\"complete\":true,\"registrations\":{count}}}\n"
    ));
    drop(import.0.stdin.take());
    assert!(import.0.wait().unwrap().success());

    let mut command = home.command("a", &[], &["export"]);
    command.stderr(Stdio::null());
    let mut export = Running::start(command);
    let mut exported = BufReader::new(export.0.stdout.take().unwrap()).lines();
    assert_eq!(exported.next().unwrap().unwrap(), HEADER);
    // It cannot have ended: the lines left over do not fit into a pipe.
    (0..count - 500).for_each(|n| assert_eq!(exported.next().unwrap().unwrap(), line(n)));
    let peak = export.peak();
    assert_eq!(exported.count(), 501);
    assert!(export.0.wait().unwrap().success());
    (imported, peak)
}

#[test]
fn ten_times_as_many_registrations_need_no_more_memory() {
    let (few, many) = (peaks(FEW), peaks(MANY));
    eprintln!("peaks in KiB, import and export: {few:?} for {FEW}, {many:?} for {MANY}");
    assert!(many.0 < few.0 + GROWTH, "import: {few:?} {many:?}");
    assert!(many.1 < few.1 + GROWTH, "export: {few:?} {many:?}");
}
