//! A private ejabberd.
//!
//! It runs without Erlang distribution and is spoken to over its HTTP API, on a port of its own.

mod api;
mod config;
mod installed;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use config::EjabberdConfig;
use installed::Installed;
use serde_json::{Value, json};

use super::home::Home;
use super::ports::free_port;
use super::process::{self, Process};
use super::{Failure, Result};

/// How long ejabberd may take to start or to stop. It takes some seconds; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(45);

const CONFIG_FILE: &str = "ejabberd.yml";
const SOURCE_FOLDER: &str = "src";
const CODE_FOLDER: &str = "ebin";

/// The ports it listens on, all on loopback.
#[derive(Debug, Clone, Copy)]
pub struct EjabberdPorts {
    /// Clients, without TLS.
    pub c2s: u16,
    /// xmpp-push's components (XEP-0114).
    pub component: u16,
    /// The push services' components: a listener lets each of its components send as any other of them.
    pub push_service: u16,
    /// The HTTP API.
    pub api: u16,
    /// Other servers; nothing listens there unless the configuration says so.
    pub s2s: u16,
}

/// An ejabberd with its configuration, data and log. Dropping it kills the server and removes them.
#[derive(Debug)]
pub struct Ejabberd {
    /// Takes effect at the next start, or at [`Ejabberd::reload_config`].
    pub config: EjabberdConfig,
    ports: EjabberdPorts,
    // Before the folder, which can be removed only when nobody writes to it any more.
    process: Option<Process>,
    home: Home,
}

impl Ejabberd {
    /// Compiles the modules, starts a server and waits until clients and components can connect.
    ///
    /// # Errors
    /// ejabberd or erlc is not installed, a module does not compile, or the server does not start; the error shows
    /// the end of its log.
    pub async fn start(config: EjabberdConfig) -> Result<Self> {
        let home = Home::new("ejabberd", config.root.as_deref())?;
        for folder in ["data", SOURCE_FOLDER, CODE_FOLDER] {
            home.folder(folder)?;
        }
        let ports = EjabberdPorts {
            c2s: free_port()?,
            component: free_port()?,
            push_service: free_port()?,
            api: free_port()?,
            s2s: free_port()?,
        };
        let mut server = Self {
            config,
            ports,
            home,
            process: None,
        };
        for folder in &server.config.sources() {
            server.compile(folder).await?;
        }
        server.start_again().await?;
        Ok(server)
    }

    /// Where it listens.
    pub fn ports(&self) -> EjabberdPorts {
        self.ports
    }

    /// A file of Mnesia's folder, in which modules keep theirs.
    #[must_use]
    pub fn data_file(&self, name: &str) -> PathBuf {
        self.home.outside("data").join(name)
    }

    /// Compiles the modules (`*.erl`) below a folder over those that the server has; a module that runs already takes
    /// the new code when it is restarted.
    ///
    /// # Errors
    /// erlc is not installed, or a module does not compile; the error shows what the compiler said.
    pub async fn compile(&self, folder: &Path) -> Result<()> {
        self.home.copy_sources(folder, "hrl", SOURCE_FOLDER)?;
        let sources = self.home.copy_sources(folder, "erl", SOURCE_FOLDER)?;
        let inside = |name: &PathBuf| Path::new(&self.home.inside(SOURCE_FOLDER)).join(name);
        let sources: Vec<_> = sources.iter().map(inside).collect();
        let installed = Installed::find(&self.home)?;
        let command = installed.compiler(&self.home, &self.home.inside(CODE_FOLDER), &sources)?;
        process::run(command).await.map(drop)
    }

    /// Takes a compiled module away, as an upgrade of the server does.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn remove_module(&self, name: &str) -> Result<()> {
        let file = self.home.outside(CODE_FOLDER).join(format!("{name}.beam"));
        Ok(std::fs::remove_file(file)?)
    }

    /// Starts it, with the data it had, after [`Ejabberd::stop`] or [`Ejabberd::kill`].
    ///
    /// # Errors
    /// As [`Ejabberd::start`].
    pub async fn start_again(&mut self) -> Result<()> {
        self.write_config()?;
        let mut command = self.home.command("erl")?;
        command
            .env("ERL_LIBS", Installed::find(&self.home)?.libraries)
            .env("EJABBERD_CONFIG_PATH", self.home.inside(CONFIG_FILE))
            .env("EJABBERD_LOG_PATH", self.home.inside("ejabberd.log"))
            .env("SPOOL_DIR", self.home.inside("data"))
            .env("ERL_CRASH_DUMP", self.home.inside("crash.dump"))
            .args(["-noinput", "-pa", &self.home.inside(CODE_FOLDER)])
            .args([
                "-mnesia",
                "dir",
                &format!("{:?}", self.home.inside("data")),
                "-s",
                "ejabberd",
            ]);
        let log = self.home.outside("output.log");
        let from = log.metadata().map_or(0, |log| log.len());
        let process = Process::spawn("ejabberd", &command, &log)?;
        // Its ports are open before its modules start, and a module that does not start ends it.
        process
            .wait_for_log(from, "is started in the node", PATIENCE)
            .await?;
        self.process = Some(process);
        Ok(())
    }

    /// Asks it to stop, as `ejabberdctl stop` does, and waits until it has. At SIGTERM it would kill the sessions first.
    ///
    /// # Errors
    /// It does not run, or does not stop.
    pub async fn stop(&mut self) -> Result<()> {
        let process = self.process()?;
        // It may be gone before it has answered; that it goes is what counts.
        drop(self.api("stop", &json!({})).await);
        process.wait_for_end(PATIENCE).await?;
        self.process = None;
        Ok(())
    }

    /// Stops it in order and starts it.
    ///
    /// # Errors
    /// As [`Ejabberd::stop`] and [`Ejabberd::start`].
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
            .ok_or_else(|| Failure::new("ejabberd does not run"))
    }

    /// Calls a command of the HTTP API.
    ///
    /// # Errors
    /// The server does not answer, or answers with an error.
    pub async fn api(&self, command: &str, arguments: &Value) -> Result<Value> {
        api::call(self.ports.api, command, arguments).await
    }

    /// Stops a module of one host, loads its code anew and starts it.
    ///
    /// # Errors
    /// The module is not loaded there, or does not start.
    pub async fn restart_module(&self, module: &str, host: &str) -> Result<()> {
        let answer = self
            .api("restart_module", &json!({ "host": host, "module": module }))
            .await?;
        // 23.01 answers {"res": 0}, 24.12 answers 0.
        let code = answer.get("res").unwrap_or(&answer);
        if code == 0 {
            Ok(())
        } else {
            Err(self
                .process()?
                .failure(&format!("did not restart {module}: {answer}")))
        }
    }

    /// Writes the configuration as it is in [`Ejabberd::config`] now and has the server read it.
    ///
    /// # Errors
    /// The server refuses it.
    pub async fn reload_config(&self) -> Result<()> {
        self.write_config()?;
        self.api("reload_config", &json!({})).await.map(drop)
    }

    /// Deletes an account as an operator does.
    ///
    /// # Errors
    /// The server refuses.
    pub async fn delete_user(&self, jid: &str) -> Result<()> {
        let (user, host) = jid
            .split_once('@')
            .ok_or_else(|| Failure::new(format!("{jid} is no user")))?;
        self.api("unregister", &json!({ "user": user, "host": host }))
            .await
            .map(drop)
    }

    fn write_config(&self) -> Result<()> {
        self.home
            .write(CONFIG_FILE, &self.config.render(self.ports))
    }
}
