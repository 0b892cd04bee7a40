//! kill -9 in the middle of writes.

use super::child::{PROGRAM, StoreChild};
use super::{attach, path};
use push_tests::store::churn;
use std::collections::BTreeMap;
use std::path::Path;

const ROUNDS: u64 = 15;

/// How many of a task's changes were acknowledged, by task.
type Acknowledged = BTreeMap<u64, u64>;

#[tokio::test]
async fn what_was_acknowledged_survives_being_killed() {
    let folder = tempfile::tempdir().unwrap();
    let mut rounds = Vec::new();
    for round in 0..ROUNDS {
        rounds.push(churn_until_killed(&path(&folder), round));
    }
    let store = attach(folder);
    for (round, acknowledged) in (0..).zip(rounds) {
        for (task, steps) in acknowledged {
            assert!(
                churn::is_kept(&*store, round, task, steps).await,
                "round {round} task {task} after {steps}"
            );
        }
    }
}

/// Killed after so many acknowledgements that each round ends at another point of the course, and of a checkpoint.
fn churn_until_killed(path: &Path, round: u64) -> Acknowledged {
    let mut child = StoreChild::start(PROGRAM);
    assert_eq!(child.open(path), "opened");
    child.tell(&format!("churn {round}"));
    let mut left = 1 + round * 97 % 600;
    let mut acknowledged = Acknowledged::new();
    while let Some(line) = child.answer() {
        let (task, step) = line.split_once(' ').unwrap();
        acknowledged.insert(task.parse().unwrap(), step.parse::<u64>().unwrap() + 1);
        // What was acknowledged meanwhile still has to be read.
        left = left.saturating_sub(1);
        if left == 0 {
            child.kill();
        }
    }
    acknowledged
}
