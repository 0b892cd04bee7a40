//! The bench of the stores, in small: it must run, and say what it is there to say.

use std::process::Command;

#[test]
fn every_backend_is_measured_at_each_size() {
    let words = "--sizes 200,400 --callers 2,5 --seconds 0.07 sqlite postgres mongo";
    let output = Command::new(env!("CARGO_BIN_EXE_store-bench"))
        .args(words.split(' '))
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let failed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{failed}");
    for backend in ["sqlite", "postgres", "mongo"] {
        for operation in ["load", "enable", "settle", "remove-user"] {
            let lines = said.lines().filter(|line| {
                let mut words = line.split_whitespace();
                words.next() == Some(backend) && words.next() == Some(operation)
            });
            let complete = |line: &&str| {
                ["200:", "400:", "p50", "p99", "cost x"]
                    .iter()
                    .all(|part| line.contains(part))
            };
            assert_eq!(
                lines.filter(complete).count(),
                2,
                "{backend} {operation}: {said}"
            );
        }
        assert!(said.contains(&format!("{backend}: VmHWM")), "{said}");
    }
}
