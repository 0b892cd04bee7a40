//! Calls that share a transaction do not share their fate.

use super::{path, shell};
use push_core::store::{Committed, RegistrationStore, StoreError};
use push_store_sqlite::{SqliteConfig, open};
use push_tests::store::{enable, registration, registrations};
use std::sync::Arc;
use std::time::Duration;

const BAD: &str = "bad@example.org";

/// `way`: ABORT undoes the statement, ROLLBACK the transaction with all that is in it.
async fn one_call_fails(way: &str) {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(SqliteConfig::new(path(&folder))).unwrap());
    let shell = shell(&folder);
    shell
        .execute_batch(&format!(
            "CREATE TRIGGER no BEFORE INSERT ON registration WHEN NEW.owner = '{BAD}'
             BEGIN SELECT RAISE({way}, 'no'); END;
             BEGIN IMMEDIATE"
        ))
        .unwrap();
    // While the lock is held they queue up, to share the transaction after it.
    let owners = [
        "a@example.org",
        "b@example.org",
        BAD,
        "c@example.org",
        "d@example.org",
    ];
    let calls = owners.map(|owner| {
        let store = Arc::clone(&store);
        let changes = [1, 2].map(|n| enable(owner, &registration("push.example.net", "n", n)));
        tokio::spawn(async move { store.commit(&changes).await })
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    shell.execute_batch("ROLLBACK").unwrap();

    for (owner, call) in owners.iter().zip(calls) {
        let outcome = call.await.unwrap();
        let left = registrations(&*store, owner).await;
        if *owner == BAD {
            assert!(
                matches!(outcome, Err(StoreError::Refused { .. })),
                "{outcome:?}"
            );
            assert_eq!(left, []);
        } else {
            assert_eq!(outcome.unwrap(), [Committed::Enabled; 2]);
            assert_eq!(left, [registration("push.example.net", "n", 2)]);
        }
    }
}

#[tokio::test]
async fn a_statement_that_fails_takes_no_other_call_with_it() {
    one_call_fails("ABORT").await;
}

#[tokio::test]
async fn a_transaction_that_fails_is_done_again_without_the_culprit() {
    one_call_fails("ROLLBACK").await;
}
