//! One database of a cluster, as clients and operators see it.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use push_core::store::RegistrationStore;
use push_store_postgres::PostgresConfig;

use super::OPERATOR;
use crate::database::{percent_encoded, tls};
use crate::server::{Context as _, Result, process};

/// A role with a password.
#[derive(Debug, Clone)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// The password; another one here does not change it at the server.
    pub password: String,
}

/// A database of a [`Cluster`](super::Cluster). It lasts as long as that.
#[derive(Debug, Clone)]
pub struct Database {
    name: String,
    /// Where clients connect; the operator always connects to the server itself.
    port: u16,
    server: u16,
    psql: PathBuf,
}

impl Database {
    pub(super) fn new(name: String, port: u16, psql: PathBuf) -> Self {
        Self {
            name,
            port,
            server: port,
            psql,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same database by way of another port of loopback, such as a proxy's.
    #[must_use]
    pub fn at(&self, port: u16) -> Self {
        Self {
            port,
            ..self.clone()
        }
    }

    /// Its URL for the superuser, who needs no password.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_with(OPERATOR, "127.0.0.1")
    }

    /// Its URL for a role with a password. The host is that of the server's certificate.
    #[must_use]
    pub fn url_of(&self, role: &Role) -> String {
        let password = percent_encoded(&role.password);
        self.url_with(&format!("{}:{password}", role.name), tls::NAME)
    }

    /// The service's section `[store]` for it.
    #[must_use]
    pub fn section(&self) -> String {
        format!("backend = \"postgres\"\nurl = {:?}", self.url())
    }

    /// A store in it, as another instance has it.
    ///
    /// # Errors
    /// The server does not run, or refuses.
    pub async fn store(&self) -> Result<Arc<dyn RegistrationStore>> {
        let store = push_store_postgres::open(&PostgresConfig::new(self.url())).await;
        Ok(Arc::new(store.context("another instance")?))
    }

    /// Makes a role that owns this database and has to show its password (SCRAM-SHA-256).
    ///
    /// # Errors
    /// The server does not run, or the database has such an owner already.
    pub async fn create_owner(&self, password: &str) -> Result<Role> {
        let name = &self.name;
        let quoted = password.replace('\'', "''");
        self.execute(&format!(
            "CREATE ROLE {name} LOGIN PASSWORD '{quoted}'; ALTER DATABASE {name} OWNER TO {name}"
        ))
        .await?;
        Ok(Role {
            name: name.clone(),
            password: password.to_owned(),
        })
    }

    /// Runs SQL as the superuser, several statements in one transaction; what it returns, a line for each row with `|`
    /// between the columns.
    ///
    /// # Errors
    /// The server does not run, or refuses; the error says why.
    pub async fn execute(&self, sql: &str) -> Result<String> {
        let mut command = Command::new(&self.psql);
        command
            .args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only"])
            .args(["--host", "127.0.0.1", "--port", &self.server.to_string()])
            .args(["--username", OPERATOR, "--dbname", &self.name])
            .args(["--command", sql])
            .env("PGCONNECT_TIMEOUT", "10")
            // A warning would be printed into the answer: that a connection has just ended by itself, say.
            .env("PGOPTIONS", "-c client_min_messages=error")
            .env("PGSSLMODE", "disable");
        let printed = process::run(command).await?;
        Ok(printed.trim_end().to_owned())
    }

    /// Ends all connections to it, as an operator does; how many there were.
    ///
    /// # Errors
    /// As [`Database::execute`].
    pub async fn terminate_connections(&self) -> Result<usize> {
        let counted = self
            .execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                 WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
            .await?;
        counted.parse().context("the number of connections")
    }

    fn url_with(&self, user: &str, host: &str) -> String {
        format!("postgres://{user}@{host}:{}/{}", self.port, self.name)
    }
}
