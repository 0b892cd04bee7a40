//! What every store of leases does. The parent module gives `leases()`.

use super::leases;
use push_core::lease::{Claim, Fence, LeaseStore};
use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::{Instant, sleep};

/// Outlasts a test.
const LONG: Duration = Duration::from_secs(60);

/// Ends within a test.
const SHORT: Duration = Duration::from_millis(200);

/// How long the end of a short lease is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// The fence of a lease that must be free, or the holder's own.
async fn take(leases: &dyn LeaseStore, name: &str, holder: &str, duration: Duration) -> Fence {
    match leases.take(name, holder, duration).await.unwrap() {
        Claim::Held(fence) => fence,
        Claim::Taken => panic!("{name} is not free for {holder}"),
    }
}

async fn is_taken(leases: &dyn LeaseStore, name: &str, holder: &str) -> bool {
    leases.take(name, holder, LONG).await.unwrap() == Claim::Taken
}

/// Asks until the lease of another has ended.
async fn take_when_free(leases: &dyn LeaseStore, name: &str, holder: &str) -> Fence {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Claim::Held(fence) = leases.take(name, holder, LONG).await.unwrap() {
            return fence;
        }
        assert!(Instant::now() < deadline, "{name} never ended");
        sleep(SHORT / 10).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_contenders_gets_it() {
    let leases = leases().await;
    for round in 1..=5 {
        let name = format!("stream {round}");
        let asking: Vec<_> = (0..16)
            .map(|contender| {
                let (leases, name) = (leases.clone(), name.clone());
                tokio::spawn(
                    async move { leases.take(&name, &format!("i{contender}"), LONG).await },
                )
            })
            .collect();
        let mut claims = Vec::new();
        for asked in asking {
            claims.push(asked.await.unwrap().unwrap());
        }
        claims.retain(|claim| *claim != Claim::Taken);
        assert_eq!(claims.len(), 1, "{claims:?}");
    }
}

#[tokio::test]
async fn the_holder_prolongs_it_and_keeps_its_fence() {
    let leases = leases().await;
    let fence = take(&*leases, "stream", "one", LONG).await;
    for _ in 0..3 {
        assert_eq!(take(&*leases, "stream", "one", LONG).await, fence);
        assert!(is_taken(&*leases, "stream", "two").await);
    }
}

#[tokio::test]
async fn prolonging_counts_from_now() {
    let leases = leases().await;
    let fence = take(&*leases, "stream", "one", SHORT).await;
    let ends = Instant::now() + SHORT;
    take(&*leases, "stream", "one", LONG).await;
    tokio::time::sleep_until(ends).await;
    assert!(is_taken(&*leases, "stream", "two").await);
    assert_eq!(take(&*leases, "stream", "one", LONG).await, fence);
}

#[tokio::test]
async fn after_its_end_another_takes_it_with_a_greater_fence() {
    let leases = leases().await;
    let first = take(&*leases, "stream", "one", SHORT).await;
    let second = take_when_free(&*leases, "stream", "two").await;
    assert!(second > first, "{second:?} after {first:?}");
    // The holder of the past comes back.
    assert!(is_taken(&*leases, "stream", "one").await);
    assert_eq!(take(&*leases, "stream", "two", LONG).await, second);
}

#[tokio::test]
async fn a_holder_that_comes_back_to_a_free_lease_is_a_new_one() {
    let leases = leases().await;
    let first = take(&*leases, "stream", "one", SHORT).await;
    tokio::time::sleep_until(Instant::now() + SHORT).await;
    let again = take(&*leases, "stream", "one", LONG).await;
    assert!(again > first, "{again:?} after {first:?}");
}

#[tokio::test]
async fn what_is_released_is_free_at_once() {
    let leases = leases().await;
    let first = take(&*leases, "stream", "one", LONG).await;
    leases.release("stream", "one").await.unwrap();
    let second = take(&*leases, "stream", "two", LONG).await;
    assert!(second > first, "{second:?} after {first:?}");
    // Once more, when it is another's.
    leases.release("stream", "one").await.unwrap();
    assert!(is_taken(&*leases, "stream", "one").await);
    assert_eq!(take(&*leases, "stream", "two", LONG).await, second);
}

#[tokio::test]
async fn who_never_held_it_releases_nothing() {
    let leases = leases().await;
    leases.release("stream", "nobody").await.unwrap();
    take(&*leases, "stream", "one", LONG).await;
    leases.release("stream", "nobody").await.unwrap();
    assert!(is_taken(&*leases, "stream", "two").await);
}

#[tokio::test]
async fn names_are_independent() {
    let leases = leases().await;
    let names = ["a", "A", "a ", "b", "é", "\u{1F600}", ""];
    for (name, holder) in names.iter().zip(["1", "2", "3", "4", "5", "6", "7"]) {
        take(&*leases, name, holder, LONG).await;
    }
    leases.release("a", "1").await.unwrap();
    for name in &names[1..] {
        assert!(is_taken(&*leases, name, "other").await, "{name:?}");
    }
}

#[tokio::test]
async fn a_fence_is_at_least_the_time() {
    let leases = leases().await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let fence = take(&*leases, "stream", "one", LONG).await;
    // The store's clock may differ from the test's.
    assert!(fence.as_u64() + 5 >= now.as_secs(), "{fence:?} at {now:?}");
}

#[tokio::test]
async fn fences_never_come_twice() {
    let leases = leases().await;
    let mut seen = BTreeSet::new();
    for turn in 0..20 {
        let holder = format!("i{}", turn % 3);
        let fence = take(&*leases, "stream", &holder, LONG).await;
        assert!(seen.last() < Some(&fence), "{fence:?} after {seen:?}");
        seen.insert(fence);
        leases.release("stream", &holder).await.unwrap();
    }
}
