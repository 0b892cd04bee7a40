//! The collections, and of which version they are.
//!
//! | Collection | Document |
//! |---|---|
//! | `registration` | one registration |
//! | `lease` | one lease: `_id` is its name |
//! | `schema` | of `_id` "xmpp-push": the version |

use crate::connection::Connection;
use crate::error::{ErrorMapper, wrong_version};
use mongodb::bson::{Document, doc};
use mongodb::error::Result;
use push_core::store::StoreError;

pub(crate) const SCHEMA: &str = "schema";

/// The document in `schema`: how this program's databases are told from others.
pub(crate) const OURS: &str = "xmpp-push";

/// The version this program writes.
pub(crate) const NEWEST: i32 = 2;

/// MongoDB 5.0: the oldest that hosters still run.
const OLDEST_WIRE: i32 = 13;

/// The facts about a server that can be used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    /// Whether it has transactions: every replica set, were it of one member, and every sharded cluster.
    pub(crate) transactions: bool,
}

/// A database, as it was found.
pub(crate) struct Schema {
    pub(crate) facts: Facts,
    /// 0 of one that had nothing of this program.
    pub(crate) version: i32,
}

/// Looks, and changes nothing.
pub(crate) async fn look(connection: &Connection) -> std::result::Result<Schema, StoreError> {
    let facts = greet(connection).await?;
    let version = version(connection).await;
    let version = version.map_err(|error| connection.errors.connecting(&error))?;
    Ok(Schema { facts, version })
}

impl Schema {
    /// Whether the collections are to be migrated before they can be used.
    pub(crate) fn is_old(&self) -> bool {
        self.version < NEWEST
    }

    /// Whether this program can use it as it is.
    pub(crate) fn usable(&self, errors: &ErrorMapper) -> std::result::Result<(), StoreError> {
        self.known(errors)?;
        if self.is_old() {
            return Err(wrong_version(errors.here(&format!(
                "it is of version {}, this program needs {NEWEST}: run xmpp-push migrate",
                self.version
            ))));
        }
        Ok(())
    }

    /// Whether no later program has made it.
    pub(crate) fn known(&self, errors: &ErrorMapper) -> std::result::Result<(), StoreError> {
        if self.version > NEWEST {
            return Err(wrong_version(errors.here(&format!(
                "it is of version {}, this program knows up to {NEWEST}: run the later program, or restore a backup of \
                 the earlier version",
                self.version
            ))));
        }
        Ok(())
    }
}

async fn greet(connection: &Connection) -> std::result::Result<Facts, StoreError> {
    let hello = connection.database.run_command(doc! { "hello": 1 }).await;
    let hello = hello.map_err(|error| connection.errors.connecting(&error))?;
    if hello.get_i32("maxWireVersion").unwrap_or_default() < OLDEST_WIRE {
        return Err(wrong_version(
            connection
                .errors
                .here("the server is too old: MongoDB 5.0 or later is needed"),
        ));
    }
    // A mongos says "isdbgrid".
    let transactions = hello.contains_key("setName") || hello.contains_key("msg");
    Ok(Facts { transactions })
}

/// The version of what is stored; 0 of nothing.
async fn version(connection: &Connection) -> Result<i32> {
    let schema = connection.database.collection::<Document>(SCHEMA);
    let found = schema.find_one(doc! { "_id": OURS }).await?;
    Ok(found.map_or(0, |found| found.get_i32("version").unwrap_or(i32::MAX)))
}
