//! Callers in each other's way.

use super::{connect, store};
use push_core::store::{Change, RegistrationStore};
use push_tests::store::{enable, registration, remove, settle, status, target};
use std::sync::Arc;

/// Two instances, the same owners, in opposite orders, several statements in each transaction.
#[tokio::test(flavor = "multi_thread")]
async fn commits_in_opposite_orders_all_come_through() {
    let (database, one) = store().await;
    let stores = [Arc::new(one), Arc::new(connect(&database).await)];
    let calls: Vec<_> = (0..12)
        .map(|caller: u64| {
            let store = Arc::clone(&stores[(caller % 2) as usize]);
            tokio::spawn(async move {
                for turn in 0..8 {
                    let changes = changes(caller, turn);
                    store.commit(&changes).await.unwrap();
                }
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
}

fn changes(caller: u64, turn: u64) -> Vec<Change> {
    let node = target("push.example.net", "n");
    let mut owners: Vec<_> = (0..20).map(|n| format!("u{n}@example.org")).collect();
    if caller.is_multiple_of(2) {
        owners.reverse();
    }
    let change = |(index, owner): (u64, &String)| {
        let revision = turn * 100 + caller;
        match (index + caller) % 3 {
            0 => enable(owner, &registration("push.example.net", "n", revision)),
            1 => settle(owner, &node, revision, status(7)),
            _ => remove(owner, &node),
        }
    };
    // Each owner twice: the second time in another wave, when all are locked by somebody already.
    let twice = owners.iter().chain(owners.iter().rev());
    (0..).zip(twice).map(change).collect()
}
