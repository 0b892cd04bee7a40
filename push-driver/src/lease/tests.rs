use super::*;
use async_trait::async_trait;
use push_core::store::{Change, Committed, Counts, Cursor, Kind, Loaded, Page};
use push_core::{BareJid, MemoryStore};
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

fn timeouts() -> StoreTimeouts {
    StoreTimeouts::default().within_lease(10 * SECOND)
}

fn guard(held: &Held, store: Arc<dyn RegistrationStore>) -> Arc<dyn RegistrationStore> {
    held.guard(store, &timeouts()).unwrap()
}

/// A store at the other end of a network: what was sent is applied, whether somebody still waits for it or not.
#[derive(Default)]
struct Database {
    /// How long a call looks for a connection before it sends anything.
    connecting: Duration,
    /// How long it takes from then until the change is applied.
    applying: Duration,
    applied: Arc<Mutex<Vec<Instant>>>,
}

impl Database {
    fn applied(&self) -> Vec<Instant> {
        self.applied.lock().unwrap().clone()
    }
}

#[async_trait]
impl RegistrationStore for Database {
    async fn load(&self, _: &[BareJid]) -> Result<Loaded, StoreError> {
        Ok(Loaded::default())
    }

    async fn commit(&self, _: &[Change]) -> Result<Vec<Committed>, StoreError> {
        sleep(self.connecting).await;
        let (applied, applying) = (self.applied.clone(), self.applying);
        let server = tokio::spawn(async move {
            sleep(applying).await;
            applied.lock().unwrap().push(Instant::now());
        });
        server.await.unwrap();
        Ok(Vec::new())
    }

    async fn page(&self, _: Kind, _: Option<&Cursor>, _: usize) -> Result<Page, StoreError> {
        Ok(Page::default())
    }

    async fn remove_domain(&self, _: &jid::DomainRef) -> Result<u64, StoreError> {
        self.commit(&[]).await.map(|_| 0)
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        Ok(Counts::default())
    }
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
        let store = guard(&held, Arc::new(MemoryStore::new()));
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
    let store = guard(&held, Arc::new(MemoryStore::new()));
    desk.give_to("two", 100 * SECOND);
    timeout(3 * SECOND, held.lost()).await.unwrap();
    assert!(store.load(&[]).await.is_err());
}

/// Of a change begun `begun` after the lease was taken and never prolonged: when it was applied, and when another instance
/// took over.
async fn a_write_while_the_lease_runs_out(
    begun: Duration,
    connecting: Duration,
) -> (Vec<Instant>, Instant) {
    let desk = Arc::new(Desk::default());
    let mut held = contender(&desk, "one").acquire().await;
    let database = Arc::new(Database {
        connecting,
        applying: timeouts().linger(),
        ..Database::default()
    });
    let store = guard(&held, database.clone());
    desk.set_fault(Some(Fault::Away));
    let write = tokio::spawn(async move {
        sleep(begun).await;
        // As the driver waits for it.
        drop(timeout(timeouts().call(), store.commit(&[])).await);
    });
    held.lost().await;
    drop(held);
    desk.set_fault(None);
    let other = contender(&desk, "two").acquire().await;
    let taken_over = Instant::now();
    write.await.unwrap();
    sleep(60 * SECOND).await;
    drop(other);
    (database.applied(), taken_over)
}

#[tokio::test(start_paused = true)]
async fn nothing_is_applied_once_another_may_be_at_work() {
    let mut writes = 0;
    for begun in 0..20 {
        for connecting in 0..20 {
            let (begun, connecting) = (begun * SECOND / 2, connecting * SECOND / 2);
            let (applied, taken_over) = a_write_while_the_lease_runs_out(begun, connecting).await;
            writes += applied.len();
            assert!(
                applied.iter().all(|at| *at < taken_over),
                "begun after {begun:?}, sent {connecting:?} later, applied {:?} too late",
                applied[0] - taken_over
            );
        }
    }
    assert!(writes > 20, "only {writes} were applied at all");
}

#[tokio::test(start_paused = true)]
async fn a_slow_change_ends_well_while_the_lease_is_prolonged() {
    let desk = Arc::new(Desk::default());
    let held = contender(&desk, "one").acquire().await;
    let database = Arc::new(Database {
        connecting: 30 * SECOND,
        ..Database::default()
    });
    guard(&held, database).commit(&[]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_given_back_only_when_nothing_can_be_applied_any_more() {
    // Given up by whoever asked, or still waited for.
    for patience in [SECOND, 100 * SECOND] {
        let desk = Arc::new(Desk::default());
        let held = contender(&desk, "one").acquire().await;
        let database = Arc::new(Database {
            applying: timeouts().linger(),
            ..Database::default()
        });
        let store = guard(&held, database.clone());
        let write = tokio::spawn(async move { timeout(patience, store.commit(&[])).await });
        sleep(2 * SECOND).await;
        let asked = Instant::now();
        held.release().await;
        assert!(asked.elapsed() <= timeouts().linger());
        let other = contender(&desk, "two").try_acquire().await.unwrap();
        assert!(other.is_some(), "it was not given back");
        assert_eq!(database.applied().len(), 1, "it was still to come");
        drop(write.await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_too_short_for_the_store_is_refused() {
    let desk = Arc::new(Desk::default());
    let held = contender(&desk, "one").acquire().await;
    let refused = held.guard(Arc::new(MemoryStore::new()), &StoreTimeouts::default());
    let Err(StoreError::Refused { reason }) = refused.map(drop) else {
        panic!("time-outs that need 18 s fit into 10 s");
    };
    assert!(reason.contains("10s") && reason.contains("9s"), "{reason}");
}
