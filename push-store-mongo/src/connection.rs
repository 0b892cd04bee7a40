//! The connection to a deployment: how it is asked, how long it is waited for, and whether it was found fit yet.

use crate::MongoConfig;
use crate::error::{Explain, refused};
use crate::schema::{self, Facts, LEASE, REGISTRATION};
use mongodb::bson::{Document, RawDocumentBuf, doc};
use mongodb::error::{Error, ErrorKind};
use mongodb::options::{
    ClientOptions, ReadConcern, ReadPreference, SelectionCriteria, WriteConcern,
};
use mongodb::{Client, Collection, Database};
use push_core::store::StoreError;
use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::OnceCell;
use tokio::time::timeout;

/// After so long without use a connection is replaced: firewalls forget idle ones silently.
const IDLE: Duration = Duration::from_secs(60);

/// A deployment, asked by everybody who has the store.
pub(crate) struct Server {
    pub(crate) client: Client,
    pub(crate) database: Database,
    /// Raw, so that one document that cannot be read harms no other.
    pub(crate) registrations: Collection<RawDocumentBuf>,
    pub(crate) leases: Collection<Document>,
    pub(crate) explain: Explain,
    pub(crate) call_timeout: Duration,
    auto_migrate: bool,
    facts: OnceCell<Facts>,
    /// When the last attempt at `facts` failed, and why.
    failed: Mutex<Option<(Instant, StoreError)>>,
}

impl Server {
    pub(crate) async fn new(config: MongoConfig) -> Result<Self, StoreError> {
        let mut options = ClientOptions::parse(&config.uri)
            .await
            .map_err(|error| unusable(&error))?;
        let name = options.default_database.clone().ok_or_else(|| {
            refused(
                "the URI names no database: put it behind the hosts, mongodb://HOST:PORT/DATABASE",
            )
        })?;
        set(&mut options, &config);
        let explain = Explain::new(&options, &name, config.call_timeout);
        let client = Client::with_options(options).map_err(|error| explain.error(&error))?;
        let database = client.database(&name);
        Ok(Self {
            registrations: database.collection(REGISTRATION),
            leases: database.collection(LEASE),
            client,
            database,
            explain,
            call_timeout: config.call_timeout,
            auto_migrate: config.auto_migrate,
            facts: OnceCell::new(),
            failed: Mutex::new(None),
        })
    }

    /// Asks once the server was found fit, and for so long as a call may take.
    pub(crate) async fn call<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let answer = timeout(self.call_timeout, async {
            self.ready().await?;
            work.await
        });
        answer
            .await
            .unwrap_or_else(|_| Err(self.explain.too_late()))
    }

    /// Finds out whether the server and what is stored there can be used; what was found once is remembered.
    ///
    /// Of those who ask at the same time one does it, and its failure is everybody's: a hundred calls to a server that is
    /// away are answered after one selection timeout, not after a hundred.
    pub(crate) async fn ready(&self) -> Result<&Facts, StoreError> {
        let asked = Instant::now();
        let attempt = self.facts.get_or_try_init(async || {
            if let Some((when, error)) = &*self.failed()
                && *when >= asked
            {
                return Err(error.clone());
            }
            let found = schema::check(self, self.auto_migrate).await;
            found.inspect_err(|error| *self.failed() = Some((Instant::now(), error.clone())))
        });
        attempt.await
    }

    /// As it was found to be; a call is only made once that is known.
    pub(crate) fn has_transactions(&self) -> bool {
        self.facts.get().is_some_and(|facts| facts.transactions)
    }

    pub(crate) fn explain(&self, error: &Error) -> StoreError {
        self.explain.error(error)
    }

    /// As the driver's own writes have it, for commands that are written out.
    pub(crate) fn write_concern(&self) -> Document {
        doc! { "w": "majority", "j": true, "wtimeout": self.millis() }
    }

    /// How long a call takes, as commands want it.
    pub(crate) fn millis(&self) -> i64 {
        i64::try_from(self.call_timeout.as_millis()).unwrap_or(i64::MAX)
    }

    fn failed(&self) -> std::sync::MutexGuard<'_, Option<(Instant, StoreError)>> {
        // A panic elsewhere leaves it whole: it is only ever replaced.
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is not up to the URI: a lost write would be a lost registration.
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
    // What was acknowledged to this instance or another is seen, and nothing that may yet be undone.
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
