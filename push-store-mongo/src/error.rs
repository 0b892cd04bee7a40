//! Errors of the driver and the server, in words that tell an operator what to do.
//!
//! The server's own messages are never passed on: they quote commands, hence owners and nodes. Its codes and their names
//! say as much.

use mongodb::error::{Error, ErrorKind, WriteFailure};
use mongodb::options::ClientOptions;
use push_core::store::StoreError;
use std::time::Duration;

/// Two documents of one key.
pub(crate) const DUPLICATE_KEY: i32 = 11000;
/// Not logged in, or not allowed to.
const UNAUTHORIZED: i32 = 13;
/// Wrong name or password.
const AUTHENTICATION_FAILED: i32 = 18;
/// The same, said by Atlas.
const ATLAS: i32 = 8000;
const COMMAND_NOT_FOUND: i32 = 59;
const DOCUMENT_VALIDATION_FAILURE: i32 = 121;

/// The server is not, or no longer, the primary: it did not do it, and the new one can be asked at once.
const PRIMARY_GONE: [i32; 8] = [91, 189, 10058, 10107, 11600, 11602, 13435, 13436];

/// Passes: out of time, interrupted, in conflict, or something between the servers. The numbers are those of MongoDB's
/// `error_codes.yml`.
const PASSING: [i32; 26] = [
    6, 7, 24, 43, 46, 50, 63, 64, 89, 100, 112, 133, 134, 150, 175, 202, 225, 237, 251, 262, 290,
    9001, 11601, 13388, 14031, 17280,
];

/// How rustls begins when it refuses a certificate.
const UNTRUSTED: &str = "invalid peer certificate";

/// Turns errors of one deployment into the store's.
#[derive(Clone, Debug)]
pub(crate) struct ErrorMapper {
    /// Hosts and database: all of the URI that may be shown.
    endpoint: String,
    call_timeout: Duration,
}

impl ErrorMapper {
    pub(crate) fn new(options: &ClientOptions, database: &str, call_timeout: Duration) -> Self {
        let hosts: Vec<_> = options.hosts.iter().map(ToString::to_string).collect();
        Self {
            endpoint: format!("MongoDB at {}, database {database}", hosts.join(",")),
            call_timeout,
        }
    }

    pub(crate) fn error(&self, error: &Error) -> StoreError {
        let endpoint = &self.endpoint;
        match error.kind.as_ref() {
            ErrorKind::Authentication { .. } => self.unauthorized(),
            ErrorKind::ServerSelection { message, .. } if message.contains(UNTRUSTED) => {
                refused(format!(
                    "{endpoint}: the server's certificate is not trusted, or for another name: name its authority with \
                     tlsCAFile, and the hosts as the certificate does: {}",
                    plain(message)
                ))
            }
            ErrorKind::ServerSelection { message, .. } => {
                unavailable(format!("{endpoint}: {}", plain(message)))
            }
            ErrorKind::Io(error) => unavailable(format!("{endpoint}: {error}")),
            ErrorKind::ConnectionPoolCleared { .. } | ErrorKind::Shutdown => {
                unavailable(format!("{endpoint}: the connection was lost"))
            }
            ErrorKind::DnsResolve { .. } => unavailable(format!(
                "{endpoint}: its name cannot be resolved; look at the name servers"
            )),
            ErrorKind::IncompatibleServer { .. } => wrong_version(format!(
                "{endpoint}: the server is of a version that this program cannot talk to; it needs MongoDB 5.0 or later"
            )),
            ErrorKind::InvalidTlsConfig { .. } => refused(format!(
                "{endpoint}: the certificates named in the URI cannot be used"
            )),
            ErrorKind::Write(WriteFailure::WriteConcernError(error)) => {
                self.not_acknowledged(error.code, &error.code_name)
            }
            kind => match code(kind) {
                Some((code, name)) => self.code(code, name),
                None if error.contains_label(mongodb::error::TRANSIENT_TRANSACTION_ERROR) => {
                    unavailable(format!("{endpoint}: a transaction did not come about"))
                }
                None => refused(format!("{endpoint}: the driver refused the request")),
            },
        }
    }

    /// The same while connecting, when a missing right keeps the program out altogether.
    pub(crate) fn connecting(&self, error: &Error) -> StoreError {
        match code(&error.kind) {
            Some((UNAUTHORIZED, _)) => self.unauthorized(),
            _ => self.error(error),
        }
    }

    pub(crate) fn code(&self, code: i32, name: &str) -> StoreError {
        let endpoint = &self.endpoint;
        let what = format!("{endpoint}: code {code} {name}");
        match code {
            AUTHENTICATION_FAILED | ATLAS => self.unauthorized(),
            UNAUTHORIZED => refused(format!(
                "{endpoint}: the user lacks a right; grant it readWrite on that database"
            )),
            COMMAND_NOT_FOUND => wrong_version(format!(
                "{endpoint}: the server lacks a command; MongoDB 5.0 or later is needed"
            )),
            DOCUMENT_VALIDATION_FAILURE => refused(format!(
                "{endpoint}: the collection's validator does not let a document in; was it changed?"
            )),
            code if PRIMARY_GONE.contains(&code) || PASSING.contains(&code) => {
                unavailable(what.trim_end())
            }
            _ => refused(what.trim_end()),
        }
    }

    /// It was written, and may be undone.
    pub(crate) fn not_acknowledged(&self, code: i32, name: &str) -> StoreError {
        unavailable(format!(
            "{}: a majority of the replica set has not acknowledged the write, code {code} {name}",
            self.endpoint
        ))
    }

    pub(crate) fn too_late(&self) -> StoreError {
        unavailable(format!(
            "{} did not answer within {:?}: it hangs or is overloaded, or all connections are in use",
            self.endpoint, self.call_timeout
        ))
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// An error of this store's own.
    pub(crate) fn here(&self, what: &str) -> String {
        format!("{}: {what}", self.endpoint)
    }

    fn unauthorized(&self) -> StoreError {
        StoreError::Unauthorized {
            reason: format!(
                "{}: check user, password and authSource in the URI, and that the user has readWrite on that database",
                self.endpoint
            ),
        }
    }
}

/// The driver's description of a topology, which has the hosts and why each cannot be used, without the driver's own
/// notes.
fn plain(topology: &str) -> String {
    let mut parts = topology.split(", labels: {");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push_str(part.find(" }").map_or("", |end| &part[end..]));
    }
    plain
}

/// Whether the same command can be sent again at once, if doing it twice does no harm.
pub(crate) fn is_worth_repeating(error: &Error) -> bool {
    match error.kind.as_ref() {
        ErrorKind::Io(_) | ErrorKind::ConnectionPoolCleared { .. } => true,
        kind => code(kind).is_some_and(|(code, _)| PRIMARY_GONE.contains(&code)),
    }
}

/// Whether the server answered with this code.
pub(crate) fn is(error: &Error, wanted: i32) -> bool {
    code(&error.kind).is_some_and(|(code, _)| code == wanted)
}

fn code(kind: &ErrorKind) -> Option<(i32, &str)> {
    match kind {
        ErrorKind::Command(error) => Some((error.code, &error.code_name)),
        ErrorKind::Write(WriteFailure::WriteError(error)) => {
            Some((error.code, error.code_name.as_deref().unwrap_or_default()))
        }
        _ => None,
    }
}

pub(crate) fn unavailable(reason: impl Into<String>) -> StoreError {
    StoreError::Unavailable {
        reason: reason.into(),
    }
}

pub(crate) fn wrong_version(reason: impl Into<String>) -> StoreError {
    StoreError::WrongVersion {
        reason: reason.into(),
    }
}

pub(crate) fn refused(reason: impl Into<String>) -> StoreError {
    StoreError::Refused {
        reason: reason.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors() -> ErrorMapper {
        let options = ClientOptions::builder().build();
        ErrorMapper::new(&options, "push", Duration::from_secs(9))
    }

    #[test]
    fn what_passes_is_told_from_what_does_not() {
        let errors = errors();
        for code in PRIMARY_GONE.into_iter().chain(PASSING) {
            let error = errors.code(code, "");
            assert!(matches!(error, StoreError::Unavailable { .. }), "{code}");
        }
        for (code, kind) in [
            (18, "denies"),
            (8000, "denies"),
            (13, "refused"),
            (59, "version"),
            (121, "refused"),
        ] {
            let error = errors.code(code, "").to_string();
            assert!(
                error.contains(kind) && error.contains("database push"),
                "{error}"
            );
        }
        assert!(matches!(
            errors.code(2, "BadValue"),
            StoreError::Refused { .. }
        ));
    }

    #[test]
    fn why_no_server_can_be_used_is_said_in_short() {
        let driver = "No available servers. Topology: { Type: Single, Servers: [ { Address: h:1, Type: Unknown, Error: \
                      Kind: I/O error: refused, labels: {\"A\", \"B\"}, source: None, server response: None }, \
                      { Address: i:2, Type: Unknown } ] }";
        assert_eq!(
            plain(driver),
            "No available servers. Topology: { Type: Single, Servers: [ { Address: h:1, Type: Unknown, Error: Kind: I/O \
             error: refused }, { Address: i:2, Type: Unknown } ] }"
        );
        assert_eq!(plain("no topology"), "no topology");
    }
}
