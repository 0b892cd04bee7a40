//! Errors of PostgreSQL, in words that tell an operator what to do.

use crate::PostgresConfig;
use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind as Kind, Error};
use push_core::store::StoreError;
use std::error::Error as _;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::error::{DbError, SqlState};

/// Turns errors of one database into the store's.
#[derive(Clone, Debug)]
pub(crate) struct ErrorMapper {
    /// Host, port, database and user.
    pub(crate) endpoint: Arc<str>,
    pool_size: usize,
    wait_timeout: Duration,
    connect_timeout: Duration,
    pub(crate) call_timeout: Duration,
}

impl ErrorMapper {
    pub(crate) fn new(endpoint: String, config: &PostgresConfig) -> Self {
        Self {
            endpoint: endpoint.into(),
            pool_size: config.pool_size,
            wait_timeout: config.wait_timeout,
            connect_timeout: config.connect_timeout,
            call_timeout: config.call_timeout,
        }
    }

    /// Why there is no connection.
    pub(crate) fn connecting(&self, error: &tokio_postgres::Error) -> StoreError {
        let endpoint = &self.endpoint;
        if let Some(said) = error.as_db_error() {
            return self.rejected(said);
        }
        let cause = error.source();
        let io = cause.and_then(|cause| cause.downcast_ref::<io::Error>());
        let tls = io
            .and_then(io::Error::get_ref)
            .and_then(<dyn std::error::Error + Send + Sync>::downcast_ref);
        match (io, tls, cause) {
            (_, Some(rustls::Error::InvalidCertificate(why)), _) => refused(format!(
                "the certificate of {endpoint} is not to be trusted ({why}): let the URL name the host as the certificate \
                 does, and trust its authority by sslrootcert=FILE"
            )),
            (Some(io), ..) => unavailable(format!("{endpoint} cannot be reached: {io}")),
            (_, _, Some(cause)) => self.not_begun(&cause.to_string()),
            _ => unavailable(format!("{endpoint} cannot be reached: {error}")),
        }
    }

    /// Maps what the driver itself finds in the way. It has no kinds for these, only texts.
    fn not_begun(&self, cause: &str) -> StoreError {
        let endpoint = &self.endpoint;
        match cause {
            "password missing" => unauthorized(format!(
                "{endpoint} asks for a password, and the URL has none"
            )),
            "server does not support TLS" => refused(format!(
                "{endpoint} offers no TLS: turn it on there (ssl = on), or say sslmode=disable in the URL where nobody can \
                 listen"
            )),
            _ => refused(format!("{endpoint}: {cause}")),
        }
    }

    /// The server has answered, and lets nobody in.
    fn rejected(&self, said: &DbError) -> StoreError {
        let (endpoint, message) = (&self.endpoint, said.message());
        let code = said.code();
        if [
            SqlState::INVALID_PASSWORD,
            SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
            SqlState::INSUFFICIENT_PRIVILEGE,
        ]
        .contains(code)
        {
            return unauthorized(format!(
                "{endpoint}: {message}; check user and password, and pg_hba.conf of the server"
            ));
        }
        if *code == SqlState::INVALID_CATALOG_NAME {
            return refused(format!(
                "{endpoint}: {message}; create it (createdb), or name another"
            ));
        }
        // Resources, operator intervention (starting up, shutting down), system and connection.
        let passing = ["53", "57", "58", "08"];
        if passing.iter().any(|class| code.code().starts_with(class)) {
            return unavailable(format!("{endpoint}: {message}"));
        }
        refused(format!("{endpoint}: {message}"))
    }

    /// The error of a statement. The server's texts name tables and columns; only its details, left out here, quote
    /// values.
    pub(crate) fn statement(&self, error: &Error) -> StoreError {
        let endpoint = &self.endpoint;
        match error {
            Error::DatabaseError(Kind::ReadOnlyTransaction, _) => unavailable(format!(
                "{endpoint} takes no writes: it is a replica, or set to read only; let the URL name the primary, or all hosts \
                 that may be it"
            )),
            Error::DatabaseError(Kind::SerializationFailure | Kind::Unknown, said) => {
                unavailable(format!("{endpoint}: {}", with_hint(&**said)))
            }
            Error::DatabaseError(Kind::UnableToSendCommand | Kind::ClosedConnection, said) => {
                unavailable(format!(
                    "{endpoint}: lost the connection: {}",
                    said.message()
                ))
            }
            Error::DatabaseError(_, said) => refused(format!("{endpoint}: {}", with_hint(&**said))),
            Error::DeserializationError(what) => StoreError::Corrupt {
                reason: format!("{endpoint}: a column is not what it should be: {what}"),
            },
            other => unavailable(format!("{endpoint}: {other}")),
        }
    }

    pub(crate) fn exhausted(&self) -> StoreError {
        unavailable(format!(
            "{}: all {} connections were in use for {:?}: the database is slow, or the pool too small",
            self.endpoint, self.pool_size, self.wait_timeout
        ))
    }

    pub(crate) fn silent(&self) -> StoreError {
        unavailable(format!(
            "{} did not let this program in within {:?}",
            self.endpoint, self.connect_timeout
        ))
    }

    pub(crate) fn too_slow(&self) -> StoreError {
        unavailable(format!(
            "{} did not answer within {:?}",
            self.endpoint, self.call_timeout
        ))
    }
}

/// Whether the same may go well when it is done again at once: nothing of it is left, or it makes no difference.
///
/// diesel tells few kinds of errors apart; a deadlock is among the unknown ones, as is what ends a connection.
pub(crate) fn may_pass(error: &Error) -> bool {
    let again = matches!(
        error,
        Error::DatabaseError(Kind::SerializationFailure | Kind::Unknown, _)
            | Error::RollbackErrorOnCommit { .. }
            | Error::BrokenTransactionManager
    );
    again || is_stale(error)
}

/// Whether the connection is of another time: its server is gone, or has become a replica.
pub(crate) fn is_stale(error: &Error) -> bool {
    matches!(
        error,
        Error::DatabaseError(
            Kind::UnableToSendCommand | Kind::ClosedConnection | Kind::ReadOnlyTransaction,
            _
        )
    )
}

/// Whether the server has answered with an error of which diesel does not tell the kind.
pub(crate) fn is_unknown(error: &Error) -> bool {
    matches!(error, Error::DatabaseError(Kind::Unknown, _))
}

fn with_hint(said: &(dyn DatabaseErrorInformation + Send + Sync)) -> String {
    let hint = said.hint().map(|hint| format!(" ({hint})"));
    format!("{}{}", said.message(), hint.unwrap_or_default())
}

pub(crate) fn unavailable(reason: impl Into<String>) -> StoreError {
    StoreError::Unavailable {
        reason: reason.into(),
    }
}

fn unauthorized(reason: String) -> StoreError {
    StoreError::Unauthorized { reason }
}

pub(crate) fn refused(reason: impl Into<String>) -> StoreError {
    StoreError::Refused {
        reason: reason.into(),
    }
}

pub(crate) fn wrong_version(reason: impl Into<String>) -> StoreError {
    StoreError::WrongVersion {
        reason: reason.into(),
    }
}
