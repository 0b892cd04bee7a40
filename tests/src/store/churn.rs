//! A known course of changes, so that after a crash it can be told what must be there.

use super::{enable, jid, registration, remove};
use push_core::BareJid;
use push_core::store::Change;

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

fn owner(round: u64, task: u64, index: u64) -> String {
    format!("u{index}@r{round}t{task}.example.org")
}
