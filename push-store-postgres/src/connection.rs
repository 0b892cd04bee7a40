//! Connections and how they are set up.

use crate::address::Address;
use crate::error::ErrorMapper;
use crate::{PostgresConfig, tls};
use diesel::QueryResult;
use diesel::result::{ConnectionError, ConnectionResult, Error};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use push_core::store::StoreError;
use std::time::Duration;
use tokio_postgres::{Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Something to do with one connection, from the beginning to the end.
pub(crate) trait Work: Sync {
    /// The result of the work.
    type Output: Send;

    /// Does it. May be done again when it has failed.
    fn run(
        &self,
        connection: &mut AsyncPgConnection,
    ) -> impl Future<Output = QueryResult<Self::Output>> + Send;
}

/// Makes connections to one database.
pub(crate) struct Connector {
    config: Config,
    tls: Option<MakeRustlsConnect>,
    session: String,
    errors: ErrorMapper,
}

impl Connector {
    pub(crate) fn new(
        address: Address,
        settings: &PostgresConfig,
        errors: ErrorMapper,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            tls: address.trust.as_ref().map(tls::connector).transpose()?,
            config: address.config,
            session: session(settings),
            errors,
        })
    }

    /// An error that is not diesel's own is ours, as [`carried`] finds it.
    pub(crate) async fn connect(&self) -> ConnectionResult<AsyncPgConnection> {
        let say = |error| carry(self.errors.connecting(&error));
        let mut connection = if let Some(tls) = &self.tls {
            let (client, connection) = self.config.connect(tls.clone()).await.map_err(say)?;
            AsyncPgConnection::try_from_client_and_connection(client, connection).await?
        } else {
            let (client, connection) = self.config.connect(NoTls).await.map_err(say)?;
            AsyncPgConnection::try_from_client_and_connection(client, connection).await?
        };
        let set = connection.batch_execute(&self.session).await;
        set.map_err(ConnectionError::CouldntSetupConfiguration)?;
        Ok(connection)
    }
}

/// The only error of diesel's that can hold another.
fn carry(error: StoreError) -> ConnectionError {
    ConnectionError::CouldntSetupConfiguration(Error::QueryBuilderError(error.into()))
}

/// Returns the error that [`carry`] has put into it.
pub(crate) fn carried(error: &Error) -> Option<&StoreError> {
    match error {
        Error::QueryBuilderError(error) => error.downcast_ref(),
        _ => None,
    }
}

/// Returns the settings of a session, whatever the server's defaults are.
///
/// * Time-outs end what the server does for a call that has been given up.
/// * Every statement of this store goes by the key. The planner sees it otherwise while a table is small or new, and
///   keeps to that plan when it has grown.
/// * What is acknowledged is on the disk; a stricter choice of the operator stays.
fn session(settings: &PostgresConfig) -> String {
    let statement = millis(settings.statement_timeout);
    let lock = millis(settings.lock_timeout);
    format!(
        "SET statement_timeout = {statement};
         SET idle_in_transaction_session_timeout = {statement};
         SET lock_timeout = {lock};
         SET default_transaction_isolation = 'read committed';
         SET enable_seqscan = off;
         SET enable_bitmapscan = off;
         SET enable_hashjoin = off;
         SET enable_mergejoin = off;
         SET jit = off;
         SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
    )
}

/// Never 0, which would be without bound.
fn millis(timeout: Duration) -> i32 {
    i32::try_from(timeout.as_millis())
        .unwrap_or(i32::MAX)
        .max(1)
}
