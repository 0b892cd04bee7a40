//! A private server that speaks MongoDB's protocol: `mongod` where there is one, else SecantusDB, which stands in for it.
//!
//! The variable `MONGO_URI` names a server for [`fresh_database`], a replica set perhaps; nothing is started then. A test
//! that needs the server's port or its process starts a [`Server`] all the same.

mod database;
mod engine;
mod uri;

use std::time::Duration;

use mongodb::bson::{Document, doc};
use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep};

pub use database::Database;

use self::engine::Engine;
use self::uri::{DIRECT, Uri};
use super::tls::{self, Certificates};
use super::{percent_encoded, unique_name};
use crate::server::home::Home;
use crate::server::ports::free_port;
use crate::server::process::Process;
use crate::server::{Context as _, Failure, Result};

/// How long it may take to start or to stop. It takes a second; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(30);

/// The user of a server with a password.
const OPERATOR: &str = "operator";

/// What is special about a server.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The password that the user `operator`, who may do everything, has to show (SCRAM-SHA-256).
    pub password: Option<String>,
    /// Whether clients can connect only with TLS.
    pub tls: bool,
    /// Whether faults can be injected (`configureFailPoint`).
    pub fail_points: bool,
    /// Whether it is no member of a replica set, and hence has no transactions.
    pub standalone: bool,
}

/// A new database: of the server in `MONGO_URI`, else in the server that the tests of this process share.
///
/// # Errors
/// As [`Server::start`].
pub async fn fresh_database() -> Result<Database> {
    match std::env::var("MONGO_URI") {
        Ok(uri) => Ok(Database::guest(unique_name(), Uri::parse(&uri)?)),
        Err(_) => Ok(Server::shared().await?.fresh_database()),
    }
}

/// A server with its data and log, on loopback: a replica set of one member. Dropping it kills the server and removes them.
#[derive(Debug)]
pub struct Server {
    settings: Settings,
    engine: Engine,
    port: u16,
    certificates: Option<Certificates>,
    /// Whether clients have to show the password: the first of all users is made without one.
    locked: bool,
    // Before the folder, which can be removed only when nobody writes to it any more.
    process: Option<Process>,
    home: Home,
}

impl Server {
    /// The one that the tests of this process share. The kernel ends it with the process.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub async fn shared() -> Result<&'static Self> {
        static SHARED: OnceCell<Server> = OnceCell::const_new();
        SHARED.get_or_try_init(Self::own).await
    }

    /// One that a test may stop and kill.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub async fn own() -> Result<Self> {
        Self::start(Settings::default()).await
    }

    /// Makes and starts a server, and waits until it can be used.
    ///
    /// # Errors
    /// None is installed, or it does not start; the error shows the end of its log.
    pub async fn start(settings: Settings) -> Result<Self> {
        let mut server = Self {
            engine: Engine::find()?,
            port: free_port()?,
            certificates: None,
            locked: false,
            process: None,
            home: Home::new("mongo", None)?,
            settings,
        };
        if server.settings.tls {
            let certificates = Certificates::make(server.home.path()).await?;
            server.certificates = Some(certificates);
        }
        server.run().await?;
        let initiate = server.engine.initiate(server.port);
        if let Some(initiate) = initiate.filter(|_| !server.settings.standalone) {
            server
                .admin()
                .await?
                .run_command(initiate)
                .await
                .context("replSetInitiate")?;
        }
        server.can_write().await?;
        if let Some(password) = server.settings.password.clone() {
            server.lock(&password).await?;
        }
        Ok(server)
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

    /// A database that no other test knows. The server makes it when something is written to it.
    #[must_use]
    pub fn fresh_database(&self) -> Database {
        Database::new(unique_name(), self.uri())
    }

    /// Starts it, with the data it had, after [`Server::stop`] or [`Server::kill`].
    ///
    /// # Errors
    /// It does not start; the error shows the end of its log.
    pub async fn start_again(&mut self) -> Result<()> {
        self.run().await?;
        self.can_write().await
    }

    /// Asks it to stop, and waits until it has.
    ///
    /// # Errors
    /// It does not run, or does not stop.
    pub async fn stop(&mut self) -> Result<()> {
        self.process()?.terminate()?;
        self.process()?.wait_for_end(PATIENCE).await?;
        self.process = None;
        Ok(())
    }

    /// Stops it in order and starts it, on the same port.
    ///
    /// # Errors
    /// As [`Server::stop`] and [`Server::start_again`].
    pub async fn restart(&mut self) -> Result<()> {
        self.stop().await?;
        self.start_again().await
    }

    /// Ends it at once, by SIGKILL: as a crash of the machine, but for what the kernel has not written yet.
    ///
    /// # Errors
    /// It does not run.
    pub fn kill(&mut self) -> Result<()> {
        self.process()?.kill()?;
        self.process = None;
        Ok(())
    }

    /// Halts it, by SIGSTOP: connections stay open, and new ones are made; none is answered.
    ///
    /// # Errors
    /// It does not run.
    pub fn pause(&mut self) -> Result<()> {
        self.process()?.stop()
    }

    /// Lets it go on after [`Server::pause`].
    ///
    /// # Errors
    /// It does not run.
    pub fn resume(&mut self) -> Result<()> {
        self.process()?.resume()
    }

    /// The running server, for its log.
    ///
    /// # Errors
    /// It does not run.
    pub fn process(&self) -> Result<&Process> {
        self.process
            .as_ref()
            .ok_or_else(|| Failure::new("the MongoDB server does not run"))
    }

    async fn run(&mut self) -> Result<()> {
        let mut command = self.engine.command(&self.home, self.port)?;
        if self.locked {
            self.engine.add_lock(&mut command, &self.home)?;
        }
        self.engine.add_role(&mut command, self.settings.standalone);
        if self.settings.fail_points {
            self.engine.add_fail_points(&mut command);
        }
        if let Some(certificates) = &self.certificates {
            self.engine
                .add_tls(&mut command, &self.home, certificates)?;
        }
        let process = Process::spawn("mongo", &command, &self.home.outside("mongo.log"))?;
        process.wait_for_port(self.port, PATIENCE).await?;
        self.process = Some(process);
        Ok(())
    }

    /// Makes the user with the password, and demands it from now on.
    async fn lock(&mut self, password: &str) -> Result<()> {
        let user = doc! { "createUser": OPERATOR, "pwd": password, "roles": ["root"] };
        self.admin()
            .await?
            .run_command(user)
            .await
            .context("createUser")?;
        self.locked = true;
        // Quicker than a stop, which takes it two seconds; the user is on the disk.
        self.kill()?;
        self.start_again().await
    }

    /// Listening is not enough: a replica set first elects its primary.
    async fn can_write(&self) -> Result<()> {
        let admin = self.admin().await?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer: Document = admin
                .run_command(doc! { "hello": 1 })
                .await
                .context("hello")?;
            if answer.get_bool("isWritablePrimary").unwrap_or(false) {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(self.process()?.failure("elects no primary"));
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// To this very server: before it knows of its replica set, there is no other way.
    async fn admin(&self) -> Result<mongodb::Database> {
        let uri = self.uri().at(self.port);
        Database::new("admin".to_owned(), uri).connect().await
    }

    fn uri(&self) -> Uri {
        let mut host = "127.0.0.1";
        let mut user = String::new();
        let mut options = Vec::new();
        if let Some(password) = self.settings.password.as_ref().filter(|_| self.locked) {
            user = format!("{OPERATOR}:{}@", percent_encoded(password));
            options.push("authSource=admin".to_owned());
        }
        if let Some(certificates) = &self.certificates {
            let authority = certificates.authority.display();
            options.push("tls=true".to_owned());
            options.push(format!("tlsCAFile={authority}"));
            // The name that it gives itself as a member is not that of its certificate.
            options.push(DIRECT.to_owned());
            host = tls::NAME;
        }
        Uri {
            scheme: "mongodb".to_owned(),
            hosts: format!("{host}:{}", self.port),
            user,
            options,
        }
    }
}

#[cfg(test)]
mod tests;
