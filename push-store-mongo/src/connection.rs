//! The connection to a deployment, and how it is set up.

use crate::MongoConfig;
use crate::error::{ErrorMapper, refused};
use mongodb::bson::{Document, RawDocumentBuf, doc};
use mongodb::error::{Error, ErrorKind};
use mongodb::options::{
    ClientOptions, ReadConcern, ReadPreference, SelectionCriteria, WriteConcern,
};
use mongodb::{Client, Collection, Cursor, Database};
use push_core::store::StoreError;
use std::time::Duration;

pub(crate) const REGISTRATION: &str = "registration";
pub(crate) const LEASE: &str = "lease";

/// After so long without use a connection is replaced: firewalls forget idle ones silently.
const IDLE: Duration = Duration::from_secs(60);

/// A deployment, asked by everybody who has the store.
pub(crate) struct Connection {
    pub(crate) client: Client,
    pub(crate) database: Database,
    /// Raw, so that one document that cannot be read harms no other.
    pub(crate) registrations: Collection<RawDocumentBuf>,
    pub(crate) leases: Collection<Document>,
    pub(crate) errors: ErrorMapper,
    pub(crate) call_timeout: Duration,
    /// Of one command that writes.
    pub(crate) statement_timeout: Duration,
}

impl Connection {
    pub(crate) async fn new(config: &MongoConfig) -> Result<Self, StoreError> {
        let mut options = ClientOptions::parse(&config.uri)
            .await
            .map_err(|error| unusable(&error))?;
        let name = options.default_database.clone().ok_or_else(|| {
            refused(
                "the URI names no database: put it behind the hosts, mongodb://HOST:PORT/DATABASE",
            )
        })?;
        set(&mut options, config);
        let errors = ErrorMapper::new(&options, &name, config.call_timeout);
        let client = Client::with_options(options).map_err(|error| errors.error(&error))?;
        let database = client.database(&name);
        Ok(Self {
            registrations: database.collection(REGISTRATION),
            leases: database.collection(LEASE),
            client,
            database,
            errors,
            call_timeout: config.call_timeout,
            statement_timeout: config.statement_timeout,
        })
    }

    /// Finds registrations in key order, which is the order of the index: texts compare as bytes where no collation says
    /// otherwise. The server sends `at_a_time` documents at a time.
    pub(crate) async fn find(
        &self,
        filter: Document,
        at_a_time: u32,
    ) -> mongodb::error::Result<Cursor<RawDocumentBuf>> {
        self.registrations
            .find(filter)
            .sort(doc! { "owner": 1, "service": 1, "node": 1 })
            .batch_size(at_a_time)
            .max_time(self.call_timeout)
            .await
    }

    pub(crate) fn error(&self, error: &Error) -> StoreError {
        self.errors.error(error)
    }
}

/// Sets what is not up to the URI: a lost write would be a lost registration.
fn set(options: &mut ClientOptions, config: &MongoConfig) {
    options
        .app_name
        .get_or_insert_with(|| "xmpp-push".to_owned());
    options.max_idle_time.get_or_insert(IDLE);
    options.max_pool_size = Some(config.pool_size);
    options.server_selection_timeout = Some(config.selection_timeout);
    options.connect_timeout = Some(config.connect_timeout);
    options.retry_reads = Some(true);
    options.retry_writes = Some(true);
    options.selection_criteria = Some(SelectionCriteria::ReadPreference(ReadPreference::Primary));
    // Reads see all that was acknowledged to any instance, and nothing that may yet be undone.
    options.read_concern = Some(ReadConcern::majority());
    options.write_concern = Some(
        WriteConcern::builder()
            .w(mongodb::options::Acknowledgment::Majority)
            .journal(true)
            .w_timeout(config.call_timeout)
            .build(),
    );
}

/// The driver's text may quote the URI, hence the password.
fn unusable(error: &Error) -> StoreError {
    match *error.kind {
        ErrorKind::DnsResolve { .. } | ErrorKind::Io(_) => StoreError::Unavailable {
            reason:
                "the mongodb+srv URI cannot be resolved; look at its host and at the name servers"
                    .to_owned(),
        },
        _ => refused(
            "the URI cannot be used; it must be mongodb://USER:PASSWORD@HOST:PORT/DATABASE?OPTIONS, with :/?#[]@% in user \
             and password percent-encoded, known options, and files that exist",
        ),
    }
}
