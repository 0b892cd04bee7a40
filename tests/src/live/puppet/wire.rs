//! Lines to and from `puppet.py`, matched by number.

use std::collections::HashMap;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::{Mutex as AsyncMutex, oneshot};
use tokio::time::timeout;

use super::{Answer, ClientError};
use crate::live::Result;
use crate::live::process::Process;

/// How long the puppet may take beyond the time that a command waits for: it is Python on a busy machine.
const SLACK: Duration = Duration::from_secs(20);

type Waiting = Arc<Mutex<HashMap<u64, oneshot::Sender<Value>>>>;

/// A running `puppet.py`.
#[derive(Debug)]
pub(super) struct Wire {
    process: Process,
    stdin: AsyncMutex<ChildStdin>,
    waiting: Waiting,
    next: AtomicU64,
    _folder: TempDir,
}

impl Wire {
    /// Starts it, and reads its answers in the runtime of the caller until it ends.
    pub(super) fn open(command: &Command) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("xmpp-push-puppet-")
            .tempdir()?;
        let (process, stdin, stdout) =
            Process::spawn_piped("puppet.py", command, &folder.path().join("log"))?;
        let (stdin, stdout) = (ChildStdin::from_std(stdin)?, ChildStdout::from_std(stdout)?);
        let waiting = Waiting::default();
        tokio::spawn(read(stdout, Arc::clone(&waiting)));
        Ok(Self {
            process,
            stdin: AsyncMutex::new(stdin),
            waiting,
            next: AtomicU64::new(1),
            _folder: folder,
        })
    }

    pub(super) fn process(&self) -> &Process {
        &self.process
    }

    /// Sends a command and waits for its answer.
    pub(super) async fn ask(&self, mut command: Value, patience: Duration) -> Answer<Value> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        command["id"] = id.into();
        let (sender, answer) = oneshot::channel();
        lock(&self.waiting).insert(id, sender);
        let line = format!("{command}\n");
        if self
            .stdin
            .lock()
            .await
            .write_all(line.as_bytes())
            .await
            .is_err()
        {
            return Err(self.broken("ended"));
        }
        match timeout(patience + SLACK, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(self.broken("ended")),
            Err(_) => Err(self.broken("does not answer")),
        }
    }

    fn broken(&self, what: &str) -> ClientError {
        ClientError::Puppet(self.process.failure(what).to_string())
    }
}

/// Hands answers to who asked, until the process ends; then nobody can get one any more.
async fn read(stdout: ChildStdout, waiting: Waiting) {
    let mut lines = BufReader::new(stdout).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let answer = serde_json::from_str::<Value>(&line).unwrap_or_default();
        let asked = answer["id"]
            .as_u64()
            .and_then(|id| lock(&waiting).remove(&id));
        if let Some(sender) = asked {
            // Who asked may have given up.
            drop(sender.send(answer));
        }
    }
    lock(&waiting).clear();
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
