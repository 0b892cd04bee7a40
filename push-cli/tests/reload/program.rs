//! A service that runs, and its log.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Long, since other tests run at the same time.
const PATIENCE: Duration = Duration::from_secs(30);

/// An `xmpp-push run` with a folder of its own. Dropping it kills it.
pub(crate) struct Program {
    folder: TempDir,
    child: Child,
}

impl Program {
    /// Starts it with this configuration.
    pub(crate) fn start(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("xmpp-push.toml");
        fs::write(&file, config).unwrap();
        let log = File::create(folder.path().join("log")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_xmpp-push"))
            .arg("--config")
            .arg(&file)
            .arg("run")
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Self { folder, child }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Another configuration, read by nobody yet.
    pub(crate) fn write(&self, config: &str) {
        fs::write(self.folder().join("xmpp-push.toml"), config).unwrap();
    }

    /// Writes another configuration, has it read, and waits for what is said of it.
    pub(crate) fn reload(&self, config: &str, said: &str) {
        self.write(config);
        let before = self.log().len();
        self.signal("HUP");
        self.says_after(before, said);
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let kill = ["-c", "kill -s \"$0\" \"$1\"", name, &id];
        assert!(Command::new("sh").args(kill).status().unwrap().success());
    }

    /// Everything it has said.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder().join("log")).unwrap()
    }

    /// Waits until it says this.
    pub(crate) fn says(&self, text: &str) {
        self.says_after(0, text);
    }

    fn says_after(&self, before: usize, text: &str) {
        eventually(
            || self.log()[before..].contains(text),
            || format!("{text:?} was not said: {}", self.log()),
        );
    }

    /// Asks it to stop, and waits for its end.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        self.signal("TERM");
        let mut ended = None;
        eventually(
            || {
                ended = self.child.try_wait().unwrap();
                ended.is_some()
            },
            || "it did not end".to_owned(),
        );
        ended.unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Waits until something holds.
pub(crate) fn eventually(mut holds: impl FnMut() -> bool, otherwise: impl FnOnce() -> String) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{}", otherwise());
        sleep(Duration::from_millis(20));
    }
}

/// A configuration for a server at this port, which ends with these lines.
pub(crate) fn config(port: u16, hosts: &str, more: &str) -> String {
    format!(
        r#"
[component]
jid = "push.example.org"
server = "127.0.0.1:{port}"
secret = "hunter1"
hosts = {hosts}
[store]
url = "registrations.db"
[stream]
max_stanza = 1000
{more}
"#
    )
}
