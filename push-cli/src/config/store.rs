//! `[store]` and `[lease]`: where registrations are, and who may use them.

use super::encryption::{Encryption, encryption};
use super::reader::Reader;
use super::sections::set;
use crate::compose;
use push_core::StoreTimeouts;
use std::path::PathBuf;
use std::time::Duration;

/// How long a lease lasts, unless something else is configured.
const LEASE: Duration = Duration::from_secs(10);
/// Shorter ones would be lost by a busy moment of the database.
const SHORTEST_LEASE: Duration = Duration::from_secs(1);

/// Which store, and where.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct StoreSettings {
    /// One of the names of [`crate::compose::BACKENDS`].
    pub(crate) backend: String,
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

impl std::fmt::Debug for StoreSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreSettings")
            .field("backend", &self.backend)
            .finish_non_exhaustive()
    }
}

pub(super) fn store(reader: &mut Reader<'_>, timeouts: StoreTimeouts) -> Option<StoreSettings> {
    let backend = reader
        .string("store.backend")
        .unwrap_or_else(|| "sqlite".to_owned());
    let url = reader.secret("store.url");
    let url = if backend == "memory" {
        Some(url.unwrap_or_default())
    } else {
        reader.required("store.url", url)
    };
    let auto_migrate = reader.boolean("store.auto_migrate").unwrap_or(true);
    let pool = pool(reader, &timeouts);
    let encryption = encryption(reader);
    if !compose::BACKENDS.contains(&backend.as_str()) {
        let known = compose::BACKENDS.join(", ");
        reader.problem(
            "store.backend",
            format!("{backend:?} is not built into this program, which has: {known}"),
        );
    }
    let url = url?;
    if let Some(needed) = wrong_url(&backend, &url) {
        reader.problem(
            "store.url",
            format!("is not {needed}, as the backend {backend:?} needs it"),
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

/// What the backend needs in place of this URL.
fn wrong_url(backend: &str, url: &str) -> Option<&'static str> {
    let begins = |schemes: &[&str]| schemes.iter().any(|scheme| url.starts_with(scheme));
    let (is_right, needed) = match backend {
        "postgres" => (begins(&["postgres://", "postgresql://"]), "postgres://…"),
        "mongo" => (begins(&["mongodb://", "mongodb+srv://"]), "mongodb://…"),
        _ => (!url.contains("://"), "a file"),
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

/// How long the lease lasts that an instance needs; `None` when it needs none.
pub(super) fn lease(reader: &mut Reader<'_>, store: Option<&StoreSettings>) -> Option<Duration> {
    let wanted = reader.boolean("lease.enabled").unwrap_or(false);
    let duration = reader.duration("lease.duration").unwrap_or(LEASE);
    if duration < SHORTEST_LEASE {
        reader.problem("lease.duration", "may be no less than 1s");
    }
    if wanted && store.is_some_and(|store| store.backend == "memory") {
        let reason = "has no meaning with the backend \"memory\", which no other instance sees";
        reader.problem("lease.enabled", reason);
    }
    wanted.then_some(duration)
}
