//! A server of several processes, stopped and killed as one.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::process::{Process, signal};
use super::{Context as _, Failure, Result};

/// How long the kernel may take to stop or to remove a process.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often a process is looked at while waiting for it.
const POLL: Duration = Duration::from_millis(1);

/// Reads until nobody can write to it any more, then kills; `resume` ends it before.
const GUARD: &str = r#"read -r line; kill -KILL "$@""#;

/// A process and its children, all standing still: their sockets stay open and nobody answers.
///
/// The kernel kills the process when the tests end, but its children would then stand there for ever: a guard kills
/// them.
#[derive(Debug)]
pub struct Halted {
    ids: Vec<u32>,
    guard: Child,
}

impl Halted {
    /// SIGSTOP to a process and all its children. The process goes first: it then makes no more of them.
    ///
    /// # Errors
    /// It has ended.
    pub fn halt(head: &Process) -> Result<Self> {
        head.stop()?;
        wait_until(head.id(), is_still)?;
        let children = children_of(head.id())?;
        if !children.is_empty() {
            signal("STOP", &children)?;
        }
        for &child in &children {
            wait_until(child, is_still)?;
        }
        let ids = [vec![head.id()], children].concat();
        Ok(Self {
            guard: guard(&ids)?,
            ids,
        })
    }

    /// SIGCONT: they go on.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn resume(mut self) -> Result<()> {
        self.dismiss()?;
        signal("CONT", &self.ids)?;
        Ok(())
    }

    /// SIGKILL to all of them, and waits until they are gone. `head` is the process that was halted.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn kill(mut self, head: &Process) -> Result<()> {
        self.dismiss()?;
        signal("KILL", &self.ids)?;
        head.kill()?;
        self.ids.iter().try_for_each(|&id| wait_until(id, is_gone))
    }

    fn dismiss(&mut self) -> Result<()> {
        self.guard.kill()?;
        self.guard.wait()?;
        Ok(())
    }
}

/// Not tied to this process as other children are: it has work to do when this one has ended.
fn guard(ids: &[u32]) -> Result<Child> {
    Command::new("sh")
        .args(["-c", GUARD, "guard"])
        .args(ids.iter().map(u32::to_string))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("a guard for processes that stand still")
}

fn children_of(id: u32) -> Result<Vec<u32>> {
    let path = proc(id).join(format!("task/{id}/children"));
    let children = fs::read_to_string(&path).context(path.display())?;
    Ok(children
        .split_whitespace()
        .filter_map(|child| child.parse().ok())
        .collect())
}

/// The state letter of proc(5), or none when there is no such process.
fn state(id: u32) -> Option<char> {
    let stat = fs::read_to_string(proc(id).join("stat")).ok()?;
    // The name before it may hold anything, parentheses included.
    stat.rsplit(") ").next()?.chars().next()
}

/// A zombie does nothing any more, either.
fn is_still(state: Option<char>) -> bool {
    matches!(state, Some('T' | 't') | None) || is_gone(state)
}

fn is_gone(state: Option<char>) -> bool {
    matches!(state, Some('Z' | 'X') | None)
}

fn wait_until(id: u32, reached: fn(Option<char>) -> bool) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !reached(state(id)) {
        if Instant::now() >= deadline {
            return Err(Failure::new(format!("process {id} takes no signal")));
        }
        thread::sleep(POLL);
    }
    Ok(())
}

fn proc(id: u32) -> PathBuf {
    PathBuf::from("/proc").join(id.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A process that has a child.
    async fn family(folder: &tempfile::TempDir) -> Result<Process> {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 60 & echo born; wait"]);
        let head = Process::spawn("family", &command, &folder.path().join("log"))?;
        head.wait_for_log(0, "born", PATIENCE).await?;
        Ok(head)
    }

    #[tokio::test]
    async fn all_stand_still_until_they_go_on() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let head = family(&folder).await?;
        let halted = Halted::halt(&head)?;
        let ids = halted.ids.clone();
        assert_eq!(ids.len(), 2);
        assert!(ids.iter().all(|&id| state(id) == Some('T')));
        halted.resume()?;
        ids.iter()
            .try_for_each(|&id| wait_until(id, |state| state == Some('S')))
    }

    #[tokio::test]
    async fn nobody_is_left_after_a_kill() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let head = family(&folder).await?;
        let halted = Halted::halt(&head)?;
        let ids = halted.ids.clone();
        halted.kill(&head)?;
        assert!(ids.iter().all(|&id| is_gone(state(id))));
        Ok(())
    }

    #[tokio::test]
    async fn nobody_stands_still_for_ever_when_the_tests_are_gone() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let head = family(&folder).await?;
        let mut halted = Halted::halt(&head)?;
        // What happens to the pipe when this process ends.
        drop(halted.guard.stdin.take());
        halted
            .ids
            .iter()
            .try_for_each(|&id| wait_until(id, is_gone))
    }
}
