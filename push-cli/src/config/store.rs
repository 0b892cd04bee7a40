//! `[store]` and `[lease]`: where registrations are, and who may use them.

use super::encryption::{Encryption, encryption};
use super::reader::{Reader, set};
use push_core::StoreTimeouts;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// How long a lease lasts, unless something else is configured.
const LEASE: Duration = Duration::from_secs(10);
/// Shorter ones would be lost by a busy moment of the database.
const SHORTEST_LEASE: Duration = Duration::from_secs(1);

/// A kind of store, built in or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BackendKind {
    Sqlite,
    Postgres,
    Mongo,
    /// The store that forgets.
    Memory,
}

impl BackendKind {
    pub(super) const ALL: [Self; 4] = [Self::Sqlite, Self::Postgres, Self::Mongo, Self::Memory];

    /// Returns the name the configuration knows it by.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::Mongo => "mongo",
            Self::Memory => "memory",
        }
    }

    /// Whether several instances can use such a store at the same time.
    pub(crate) const fn is_shared(self) -> bool {
        matches!(self, Self::Postgres | Self::Mongo)
    }
}

impl fmt::Display for BackendKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which store, and where.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct StoreSettings {
    pub(crate) backend: BackendKind,
    /// File or URL; may hold a password.
    pub(crate) url: String,
    /// The url as a file, beside the configuration.
    pub(crate) path: PathBuf,
    /// Whether a database of an earlier version is brought up to date when it is opened.
    pub(crate) auto_migrate: bool,
    pub(crate) pool: PoolSettings,
    pub(crate) encryption: Encryption,
    pub(crate) timeouts: StoreTimeouts,
}

/// Connections to a database server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PoolSettings {
    /// How many there may be.
    pub(crate) size: usize,
    /// How long a question waits for one that is free.
    pub(crate) wait_timeout: Duration,
    /// How long a new one may take.
    pub(crate) connect_timeout: Duration,
}

impl StoreSettings {
    /// Returns the file whose lock says that an instance runs with this store; `None` where two may.
    pub(crate) fn lock_file(&self) -> Option<PathBuf> {
        let mut file = self.path.clone().into_os_string();
        file.push(".lock");
        (self.backend == BackendKind::Sqlite).then(|| file.into())
    }
}

impl fmt::Debug for StoreSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreSettings")
            .field("backend", &self.backend)
            .finish_non_exhaustive()
    }
}

pub(super) fn store(
    reader: &mut Reader<'_>,
    backends: &[BackendKind],
    timeouts: StoreTimeouts,
) -> Option<StoreSettings> {
    let backend = backend(reader, backends);
    let url = reader.secret("store.url");
    let url = if backend == Some(BackendKind::Memory) {
        Some(url.unwrap_or_default())
    } else {
        reader.required("store.url", url)
    };
    let auto_migrate = reader.boolean("store.auto_migrate").unwrap_or(true);
    let pool = pool(reader, &timeouts);
    let encryption = encryption(reader);
    let (backend, url) = (backend?, url?);
    if let Some(needed) = wrong_url(backend, &url) {
        reader.problem(
            "store.url",
            format!("is not {needed}, as the backend \"{backend}\" needs it"),
        );
    }
    let path = reader.beside(&url);
    Some(StoreSettings {
        backend,
        url,
        path,
        auto_migrate,
        pool,
        encryption,
        timeouts,
    })
}

/// Reads which of the stores that are built in is used.
fn backend(reader: &mut Reader<'_>, backends: &[BackendKind]) -> Option<BackendKind> {
    const PATH: &str = "store.backend";
    let name = reader
        .string(PATH)
        .unwrap_or_else(|| BackendKind::Sqlite.name().to_owned());
    let found = BackendKind::ALL
        .into_iter()
        .find(|backend| backend.name() == name && backends.contains(backend));
    if found.is_none() {
        let known: Vec<&str> = backends.iter().map(|backend| backend.name()).collect();
        let known = known.join(", ");
        let reason = format!("is not built into this program, which has: {known}");
        reader.problem(PATH, reason);
    }
    found
}

/// Returns what the backend needs in place of this URL.
fn wrong_url(backend: BackendKind, url: &str) -> Option<&'static str> {
    let begins = |schemes: &[&str]| schemes.iter().any(|scheme| url.starts_with(scheme));
    let (is_right, needed) = match backend {
        BackendKind::Postgres => (begins(&["postgres://", "postgresql://"]), "postgres://…"),
        BackendKind::Mongo => (begins(&["mongodb://", "mongodb+srv://"]), "mongodb://…"),
        BackendKind::Sqlite | BackendKind::Memory => (!url.contains("://"), "a file"),
    };
    (!is_right).then_some(needed)
}

fn pool(reader: &mut Reader<'_>, timeouts: &StoreTimeouts) -> PoolSettings {
    let mut pool = PoolSettings {
        size: 8,
        wait_timeout: timeouts.pool_wait(),
        connect_timeout: timeouts.connect(),
    };
    set(&mut pool.size, reader.count("store.pool.size"));
    set(
        &mut pool.wait_timeout,
        reader.duration("store.pool.wait_timeout"),
    );
    set(
        &mut pool.connect_timeout,
        reader.duration("store.pool.connect_timeout"),
    );
    pool
}

/// Reads how long the lease of an instance lasts; `None` when it needs none.
pub(super) fn lease(reader: &mut Reader<'_>, store: Option<&StoreSettings>) -> Option<Duration> {
    let wanted = reader.boolean("lease.enabled").unwrap_or(false);
    let duration = reader.duration("lease.duration").unwrap_or(LEASE);
    if duration < SHORTEST_LEASE {
        reader.problem("lease.duration", "may be no less than 1s");
    }
    if wanted && store.is_some_and(|store| store.backend == BackendKind::Memory) {
        let reason = "has no meaning with the backend \"memory\", which no other instance sees";
        reader.problem("lease.enabled", reason);
    }
    wanted.then_some(duration)
}
