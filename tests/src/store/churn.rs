//! A known course of changes, so that after a crash it can be told what must be there.

use super::{enable, jid, registration, remove};
use push_core::memory::MemoryStore;
use push_core::store::{Change, RegistrationStore};
use push_core::{Account, BareJid};

/// So many tasks change owners of their own, one change after the other.
pub const TASKS: u64 = 6;

const OWNERS: u64 = 5;

/// The `step`-th change of a task: mostly enables, of few keys so that many replace.
pub fn change(round: u64, task: u64, step: u64) -> Change {
    let owner = owner(round, task, step % OWNERS);
    let have = registration("push.example.net", &format!("n{}", step % 7), step);
    if step % 6 == 5 {
        remove(&owner, &have.target)
    } else {
        enable(&owner, &have)
    }
}

/// Everybody a task changes.
pub fn owners(round: u64, task: u64) -> Vec<BareJid> {
    (0..OWNERS)
        .map(|index| jid(&owner(round, task, index)))
        .collect()
}

/// Whether a store has what it must have after it has acknowledged so many changes of a task.
///
/// The change in flight when it was killed may have made it.
pub async fn is_kept(store: &dyn RegistrationStore, round: u64, task: u64, steps: u64) -> bool {
    let left = accounts(store, round, task).await;
    left == model(round, task, steps).await || left == model(round, task, steps + 1).await
}

async fn accounts(store: &dyn RegistrationStore, round: u64, task: u64) -> Vec<Account> {
    let loaded = store.load(&owners(round, task)).await.unwrap();
    assert_eq!(loaded.corrupt, 0);
    loaded.accounts
}

async fn model(round: u64, task: u64, steps: u64) -> Vec<Account> {
    let model = MemoryStore::new();
    let changes: Vec<_> = (0..steps).map(|step| change(round, task, step)).collect();
    model.commit(&changes).await.unwrap();
    accounts(&model, round, task).await
}

fn owner(round: u64, task: u64, index: u64) -> String {
    format!("u{index}@r{round}t{task}.example.org")
}
