//! One database of a server, as clients and operators see it.

use std::sync::Arc;
use std::thread;

use mongodb::Client;
use push_core::store::RegistrationStore;
use push_store_mongo::MongoConfig;

use super::uri::Uri;
use crate::server::{Context as _, Result};

/// A database. In a server that the tests have started, it lasts as long as that; in another, as long as this.
#[derive(Debug, Clone)]
pub struct Database {
    name: String,
    /// Where clients connect; the operator always connects to the server itself.
    uri: Uri,
    server: Uri,
    _guest: Option<Arc<Guest>>,
}

impl Database {
    pub(super) fn new(name: String, server: Uri) -> Self {
        Self {
            name,
            uri: server.clone(),
            server,
            _guest: None,
        }
    }

    /// One in a server that others use, too.
    pub(super) fn guest(name: String, server: Uri) -> Self {
        let guest = Guest {
            url: server.with(&name),
        };
        Self {
            _guest: Some(Arc::new(guest)),
            ..Self::new(name, server)
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its connection string, with all that is needed to get in: the password, and whom to trust.
    #[must_use]
    pub fn url(&self) -> String {
        self.uri.with(&self.name)
    }

    /// The service's section `[store]` for it.
    #[must_use]
    pub fn section(&self) -> String {
        format!("backend = \"mongo\"\nurl = {:?}", self.url())
    }

    /// A store in it, as another instance has it.
    ///
    /// # Errors
    /// The server does not run, or refuses.
    pub async fn store(&self) -> Result<Arc<dyn RegistrationStore>> {
        let store = push_store_mongo::open(MongoConfig::new(self.url())).await;
        Ok(Arc::new(store.context("another instance")?))
    }

    /// The same database by way of another port of the same host, such as a proxy's.
    #[must_use]
    pub fn at(&self, port: u16) -> Self {
        Self {
            uri: self.uri.at(port),
            ..self.clone()
        }
    }

    /// A connection of an operator, who looks at documents and changes them. It lives in the runtime of the caller.
    ///
    /// # Errors
    /// The connection string is wrong; a server that does not run is told by the first operation.
    pub async fn connect(&self) -> Result<mongodb::Database> {
        let client = Client::with_uri_str(self.server.with(&self.name))
            .await
            .context("the operator's connection")?;
        Ok(client.database(&self.name))
    }
}

/// Drops the database, in a runtime of its own: that of the test may be ending.
#[derive(Debug)]
struct Guest {
    url: String,
}

impl Drop for Guest {
    fn drop(&mut self) {
        let url = std::mem::take(&mut self.url);
        let clean = move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(async {
                let client = Client::with_uri_str(url).await?;
                match client.default_database() {
                    Some(database) => database.drop().await,
                    None => Ok(()),
                }
            })
        };
        // A server that is gone keeps the database; its name tells where it is from.
        drop(thread::spawn(clean).join());
    }
}
