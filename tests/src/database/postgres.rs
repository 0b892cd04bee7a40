//! A private PostgreSQL.

mod database;
mod installed;

use std::path::Path;
use std::time::Duration;

use tokio::sync::OnceCell;

pub use database::{Database, Role};

use self::installed::Installed;
use super::tls::Certificates;
use super::unique_name;
use crate::server::halt::Halted;
use crate::server::home::Home;
use crate::server::ports::free_port;
use crate::server::process::{self, Process};
use crate::server::{Context as _, Failure, Result};

/// How long it may take to start or to stop. It takes half a second; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(30);

/// The superuser, who needs no password.
const OPERATOR: &str = "operator";

const DATA: &str = "data";

/// Small, for it runs beside other servers; and as durable as in production, for it gets killed.
const SETTINGS: [&str; 6] = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "shared_buffers=16MB",
    "max_wal_size=128MB",
    "fsync=on",
    "synchronous_commit=on",
];

/// What is special about a cluster.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How many connections it takes, those of the operator included.
    pub max_connections: u16,
    /// Whether roles with a password can connect only with TLS.
    pub tls: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_connections: 200,
            tls: false,
        }
    }
}

/// An empty database in the cluster that the tests of this process share.
///
/// # Errors
/// As [`Cluster::start`].
pub async fn fresh_database() -> Result<Database> {
    Cluster::shared().await?.fresh_database().await
}

/// A cluster with its data and log, on loopback. Dropping it kills the server and removes them.
#[derive(Debug)]
pub struct Cluster {
    settings: Settings,
    installed: Installed,
    port: u16,
    certificates: Option<Certificates>,
    // Before the folder, which can be removed only when nobody writes to it any more.
    halted: Option<Halted>,
    process: Option<Process>,
    home: Home,
}

impl Cluster {
    /// The one that the tests of this process share. The kernel ends it with the process.
    ///
    /// # Errors
    /// As [`Cluster::start`].
    pub async fn shared() -> Result<&'static Self> {
        static SHARED: OnceCell<Cluster> = OnceCell::const_new();
        SHARED.get_or_try_init(Self::own).await
    }

    /// One that a test may stop and kill.
    ///
    /// # Errors
    /// As [`Cluster::start`].
    pub async fn own() -> Result<Self> {
        Self::start(Settings::default()).await
    }

    /// Makes and starts a cluster, and waits until it can be used.
    ///
    /// # Errors
    /// PostgreSQL is not installed, or does not start; the error shows the end of its log.
    pub async fn start(settings: Settings) -> Result<Self> {
        let mut cluster = Self {
            installed: Installed::find()?,
            port: free_port()?,
            certificates: None,
            halted: None,
            process: None,
            home: Home::new("postgres", None)?,
            settings,
        };
        if cluster.settings.tls {
            let certificates = Certificates::make(cluster.folder()).await?;
            cluster.certificates = Some(certificates);
        }
        cluster.make_data().await?;
        cluster.start_again().await?;
        Ok(cluster)
    }

    /// The port of loopback on which it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its certificates, if it was started with TLS.
    #[must_use]
    pub fn certificates(&self) -> Option<&Certificates> {
        self.certificates.as_ref()
    }

    /// An empty database that no other test knows.
    ///
    /// # Errors
    /// The server does not run.
    pub async fn fresh_database(&self) -> Result<Database> {
        let database = self.database(unique_name());
        let create = format!("CREATE DATABASE {}", database.name());
        self.database("postgres".to_owned())
            .execute(&create)
            .await?;
        Ok(database)
    }

    /// Starts it, with the data it had, after [`Cluster::stop`] or [`Cluster::kill`].
    ///
    /// # Errors
    /// It does not start; the error shows the end of its log.
    pub async fn start_again(&mut self) -> Result<()> {
        let mut command = self.installed.server("postgres");
        command.arg("-D").arg(self.home.outside(DATA));
        command.args(["-p", &self.port.to_string()]);
        for setting in self.settings() {
            command.args(["-c", &setting]);
        }
        command.current_dir(self.folder()).env("LC_ALL", "C.UTF-8");
        let log = self.home.outside("postgres.log");
        let from = log.metadata().map_or(0, |metadata| metadata.len());
        let process = Process::spawn("postgres", &command, &log)?;
        // It listens before: what comes then is refused.
        process
            .wait_for_log(from, "ready to accept connections", PATIENCE)
            .await?;
        self.process = Some(process);
        Ok(())
    }

    /// Asks it to stop at once, whoever is connected, and waits until it has.
    ///
    /// # Errors
    /// It does not run, or does not stop.
    pub async fn stop(&mut self) -> Result<()> {
        self.process()?.interrupt()?;
        self.process()?.wait_for_end(PATIENCE).await?;
        self.process = None;
        Ok(())
    }

    /// Stops it in order and starts it, on the same port.
    ///
    /// # Errors
    /// As [`Cluster::stop`] and [`Cluster::start_again`].
    pub async fn restart(&mut self) -> Result<()> {
        self.stop().await?;
        self.start_again().await
    }

    /// Ends all its processes at once, by SIGKILL: as a crash of the machine, but for what the kernel has not written
    /// yet.
    ///
    /// # Errors
    /// It does not run.
    pub fn kill(&mut self) -> Result<()> {
        let process = self.process.take().ok_or_else(not_running)?;
        let halted = match self.halted.take() {
            Some(halted) => halted,
            None => Halted::halt(&process)?,
        };
        halted.kill(&process)
    }

    /// Halts all its processes, by SIGSTOP: connections stay open, and new ones are made; none is answered.
    ///
    /// # Errors
    /// It does not run.
    pub fn pause(&mut self) -> Result<()> {
        if self.halted.is_none() {
            self.halted = Some(Halted::halt(self.process()?)?);
        }
        Ok(())
    }

    /// Lets it go on after [`Cluster::pause`].
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn resume(&mut self) -> Result<()> {
        self.halted.take().map_or(Ok(()), Halted::resume)
    }

    /// The running server, for its log.
    ///
    /// # Errors
    /// It does not run.
    pub fn process(&self) -> Result<&Process> {
        self.process.as_ref().ok_or_else(not_running)
    }

    fn database(&self, name: String) -> Database {
        Database::new(name, self.port, self.installed.program("psql"))
    }

    fn folder(&self) -> &Path {
        self.home.path()
    }

    /// Makes the folder of data; roles other than the operator need their password.
    async fn make_data(&self) -> Result<()> {
        self.installed.hand_over(self.folder()).await?;
        let mut command = self.installed.server("initdb");
        command.arg("-D").arg(self.home.outside(DATA));
        command.args(["--username", OPERATOR, "--auth", "trust", "--no-sync"]);
        command.args(["--encoding", "UTF8", "--locale", "C.UTF-8"]);
        command.current_dir(self.folder());
        process::run(command).await.context("initdb")?;
        let kind = if self.settings.tls { "hostssl" } else { "host" };
        let access = format!(
            "host all {OPERATOR} 127.0.0.1/32 trust\n{kind} all all 127.0.0.1/32 scram-sha-256\n"
        );
        self.home.write(&format!("{DATA}/pg_hba.conf"), &access)
    }

    fn settings(&self) -> Vec<String> {
        let mut settings: Vec<_> = SETTINGS.map(str::to_owned).into();
        settings.push(format!("max_connections={}", self.settings.max_connections));
        if let Some(certificates) = &self.certificates {
            settings.push("ssl=on".to_owned());
            settings.push(format!(
                "ssl_cert_file={}",
                certificates.certificate.display()
            ));
            settings.push(format!("ssl_key_file={}", certificates.key.display()));
        }
        settings
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // It may have ended already, and nobody is left to tell.
        drop(self.kill());
    }
}

fn not_running() -> Failure {
    Failure::new("PostgreSQL does not run")
}

#[cfg(test)]
mod tests;
