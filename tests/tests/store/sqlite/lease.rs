//! Leases on one machine.

use push_core::lease::{Claim, Fence, LeaseStore};
use push_store_sqlite::FileLease;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

const DURATION: Duration = Duration::from_secs(10);

fn leases(folder: &TempDir) -> FileLease {
    FileLease::new(folder.path().join("registrations.db"))
}

async fn take(leases: &FileLease, holder: &str) -> Option<Fence> {
    match leases.take("push.example.org", holder, DURATION).await {
        Ok(Claim::Held(fence)) => Some(fence),
        Ok(Claim::Taken) => None,
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn one_holder_at_a_time_each_with_a_greater_fence() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (leases(&folder), leases(&folder));
    let first = take(&one, "one").await.unwrap();
    assert_eq!(take(&one, "one").await, Some(first), "prolonged");
    assert_eq!(take(&one, "another of this process").await, None);
    assert_eq!(take(&two, "two").await, None);
    two.release("push.example.org", "two").await.unwrap();
    assert_eq!(take(&two, "two").await, None, "it was not its to give back");
    one.release("push.example.org", "one").await.unwrap();
    let second = take(&two, "two").await.unwrap();
    assert!(second > first);
    // However a process ends, the system closes its files.
    drop(two);
    assert!(take(&one, "one").await.unwrap() > second);
}

#[tokio::test]
async fn names_are_independent() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (leases(&folder), leases(&folder));
    take(&one, "one").await.unwrap();
    let other = two.take("a.example.org,b/../é", "two", DURATION).await;
    assert!(matches!(other, Ok(Claim::Held(_))), "{other:?}");
}

#[tokio::test]
async fn fences_are_not_smaller_than_those_of_another_store() {
    let folder = tempfile::tempdir().unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let fence = take(&leases(&folder), "one").await.unwrap();
    assert!(fence >= Fence::new(now.as_secs()), "{fence:?}");
}

#[tokio::test]
async fn a_holder_whose_file_is_gone_does_not_believe_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let one = leases(&folder);
    take(&one, "one").await.unwrap();
    let file = folder
        .path()
        .join("registrations.db.push.example.org.lease");
    std::fs::remove_file(file).unwrap();
    let two = leases(&folder);
    assert!(take(&two, "two").await.is_some());
    assert_eq!(take(&one, "one").await, None);
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = FileLease::new(folder.path().join("none/registrations.db"));
    let error = nowhere.take("n", "one", DURATION).await.unwrap_err();
    assert!(
        error.to_string().contains("none/registrations.db"),
        "{error}"
    );
}
