use super::*;
use push_core::MemoryStore;
use std::sync::Mutex;

const SECOND: Duration = Duration::from_secs(1);

/// One lease in virtual time, whose store can be away or hang.
#[derive(Default)]
struct Desk {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    held: Option<(String, Instant)>,
    fence: u64,
    fault: Option<Fault>,
}

#[derive(Clone, Copy)]
enum Fault {
    Away,
    Hangs,
}

impl Desk {
    fn set_fault(&self, fault: Option<Fault>) {
        self.state.lock().unwrap().fault = fault;
    }

    fn give_to(&self, holder: &str, duration: Duration) {
        let mut state = self.state.lock().unwrap();
        state.fence += 1;
        state.held = Some((holder.to_owned(), Instant::now() + duration));
    }
}

#[async_trait]
impl LeaseStore for Desk {
    async fn take(&self, _: &str, holder: &str, duration: Duration) -> Result<Claim, StoreError> {
        let fault = self.state.lock().unwrap().fault;
        match fault {
            Some(Fault::Hangs) => std::future::pending().await,
            Some(Fault::Away) => {
                return Err(StoreError::Unavailable {
                    reason: "away".to_owned(),
                });
            }
            None => {}
        }
        let mut state = self.state.lock().unwrap();
        let current = state
            .held
            .take()
            .filter(|(_, until)| *until > Instant::now());
        match current {
            Some((of, until)) if of != holder => {
                state.held = Some((of, until));
                return Ok(Claim::Taken);
            }
            Some(_) => {}
            None => state.fence += 1,
        }
        state.held = Some((holder.to_owned(), Instant::now() + duration));
        Ok(Claim::Held(Fence::new(state.fence)))
    }

    async fn release(&self, _: &str, holder: &str) -> Result<(), StoreError> {
        let mut state = self.state.lock().unwrap();
        state.held.take_if(|(of, _)| of == holder);
        Ok(())
    }
}

fn contender(desk: &Arc<Desk>, holder: &str) -> Contender {
    Contender::new(desk.clone(), "push.example.org", holder, 10 * SECOND)
}

#[tokio::test(start_paused = true)]
async fn a_standby_waits_and_takes_over_when_the_holder_ends_without_a_word() {
    let desk = Arc::new(Desk::default());
    let first = contender(&desk, "one").acquire().await;
    let standby = contender(&desk, "two");
    assert!(timeout(100 * SECOND, standby.acquire()).await.is_err());
    let ended = Instant::now();
    drop(first);
    let second = standby.acquire().await;
    assert!(ended.elapsed() <= 13 * SECOND, "{:?}", ended.elapsed());
    assert_eq!(second.fence(), Fence::new(2));
}

#[tokio::test(start_paused = true)]
async fn what_is_given_back_is_taken_at_once() {
    let desk = Arc::new(Desk::default());
    contender(&desk, "one").acquire().await.release().await;
    let taken = contender(&desk, "two").try_acquire().await.unwrap();
    assert!(taken.is_some());
    assert!(
        contender(&desk, "one")
            .try_acquire()
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test(start_paused = true)]
async fn a_short_fault_of_the_store_loses_nothing() {
    let desk = Arc::new(Desk::default());
    let mut held = contender(&desk, "one").acquire().await;
    sleep(10 * SECOND).await;
    for fault in [Fault::Away, Fault::Hangs] {
        desk.set_fault(Some(fault));
        assert!(timeout(4 * SECOND, held.lost()).await.is_err());
        desk.set_fault(None);
        assert!(timeout(60 * SECOND, held.lost()).await.is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_cannot_prolong_stops_before_another_may_begin() {
    for fault in [Fault::Away, Fault::Hangs] {
        let desk = Arc::new(Desk::default());
        let mut held = contender(&desk, "one").acquire().await;
        let store = held.guard(Arc::new(MemoryStore::new()));
        store.load(&[]).await.unwrap();
        desk.set_fault(Some(fault));
        held.lost().await;
        assert!(matches!(
            store.load(&[]).await,
            Err(StoreError::Unavailable { .. })
        ));
        desk.set_fault(None);
        let other = contender(&desk, "two").try_acquire().await.unwrap();
        assert!(other.is_none(), "it was stopped only after its end");
    }
}

#[tokio::test(start_paused = true)]
async fn a_holder_whose_lease_was_taken_over_notices() {
    let desk = Arc::new(Desk::default());
    let mut held = contender(&desk, "one").acquire().await;
    let store = held.guard(Arc::new(MemoryStore::new()));
    desk.give_to("two", 100 * SECOND);
    timeout(3 * SECOND, held.lost()).await.unwrap();
    assert!(store.load(&[]).await.is_err());
}
