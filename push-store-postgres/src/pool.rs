//! Connections in turn, and what is done when something goes wrong with one.

use crate::connection::{Connector, Work, carried};
use crate::error::{ErrorMapper, is_stale, is_unknown, may_pass, refused};
use crate::schema;
use crate::{PostgresConfig, address::Address};
use deadpool::Runtime;
use deadpool::managed::TimeoutType;
use diesel::result::{ConnectionError, Error};
use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::deadpool::{Object, Pool as Connections, PoolError};
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, PoolError as ManagerError, RecyclingMethod,
};
use push_core::store::StoreError;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};

/// How often something is tried that may go well the next time.
const ATTEMPTS: u32 = 4;

/// After so long nothing is tried again. The server looks for deadlocks after a second.
const RETRY_WITHIN: Duration = Duration::from_millis(2500);

/// The connections to one database.
pub(crate) struct Pool {
    connections: Connections<AsyncPgConnection>,
    errors: ErrorMapper,
}

impl Pool {
    /// Connects to nothing yet.
    pub(crate) fn new(settings: &PostgresConfig) -> Result<Self, StoreError> {
        let address = Address::parse(settings)?;
        let errors = ErrorMapper::new(address.endpoint.clone(), settings);
        let connector = Connector::new(address, settings, errors.clone())?;
        let connections = Connections::builder(manager(connector))
            .max_size(settings.pool_size.max(1))
            .wait_timeout(Some(settings.wait_timeout))
            .create_timeout(Some(settings.connect_timeout))
            .recycle_timeout(Some(settings.connect_timeout))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| refused(format!("the pool of connections: {error}")))?;
        Ok(Self {
            connections,
            errors,
        })
    }

    pub(crate) fn errors(&self) -> &ErrorMapper {
        &self.errors
    }

    /// Returns the outcome if it comes within the time of a call. Work that is dropped then leaves no connection behind.
    pub(crate) async fn within<T>(
        &self,
        outcome: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let limit = self.errors.call_timeout;
        let outcome = timeout(limit, outcome).await;
        outcome.unwrap_or_else(|_| Err(self.errors.too_slow()))
    }

    /// Does `work`, several times where that may help.
    pub(crate) async fn run<W: Work>(&self, work: &W) -> Result<W::Output, StoreError> {
        let began = Instant::now();
        let mut attempt = 1;
        loop {
            let failure = match self.attempt(work).await {
                Ok(output) => return Ok(output),
                Err(failure) => failure,
            };
            if attempt == ATTEMPTS || began.elapsed() > RETRY_WITHIN || !failure.may_pass() {
                return Err(self.verdict(failure).await);
            }
            sleep(pause(attempt)).await;
            attempt += 1;
        }
    }

    /// A connection on which something failed is closed: it may be to a server that has become a replica, or be dead
    /// and not know it yet.
    async fn attempt<W: Work>(&self, work: &W) -> Result<W::Output, Failure> {
        let mut taken = Taken(None);
        let got = self.connections.get().await;
        let connection = taken
            .0
            .insert(got.map_err(|error| self.without_connection(error))?);
        match work.run(connection).await {
            Ok(output) => {
                taken.give_back();
                Ok(output)
            }
            Err(error) => {
                if is_stale(&error) {
                    // So are the others, then.
                    self.connections.retain(|_, _| false);
                }
                Err(Failure::Statement(error))
            }
        }
    }

    /// diesel does not pass on the server's error codes, and its texts are in the server's language. What can be found
    /// out is looked at instead.
    async fn verdict(&self, failure: Failure) -> StoreError {
        let error = match failure {
            Failure::Statement(error) => error,
            Failure::Connecting(error) | Failure::Exhausted(error) => return error,
        };
        if is_unknown(&error)
            && let Ok(found) = self.attempt(&schema::Look).await
            && let Err(fault) = found.usable(&self.errors)
        {
            return fault;
        }
        self.errors.statement(&error)
    }

    fn without_connection(&self, error: PoolError) -> Failure {
        match error {
            PoolError::Timeout(TimeoutType::Wait) => Failure::Exhausted(self.errors.exhausted()),
            PoolError::Timeout(_) => Failure::Connecting(self.errors.silent()),
            PoolError::Backend(ManagerError::ConnectionError(
                ConnectionError::CouldntSetupConfiguration(error),
            )) => match carried(&error) {
                Some(ours) => Failure::Connecting(ours.clone()),
                None => Failure::Statement(error),
            },
            other => Failure::Connecting(refused(format!("the pool of connections: {other}"))),
        }
    }
}

/// Why an attempt failed.
enum Failure {
    /// There is no connection.
    Connecting(StoreError),
    /// Others use all of them.
    Exhausted(StoreError),
    /// On a connection.
    Statement(Error),
}

impl Failure {
    fn may_pass(&self) -> bool {
        match self {
            Self::Connecting(error) => matches!(error, StoreError::Unavailable { .. }),
            // They were waited for.
            Self::Exhausted(_) => false,
            Self::Statement(error) => may_pass(error),
        }
    }
}

fn manager(connector: Connector) -> AsyncDieselConnectionManager<AsyncPgConnection> {
    let connector = Arc::new(connector);
    let mut config = ManagerConfig::default();
    // Asking the server whether it is there costs as much as a question; that a connection was closed is known.
    config.recycling_method = RecyclingMethod::Fast;
    config.custom_setup = Box::new(move |_| {
        let connector = Arc::clone(&connector);
        Box::pin(async move { connector.connect().await })
    });
    AsyncDieselConnectionManager::new_with_config("", config)
}

/// Some milliseconds, others for each instance and attempt, so that two that were in each other's way do not meet again.
fn pause(attempt: u32) -> Duration {
    // Freshly seeded hashers are the standard library's only source of chance.
    let chance = RandomState::new().hash_one(attempt) % 32;
    Duration::from_millis((chance + 1) << attempt)
}

/// A connection in use. Unless it is given back it is closed, with whatever is under way on it: a caller that has gone
/// leaves neither a transaction nor a statement to the next.
struct Taken(Option<Object<AsyncPgConnection>>);

impl Taken {
    fn give_back(mut self) {
        drop(self.0.take());
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(Object::take(connection));
        }
    }
}
