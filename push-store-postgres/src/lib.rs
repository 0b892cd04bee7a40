//! Keeps XMPP push registrations in PostgreSQL.
//!
//! ```no_run
//! use push_store_postgres::{PostgresConfig, open};
//!
//! # async fn example() -> Result<(), push_core::store::StoreError> {
//! let store = open(&PostgresConfig::new("postgres://push:secret@db.example.org/push")).await?;
//! # Ok(())
//! # }
//! ```
//!
//! [`PostgresStore::new`] instead of [`open`] starts while the database is away; calls fail as unavailable until it is
//! there, and then go well.
//!
//! # The URL
//!
//! Names and passwords are percent-encoded. A folder as host is that of a Unix socket:
//! `postgres:///push?host=/run/postgresql&user=push`. Parameters are those of libpq that have a meaning here:
//!
//! | Parameter | |
//! |---|---|
//! | `host`, `hostaddr`, `port`, `user`, `password`, `dbname` | instead of in the front part of the URL |
//! | `sslmode` | `disable`: plain text; `require`, `verify-ca`, `verify-full`: TLS |
//! | `sslrootcert` | a file with the authorities to trust (PEM), or `system` |
//! | `sslnegotiation`, `channel_binding` | as in libpq |
//! | `application_name` | how the server shows the connections; default `xmpp-push` |
//! | `options` | settings of the session, such as `-c search_path=push` |
//! | `connect_timeout`, `tcp_user_timeout` | in seconds, for each address; default as in [`PostgresConfig`]. Under a lease a longer `tcp_user_timeout` would let a change arrive when another instance is at work |
//! | `keepalives`, `keepalives_idle`, `keepalives_interval`, `keepalives_retries` | as in libpq; a peer that is gone is noticed after 30 s |
//! | `target_session_attrs` | `any`, `read-write`, `read-only`; default `read-write` where there are several hosts |
//! | `load_balance_hosts` | `disable`, `random` |
//!
//! # TLS
//!
//! Where there is TLS it is verified, the host's name included, whatever `sslmode` says. Without `sslmode`, or with
//! `allow` or `prefer`, plain text is spoken on Unix sockets and loopback, and to no other host.
//!
//! # Connections
//!
//! Calls share a few connections, each of which keeps its statements prepared; what is in front must be a session to the
//! server, or PgBouncer 1.21 and later with `max_prepared_statements`. A call that has been given up closes its
//! connection, so that it leaves nothing to the next. Time-outs of the session end what the server still does for it.
//!
//! Failures that may pass are tried again for a moment: deadlocks, and connections that were lost, so that a
//! server's restart is seen only by calls that find it away.
//!
//! # Durability
//!
//! Acknowledged changes are on the server's disk, and on its replicas as far as `synchronous_commit` says; only `off` is
//! overruled. All changes of a call, up to 512, are one transaction with one wait for the disk; a single change is one
//! statement.
//!
//! # Tables
//!
//! `registration`, `lease`, and `xmpp_push_schema` with the version, in the first schema of the user's `search_path`. Only
//! a migration needs the right to create them; everything else `SELECT, INSERT, UPDATE, DELETE` on the first two and
//! `SELECT` on the last. All instances that start at once may migrate: one does, the others wait.
//!
//! `registration` may be partitioned, `PARTITION BY HASH (bucket)`: every statement that names an owner names the bucket
//! too.

mod address;
mod change;
mod commit;
mod config;
mod connection;
mod error;
mod lease;
mod load;
mod migrate;
mod page;
mod pool;
mod portion;
mod ready;
mod row;
mod schema;
mod statement;
mod store;
mod tls;

pub use config::PostgresConfig;
pub use store::PostgresStore;

use push_core::store::{Migrated, StoreError};

/// Opens the store, migrating its tables where that is due and allowed.
///
/// # Errors
///
/// `Unavailable` when the server cannot be reached, has no room or is starting up; `Unauthorized` when it does not let
/// this user in; `WrongVersion` when the server is too old, or the tables are of a later version, or of an earlier one and
/// may not be migrated; `Refused` when the URL cannot be read, the certificate is not to be trusted, there is no such
/// database, or it is another program's, or the user lacks a right.
pub async fn open(config: &PostgresConfig) -> Result<PostgresStore, StoreError> {
    let store = PostgresStore::new(config)?;
    store.ready().await?;
    Ok(store)
}

/// Brings the tables to this program's version, and does nothing else.
///
/// # Errors
///
/// As [`open`].
pub async fn migrate(config: &PostgresConfig) -> Result<Migrated, StoreError> {
    PostgresStore::new(config)?.migrate().await
}
