//! A folder with configurations, and the program run with them.

use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;

pub(crate) const HEADER: &str = r#"{"format":"xmpp-push-registrations","version":1}"#;

/// A folder of its own.
pub(crate) struct Home(TempDir);

/// What a run of the program left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Home {
    pub(crate) fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        // 32 bytes each.
        for key in ["A", "B"] {
            home.write(key, &(key.repeat(42) + "A="));
        }
        home
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: &str) {
        fs::write(self.file(name), content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap()
    }

    /// The command on the store `store`, whose options are sealed with these keys.
    pub(crate) fn command(&self, store: &str, keys: &[&str], args: &[&str]) -> Command {
        let encryption = if keys.is_empty() {
            String::new()
        } else {
            format!("[store.encryption]\nkey_files = {keys:?}\n")
        };
        let name = format!("{store}-{}.toml", keys.concat());
        let component = "[component]\njid = \"push.example.org\"\nserver = \"127.0.0.1:1\"\nsecret = \"x\"\nhosts = [\"example.org\"]";
        self.write(
            &name,
            &format!("{component}\n[store]\nurl = \"{store}.db\"\n{encryption}"),
        );
        let mut command = Command::new(env!("CARGO_BIN_EXE_xmpp-push"));
        command
            .arg("--config")
            .arg(self.file(&name))
            .arg("registrations");
        command.args(args).current_dir(self.0.path());
        command.env_remove("RUST_LOG");
        command
    }

    /// Runs it on a store without keys.
    pub(crate) fn run(&self, store: &str, args: &[&str]) -> Ran {
        self.run_with(store, &[], args)
    }

    pub(crate) fn run_with(&self, store: &str, keys: &[&str], args: &[&str]) -> Ran {
        Ran::new(&self.command(store, keys, args).output().unwrap())
    }

    /// Imports a text; what was done, as the program's JSON.
    pub(crate) fn import(&self, store: &str, keys: &[&str], args: &[&str], text: &str) -> Value {
        self.write("import", text);
        let args = [&["import", "import", "--json"], args].concat();
        let ran = self.run_with(store, keys, &args);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        serde_json::from_str(&ran.out).unwrap()
    }

    /// Exports to standard output.
    pub(crate) fn export(&self, store: &str, keys: &[&str], args: &[&str]) -> String {
        let ran = self.run_with(store, keys, &[&["export"], args].concat());
        assert_eq!(ran.code, Some(0), "{ran:?}");
        ran.out
    }
}

impl Ran {
    pub(crate) fn new(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self {
            code: output.status.code(),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }
}

/// A registration as a line: its revision is in every value, `status` is JSON.
pub(crate) fn line(user: &str, revision: u64, status: &str) -> String {
    format!(
        r#"{{"owner":"{user}@example.org","service":"push.example.net","node":"n","revision":"{revision}",{status},"enabled_at":{revision},"resource":"r{revision}","identity":"server","options":[{{"name":"secret","value":"hunter{revision}"}}]}}"#
    )
}

/// A registration of whom nothing is known but good.
pub(crate) fn active(user: &str, revision: u64) -> String {
    line(user, revision, r#""status":"active""#)
}

/// A complete export of these lines.
pub(crate) fn export_of(lines: &[String]) -> String {
    let mut text = format!("{HEADER}\n");
    for line in lines {
        writeln!(text, "{line}").unwrap();
    }
    writeln!(
        text,
        r#"{{"complete":true,"registrations":{}}}"#,
        lines.len()
    )
    .unwrap();
    text
}

/// One registration in each status, with what a text may hold.
pub(crate) fn three() -> String {
    let failing =
        r#""status":"failing","refusals":3,"days":1,"since":1790000000000,"last":1790000000001"#;
    let quarantined = r#""status":"quarantined","refusals":4,"days":2,"since":1790000000001,"last":1790000000002"#;
    export_of(&[
        active("alice", 7).replace("\"n\"", r#""n 'é😀\n\\""#),
        line("bob", u64::MAX >> 1, failing),
        line("carol", 2, quarantined),
    ])
}

/// A child that is killed with this value.
pub(crate) struct Running(pub(crate) Child);

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        Self(piped.stderr(Stdio::null()).spawn().unwrap())
    }

    /// The most memory it has had so far, in KiB.
    pub(crate) fn peak(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|peak| peak.trim().strip_suffix(" kB"));
        peak.unwrap().parse().unwrap()
    }

    pub(crate) fn tell(&mut self, text: &str) {
        self.0
            .stdin
            .as_mut()
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
