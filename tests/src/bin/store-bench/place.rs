//! Where the stores of a backend are.

use crate::Result;
use push_core::store::RegistrationStore;
use push_store_sqlite::SqliteConfig;
use push_tests::database::{mongo, postgres};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

pub(crate) type Store = Arc<dyn RegistrationStore>;

/// A folder, or a server.
pub(crate) enum Place {
    Folder(TempDir),
    Postgres(Box<postgres::Cluster>),
    /// On the server of `MONGO_URI`, or one that is started; the databases go when this value does.
    Mongo(Mutex<Vec<mongo::Database>>),
}

impl Place {
    pub(crate) async fn prepare(backend: &str) -> Result<Self> {
        match backend {
            "sqlite" => Ok(Self::Folder(tempfile::tempdir()?)),
            "postgres" => Ok(Self::Postgres(Box::new(postgres::Cluster::own().await?))),
            "mongo" => Ok(Self::Mongo(Mutex::default())),
            other => Err(format!("{other:?} is no backend of this bench").into()),
        }
    }

    /// A store nobody else uses.
    pub(crate) async fn store(&self, size: u64) -> Result<(String, Store)> {
        let url = match self {
            Self::Folder(folder) => folder
                .path()
                .join(format!("{size}.db"))
                .display()
                .to_string(),
            Self::Postgres(cluster) => cluster.fresh_database().await?.url(),
            Self::Mongo(kept) => {
                let database = mongo::fresh_database().await?;
                let url = database.url();
                kept.lock().map_err(|_| "poisoned")?.push(database);
                url
            }
        };
        Ok((url.clone(), self.open(&url).await?))
    }

    /// One that is there already.
    pub(crate) async fn open(&self, url: &str) -> Result<Store> {
        Ok(match self {
            Self::Folder(_) => Arc::new(push_store_sqlite::open(SqliteConfig::new(url))?),
            Self::Postgres(_) => {
                let config = push_store_postgres::PostgresConfig::new(url);
                Arc::new(push_store_postgres::open(&config).await?)
            }
            Self::Mongo(_) => {
                let config = push_store_mongo::MongoConfig::new(url);
                Arc::new(push_store_mongo::open(config).await?)
            }
        })
    }
}
