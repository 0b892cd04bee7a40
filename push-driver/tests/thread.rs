//! Work on a thread of its own.

use push_driver::on_own_thread;
use std::future::pending;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;
use tokio::time::{sleep, timeout};

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn it_has_time_a_name_and_one_thread_throughout() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let see = seen.clone();
    let work = async move {
        for _ in 0..3 {
            let current = thread::current();
            let name = current.name().unwrap_or_default().to_owned();
            see.lock().unwrap().push((name, current.id()));
            sleep(Duration::from_millis(1)).await;
        }
    };
    on_own_thread("stream", work).await.unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|at| *at == seen[0] && at.0 == "stream"));
    assert_ne!(seen[0].1, thread::current().id());
}

#[tokio::test]
async fn whoever_stops_waiting_ends_it() {
    struct Dropped(mpsc::Sender<()>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.send(()).unwrap();
        }
    }
    let (sender, dropped) = mpsc::channel();
    let guard = Dropped(sender);
    let work = on_own_thread("stream", async move {
        let _guard = guard;
        pending::<()>().await;
    });
    assert!(timeout(Duration::from_millis(50), work).await.is_err());
    dropped.recv_timeout(PATIENCE).unwrap();
}

#[tokio::test]
async fn its_panic_is_that_of_whoever_waits() {
    let waiting = tokio::spawn(on_own_thread("stream", async { panic!("at the stream") }));
    let panic = waiting.await.unwrap_err().into_panic();
    assert_eq!(panic.downcast_ref(), Some(&"at the stream"));
}
