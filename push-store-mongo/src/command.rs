//! Commands that write and are written out: the driver's own updates and deletes cannot be limited in time.

use crate::connection::{Connection, REGISTRATION};
use crate::error::{is_worth_repeating, unavailable};
use mongodb::bson::{self, Bson, Document, doc};
use push_core::store::StoreError;
use serde::Deserialize;
use std::time::Duration;

/// The answer to a command that writes.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Reply {
    /// How many documents were found.
    #[serde(default)]
    n: i64,
    #[serde(default)]
    pub(crate) write_errors: Vec<WriteError>,
    write_concern_error: Option<WriteConcernError>,
}

#[derive(Deserialize)]
pub(crate) struct WriteError {
    pub(crate) index: usize,
    pub(crate) code: i32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WriteConcernError {
    code: i32,
    #[serde(default)]
    code_name: String,
}

/// Runs a command that may be run twice. Acknowledged as the driver's own writes are, and over at the server in time.
///
/// # Errors
///
/// Those of the command as a whole; errors of single statements are in the reply.
pub(crate) async fn write(
    connection: &Connection,
    mut command: Document,
) -> Result<Reply, StoreError> {
    let acknowledged = millis(connection.call_timeout);
    let concern = doc! { "w": "majority", "j": true, "wtimeout": acknowledged };
    command.insert("writeConcern", concern);
    command.insert("maxTimeMS", millis(connection.statement_timeout));
    let reply = match connection.database.run_command(command.clone()).await {
        // The driver repeats only commands that it makes itself.
        Err(error) if is_worth_repeating(&error) => connection.database.run_command(command).await,
        reply => reply,
    };
    let reply = reply.map_err(|error| connection.error(&error))?;
    let reply: Reply = bson::from_bson(Bson::Document(reply)).map_err(|_| {
        let what = "the answer to a write cannot be read";
        unavailable(connection.errors.here(what))
    })?;
    match reply.write_concern_error {
        Some(error) => Err(connection
            .errors
            .not_acknowledged(error.code, &error.code_name)),
        None => Ok(reply),
    }
}

/// Deletes the registrations that `filter` finds, one after the other; returns how many.
pub(crate) async fn delete(
    connection: &Connection,
    filter: Document,
    hint: Option<&str>,
) -> Result<u64, StoreError> {
    let mut delete = doc! { "q": filter, "limit": 0 };
    if let Some(index) = hint {
        delete.insert("hint", index);
    }
    let command = doc! { "delete": REGISTRATION, "deletes": [delete] };
    let reply = write(connection, command).await?;
    match reply.write_errors.first() {
        Some(error) => Err(connection.errors.code(error.code, "")),
        None => Ok(reply.n.unsigned_abs()),
    }
}

/// A time-out as commands want it; never 0, which would be without bound.
fn millis(timeout: Duration) -> i64 {
    i64::try_from(timeout.as_millis())
        .unwrap_or(i64::MAX)
        .max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::DUPLICATE_KEY;

    #[test]
    fn the_answer_of_a_server_is_read() {
        let reply = doc! {
            "n": 1, "nModified": 1, "ok": 1.0,
            "writeErrors": [{ "index": 2, "code": 11000, "errmsg": "…", "keyValue": { "owner": "…" } }],
            "writeConcernError": { "code": 64, "codeName": "WriteConcernTimeout", "errmsg": "…" },
        };
        let reply: Reply = bson::from_bson(Bson::Document(reply)).unwrap();
        assert_eq!(
            (reply.write_errors[0].index, reply.write_errors[0].code),
            (2, DUPLICATE_KEY)
        );
        assert_eq!(reply.write_concern_error.unwrap().code, 64);
    }
}
