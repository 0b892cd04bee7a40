//! A private Prosody.

mod config;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use config::ProsodyConfig;

use super::home::Home;
use super::ports::free_port;
use super::process::{self, Process};
use super::{Failure, Result};

/// How long Prosody may take to start or to stop. It takes a second; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(30);

const CONFIG_FILE: &str = "prosody.cfg.lua";
const PLUGIN_FOLDER: &str = "plugins";

/// The ports it listens on, all on loopback.
#[derive(Debug, Clone, Copy)]
pub struct ProsodyPorts {
    /// Clients, without TLS.
    pub c2s: u16,
    /// Components (XEP-0114).
    pub component: u16,
    /// Other servers; nothing listens there unless the configuration says so.
    pub s2s: u16,
}

/// A Prosody with its configuration, data and log. Dropping it kills the server and removes them.
#[derive(Debug)]
pub struct Prosody {
    /// Takes effect at the next start, or at [`Prosody::reload_config`].
    pub config: ProsodyConfig,
    ports: ProsodyPorts,
    // Before the folder, which can be removed only when nobody writes to it any more.
    process: Option<Process>,
    home: Home,
}

impl Prosody {
    /// Starts a server and waits until clients and components can connect.
    ///
    /// # Errors
    /// Prosody is not installed, or does not start; the error shows the end of its log.
    pub async fn start(config: ProsodyConfig) -> Result<Self> {
        let home = Home::new("prosody", config.root.as_deref())?;
        for folder in ["data", PLUGIN_FOLDER] {
            home.folder(folder)?;
        }
        let ports = ProsodyPorts {
            c2s: free_port()?,
            component: free_port()?,
            s2s: free_port()?,
        };
        let mut server = Self {
            config,
            ports,
            home,
            process: None,
        };
        for folder in server.config.sources() {
            server.install_plugins(&folder)?;
        }
        server.start_again().await?;
        Ok(server)
    }

    /// Where it listens.
    pub fn ports(&self) -> ProsodyPorts {
        self.ports
    }

    /// A file of its data.
    #[must_use]
    pub fn data_file(&self, name: &str) -> PathBuf {
        self.home.outside("data").join(name)
    }

    /// Copies the modules (`*.lua`) of a folder over those that the server has; a reload or a start brings them in.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn install_plugins(&self, folder: &Path) -> Result<()> {
        self.home.copy_sources(folder, "lua", PLUGIN_FOLDER)?;
        Ok(())
    }

    /// Starts it, with the data it had, after [`Prosody::stop`] or [`Prosody::kill`].
    ///
    /// # Errors
    /// As [`Prosody::start`].
    pub async fn start_again(&mut self) -> Result<()> {
        self.write_config()?;
        let mut command = self.home.command("prosody")?;
        command.args(["-F", "--config", &self.home.inside(CONFIG_FILE)]);
        let process = Process::spawn("prosody", &command, &self.home.outside("prosody.log"))?;
        process.wait_for_port(self.ports.c2s, PATIENCE).await?;
        process
            .wait_for_port(self.ports.component, PATIENCE)
            .await?;
        self.process = Some(process);
        Ok(())
    }

    /// Asks it to stop and waits until it has: what is only in memory gets written.
    ///
    /// # Errors
    /// It does not run, or does not stop.
    pub async fn stop(&mut self) -> Result<()> {
        self.process()?.terminate()?;
        self.process()?.wait_for_end(PATIENCE).await?;
        self.process = None;
        Ok(())
    }

    /// Stops it in order and starts it.
    ///
    /// # Errors
    /// As [`Prosody::stop`] and [`Prosody::start`].
    pub async fn restart(&mut self) -> Result<()> {
        self.stop().await?;
        self.start_again().await
    }

    /// Ends it at once, by SIGKILL.
    ///
    /// # Errors
    /// It does not run.
    pub fn kill(&mut self) -> Result<()> {
        self.process()?.kill()?;
        self.process = None;
        Ok(())
    }

    /// The running server, for signals and its log.
    ///
    /// # Errors
    /// It does not run.
    pub fn process(&self) -> Result<&Process> {
        self.process
            .as_ref()
            .ok_or_else(|| Failure::new("prosody does not run"))
    }

    /// Runs one command of Prosody's shell, such as `["module", "reload", "smacks", "h0.test"]`.
    ///
    /// # Errors
    /// The command fails; the error shows what it printed.
    pub async fn shell(&self, words: &[&str]) -> Result<String> {
        let mut command = self.home.command("prosodyctl")?;
        command
            .args(["--config", &self.home.inside(CONFIG_FILE), "shell"])
            .args(words);
        process::run(command).await
    }

    /// Writes the configuration as it is in [`Prosody::config`] now and has the server read it. A module sees its
    /// options anew when it is reloaded.
    ///
    /// # Errors
    /// The server refuses it.
    pub async fn reload_config(&self) -> Result<()> {
        self.write_config()?;
        self.shell(&["config", "reload"]).await.map(drop)
    }

    /// Reloads a module of one host.
    ///
    /// # Errors
    /// The module is not loaded there, or its new code fails.
    pub async fn reload_module(&self, name: &str, host: &str) -> Result<()> {
        let printed = self.shell(&["module", "reload", name, host]).await?;
        // Without such a module the shell says "OK: Module reloaded on 0 hosts".
        if printed.contains(&format!("Reloaded on {host}")) {
            Ok(())
        } else {
            Err(self
                .process()?
                .failure(&format!("did not reload {name}: {printed}")))
        }
    }

    /// Deletes an account as an operator does.
    ///
    /// # Errors
    /// There is no such account.
    pub async fn delete_user(&self, jid: &str) -> Result<()> {
        self.shell(&["user", "delete", jid]).await.map(drop)
    }

    fn write_config(&self) -> Result<()> {
        self.home
            .write(CONFIG_FILE, &self.config.render(&self.home, self.ports))?;
        for (name, content) in self.config.files() {
            self.home.write(&name, &content)?;
        }
        Ok(())
    }
}
