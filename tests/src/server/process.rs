//! Child processes.
//!
//! A child dies with the process that runs the tests, however that ends: `setpriv --pdeathsig KILL` asks the kernel for
//! it, and the kernel does it also to a child stopped by SIGSTOP. What the kernel calls the parent is the *thread* that
//! made the child, and a test's thread ends with the test; so one thread that never ends makes them all.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Sender};
use std::sync::{OnceLock, PoisonError, RwLock};
use std::thread;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use super::{Context as _, Failure, Result};

/// How often a condition is looked at again while waiting for it.
const POLL: Duration = Duration::from_millis(20);

/// How much of the end of a log an error shows, in bytes.
const LOG_TAIL: u64 = 4_000;

/// A running child and the file that its output goes to. Dropping it kills the child.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: RwLock<Child>,
    log: PathBuf,
}

impl Process {
    /// Starts a command; its output is appended to the file `log`.
    ///
    /// # Errors
    /// The program is not installed, or the file cannot be written.
    pub fn spawn(name: &str, command: &Command, log: &Path) -> Result<Self> {
        let mut command = tethered(command);
        let output = append_to(log)?;
        command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        Ok(Self {
            name: name.to_owned(),
            child: RwLock::new(start(name, command)?),
            log: log.to_path_buf(),
        })
    }

    /// Starts a command to talk to over pipes; what it writes to stderr is appended to the file `log`.
    ///
    /// # Errors
    /// As [`Process::spawn`].
    pub fn spawn_piped(
        name: &str,
        command: &Command,
        log: &Path,
    ) -> Result<(Self, ChildStdin, ChildStdout)> {
        let mut command = tethered(command);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(append_to(log)?);
        let mut child = start(name, command)?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (stdin, stdout) = pipes.ok_or_else(|| Failure::new(format!("{name} has no pipes")))?;
        let process = Self {
            name: name.to_owned(),
            child: RwLock::new(child),
            log: log.to_path_buf(),
        };
        Ok((process, stdin, stdout))
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .id()
    }

    /// SIGSTOP: the process stands still, its sockets stay open.
    ///
    /// # Errors
    /// It has ended.
    pub fn stop(&self) -> Result<()> {
        self.signal("STOP")
    }

    /// SIGCONT: a stopped process goes on.
    ///
    /// # Errors
    /// It has ended.
    pub fn resume(&self) -> Result<()> {
        self.signal("CONT")
    }

    /// SIGTERM: asks the process to end.
    ///
    /// # Errors
    /// It has ended.
    pub fn terminate(&self) -> Result<()> {
        self.signal("TERM")
    }

    /// SIGINT: asks the process to end soon, whoever is connected to it.
    ///
    /// # Errors
    /// It has ended.
    pub fn interrupt(&self) -> Result<()> {
        self.signal("INT")
    }

    /// SIGHUP: asks the process to read its configuration again.
    ///
    /// # Errors
    /// It has ended.
    pub fn hang_up(&self) -> Result<()> {
        self.signal("HUP")
    }

    /// SIGKILL, and waits until it is gone.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn kill(&self) -> Result<()> {
        let mut child = self.child.write().unwrap_or_else(PoisonError::into_inner);
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// The kernel does not know it.
    pub fn ended(&self) -> Result<Option<ExitStatus>> {
        Ok(self
            .child
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .try_wait()?)
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    /// It goes on beyond the time.
    pub async fn wait_for_end(&self, patience: Duration) -> Result<ExitStatus> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            self.pause(deadline, "did not end").await?;
        }
    }

    /// Waits until something listens on a port of loopback.
    ///
    /// # Errors
    /// The process ends, or nothing listens within the time; the error shows the end of the log.
    pub async fn wait_for_port(&self, port: u16, patience: Duration) -> Result<()> {
        let deadline = Instant::now() + patience;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .await
            .is_err()
        {
            self.must_live()?;
            self.pause(deadline, &format!("does not listen on port {port}"))
                .await?;
        }
        Ok(())
    }

    /// Waits until the log, from a place in it on, holds a text; see [`Process::log_size`].
    ///
    /// # Errors
    /// The process ends, or the text does not come within the time.
    pub async fn wait_for_log(&self, from: u64, text: &str, patience: Duration) -> Result<()> {
        let deadline = Instant::now() + patience;
        while !self.log_since(from)?.contains(text) {
            self.must_live()?;
            self.pause(deadline, &format!("did not log {text:?}"))
                .await?;
        }
        Ok(())
    }

    /// The size of the log, in bytes: the place where what is logged next begins.
    ///
    /// # Errors
    /// The file is gone.
    pub fn log_size(&self) -> Result<u64> {
        Ok(self.log.metadata()?.len())
    }

    /// What was logged from a place on.
    ///
    /// # Errors
    /// The file is gone.
    pub fn log_since(&self, from: u64) -> Result<String> {
        Ok(read_from(&self.log, from)?)
    }

    /// An error about this process, with the end of its log.
    pub fn failure(&self, what: &str) -> Failure {
        let size = self.log_size().unwrap_or(0);
        let tail = read_from(&self.log, size.saturating_sub(LOG_TAIL)).unwrap_or_default();
        Failure::new(format!(
            "{} {what}; the end of {}:\n{tail}",
            self.name,
            self.log.display()
        ))
    }

    fn must_live(&self) -> Result<()> {
        match self.ended()? {
            Some(status) => Err(self.failure(&format!("ended ({status})"))),
            None => Ok(()),
        }
    }

    async fn pause(&self, deadline: Instant, what: &str) -> Result<()> {
        if Instant::now() >= deadline {
            return Err(self.failure(what));
        }
        sleep(POLL).await;
        Ok(())
    }

    /// The child is not reaped while it is borrowed here, so its id cannot be another process's.
    fn signal(&self, name: &str) -> Result<()> {
        let child = self.child.read().unwrap_or_else(PoisonError::into_inner);
        if signal(name, &[child.id()])? {
            Ok(())
        } else {
            Err(self.failure(&format!("took no SIG{name}")))
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already, and nobody is left to tell.
        drop(self.kill());
    }
}

/// Runs a command to its end and returns what it printed.
///
/// # Errors
/// The program is not installed or fails; the error shows what it printed.
pub async fn run(command: Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = tokio::process::Command::from(command)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|error| not_started(&name, &error))?;
    let printed = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    if output.status.success() {
        Ok(printed)
    } else {
        Err(Failure::new(format!(
            "{name}: {}\n{printed}",
            output.status
        )))
    }
}

/// Sends a signal to processes; whether all of them took it.
pub(super) fn signal(name: &str, ids: &[u32]) -> io::Result<bool> {
    // The shell's own kill: the program is in a package that small systems lack.
    let status = Command::new("sh")
        .args(["-c", r#"kill -"$0" "$@""#, name])
        .args(ids.iter().map(u32::to_string))
        .stderr(Stdio::null())
        .status()?;
    Ok(status.success())
}

/// The same command, run so that it is killed when its parent ends. `exec` keeps the process id.
fn tethered(command: &Command) -> Command {
    let mut tethered = Command::new("setpriv");
    tethered
        .args(["--pdeathsig", "KILL"])
        .arg(command.get_program())
        .args(command.get_args());
    for (key, value) in command.get_envs() {
        match value {
            Some(value) => tethered.env(key, value),
            None => tethered.env_remove(key),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        tethered.current_dir(folder);
    }
    tethered
}

type Birth = (Command, Sender<io::Result<Child>>);

/// Starts a child from the thread that never ends.
fn start(name: &str, command: Command) -> Result<Child> {
    static BIRTHS: OnceLock<Sender<Birth>> = OnceLock::new();
    let births = BIRTHS.get_or_init(|| {
        let (sender, births) = mpsc::channel::<Birth>();
        thread::spawn(move || {
            for (mut command, reply) in births {
                // Who asked may have gone; then the child is dropped and nobody misses it.
                drop(reply.send(command.spawn()));
            }
        });
        sender
    });
    let (reply, child) = mpsc::channel();
    births.send((command, reply)).context(name)?;
    child
        .recv()
        .context(name)?
        .map_err(|error| not_started(name, &error))
}

fn not_started(name: &str, error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::NotFound {
        Failure::missing(name)
    } else {
        Failure::new(format!("{name}: {error}"))
    }
}

fn append_to(log: &Path) -> Result<File> {
    File::options()
        .create(true)
        .append(true)
        .open(log)
        .context(log.display())
}

fn read_from(path: &Path, from: u64) -> io::Result<String> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[tokio::test]
    async fn an_early_end_is_told_with_the_log() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let process = Process::spawn(
            "server",
            &shell("echo no luck; exit 3"),
            &folder.path().join("log"),
        )?;
        let ended = process
            .wait_for_log(0, "ready", Duration::from_secs(10))
            .await;
        let text = ended
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        assert!(
            text.contains("server ended") && text.contains("no luck"),
            "{text}"
        );
        Ok(())
    }

    #[tokio::test]
    async fn a_child_outlives_the_thread_that_asked_for_it_and_dies_when_stopped() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let log = folder.path().join("log");
        let process = thread::spawn(move || Process::spawn("child", &shell("sleep 60"), &log));
        let process = process
            .join()
            .map_err(|_| Failure::new("the thread panicked"))??;
        sleep(Duration::from_millis(100)).await;
        assert!(process.ended()?.is_none());
        process.stop()?;
        process.kill()
    }
}
