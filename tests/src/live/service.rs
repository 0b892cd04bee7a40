//! The binary under test.

use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;

use super::process::Process;
use super::program::{self, run_in};
use super::slot::{SECRET, Slot};
use super::{Failure, Result};

/// How long the service may take to attach, or to drain.
const PATIENCE: Duration = Duration::from_secs(30);

/// How a service is configured and what tells that it is up.
#[derive(Clone, Debug)]
pub struct ServiceConfig {
    /// The component it connects as.
    pub component: String,
    /// Further components it connects as.
    pub shards: Vec<String>,
    /// The hosts it serves.
    pub hosts: Vec<String>,
    /// Where the server listens for components.
    pub port: u16,
    /// The `[store]` section. Relative paths are in the service's own folder.
    pub store: String,
    /// The end of the file.
    pub more: String,
    /// What it logs when it is up, for its first host.
    pub ready: &'static str,
}

impl ServiceConfig {
    /// A service for the hosts of `slots` under the first one's component, with a store of its own.
    #[must_use]
    pub fn new(slots: &[Slot], port: u16) -> Self {
        let component = slots.first().map(|slot| slot.component());
        Self {
            component: component.unwrap_or_default(),
            shards: Vec::new(),
            hosts: slots.iter().map(|slot| slot.host()).collect(),
            port,
            store: "url = \"registrations.db\"".to_owned(),
            more: String::new(),
            ready: "adapter attached",
        }
    }

    /// The configuration file.
    pub(super) fn render(&self) -> String {
        let Self {
            component,
            shards,
            hosts,
            port,
            store,
            more,
            ready: _,
        } = self;
        format!(
            r#"
[component]
jid = "{component}"
server = "127.0.0.1:{port}"
secret = "{SECRET}"
hosts = {hosts:?}
shards = {shards:?}
[store]
{store}
[stream]
keep_alive = "2s"
keep_alive_timeout = "2s"
reconnect_first = "100ms"
reconnect_longest = "500ms"
{more}
"#
        )
    }
}

/// An `xmpp-push run` with a folder of its own. Dropping it kills it.
#[derive(Debug)]
pub struct Service {
    folder: TempDir,
    process: Option<Process>,
    ready: &'static str,
}

impl Service {
    /// Writes the configuration and starts the service.
    ///
    /// # Errors
    /// The binary is not built, or does not attach in time.
    pub async fn start(config: &ServiceConfig) -> Result<Self> {
        let mut folder = tempfile::Builder::new()
            .prefix("xmpp-push-service-")
            .tempdir()?;
        folder.disable_cleanup(std::env::var_os("XMPP_PUSH_KEEP").is_some());
        std::fs::write(folder.path().join("xmpp-push.toml"), config.render())?;
        let mut service = Self {
            folder,
            process: None,
            ready: config.ready,
        };
        service.start_again().await?;
        Ok(service)
    }

    /// Starts it again, with what it has stored.
    ///
    /// # Errors
    /// As [`Service::start`].
    pub async fn start_again(&mut self) -> Result<()> {
        self.start_again_until(self.ready).await
    }

    /// The same, until it has logged `text`.
    ///
    /// # Errors
    /// As [`Service::start`].
    pub async fn start_again_until(&mut self, text: &str) -> Result<()> {
        let log = self.folder.path().join("log");
        let from = log.metadata().map_or(0, |log| log.len());
        let command = program::command(&self.file("xmpp-push.toml"))?;
        let process = Process::spawn("xmpp-push", &command, &log)?;
        process.wait_for_log(from, text, PATIENCE).await?;
        self.process = Some(process);
        Ok(())
    }

    /// SIGTERM, and waits until it has drained and ended well.
    ///
    /// # Errors
    /// It does not end, or not well.
    pub async fn stop(&mut self) -> Result<()> {
        let process = self.process()?;
        process.terminate()?;
        let status = process.wait_for_end(PATIENCE).await?;
        if !status.success() {
            return Err(process.failure(&format!("ended with {status}")));
        }
        self.process = None;
        Ok(())
    }

    /// Changes its configuration, sends SIGHUP, and waits until it has followed the change.
    ///
    /// # Errors
    /// It does not in time.
    pub async fn reload(&self, change: impl FnOnce(String) -> String) -> Result<()> {
        let file = self.file("xmpp-push.toml");
        std::fs::write(&file, change(std::fs::read_to_string(&file)?))?;
        let from = self.process()?.log_size()?;
        self.process()?.hang_up()?;
        self.logs(from, "configuration reloaded applied").await
    }

    /// SIGKILL.
    ///
    /// # Errors
    /// It does not run.
    pub fn kill(&mut self) -> Result<()> {
        self.process()?.kill()?;
        self.process = None;
        Ok(())
    }

    /// The running process.
    ///
    /// # Errors
    /// It does not run.
    pub fn process(&self) -> Result<&Process> {
        self.process
            .as_ref()
            .ok_or_else(|| Failure::new("xmpp-push does not run"))
    }

    /// Waits until it has logged `text` after byte `from` of its log.
    ///
    /// # Errors
    /// It does not in time.
    pub async fn logs(&self, from: u64, text: &str) -> Result<()> {
        self.process()?.wait_for_log(from, text, PATIENCE).await
    }

    /// A file of its folder: `registrations.db` is the store.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs `xmpp-push check` with its configuration and these further environment variables; returns the exit code and what
    /// was printed.
    ///
    /// # Errors
    /// The binary is not built.
    pub async fn check(&self, variables: &[(&str, &str)]) -> Result<(Option<i32>, String)> {
        let ended = run_in(&["check"], &self.file("xmpp-push.toml"), variables).await?;
        Ok((ended.code, ended.printed))
    }
}
