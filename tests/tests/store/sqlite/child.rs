//! A store in a process of its own.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

pub(super) const PROGRAM: &str = env!("CARGO_BIN_EXE_store-child");

/// The process; it dies with this value, and by itself when this process does.
pub(super) struct StoreChild {
    child: Child,
    commands: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl StoreChild {
    pub(super) fn start(program: impl AsRef<OsStr>) -> Self {
        Self::run(&mut Command::new(program))
    }

    pub(super) fn run(command: &mut Command) -> Self {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        Self {
            commands: child.stdin.take().unwrap(),
            answers: BufReader::new(child.stdout.take().unwrap()).lines(),
            child,
        }
    }

    pub(super) fn open(&mut self, path: &Path) -> String {
        self.ask(&format!("open {}", path.display()))
    }

    pub(super) fn ask(&mut self, command: &str) -> String {
        self.tell(command);
        self.answer().unwrap()
    }

    pub(super) fn tell(&mut self, command: &str) {
        writeln!(self.commands, "{command}").unwrap();
    }

    /// The next line it says; `None` once it has ended.
    pub(super) fn answer(&mut self) -> Option<String> {
        self.answers.next().transpose().unwrap()
    }

    /// By SIGKILL: nothing of it runs any more.
    pub(super) fn kill(&mut self) {
        self.child.kill().unwrap();
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for StoreChild {
    fn drop(&mut self) {
        // SIGKILL; it may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
