//! A thread of its own for a stream.

use std::any::Any;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

/// Runs a [`Driver`](crate::Driver) on a thread of its own, with a runtime that has no other, and waits for its end.
///
/// A driver that shares a runtime with other tasks is moved from thread to thread, and threads that sleep are woken to look
/// for work: at ordinary rates that costs more than the work does. When the future that this returns is dropped, `work` is
/// dropped at its next wait.
///
/// ```no_run
/// # async fn run(driver: push_driver::Driver) -> std::io::Result<()> {
/// push_driver::on_own_thread("stream", driver.run()).await
/// # }
/// ```
///
/// # Errors
/// The system gives no thread, or nothing to wait for sockets with.
///
/// # Panics
/// When `work` panics, with its panic.
pub async fn on_own_thread(
    name: &str,
    work: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (_stop, stopped) = oneshot::channel();
    let (done, ended) = oneshot::channel();
    thread::Builder::new().name(name.to_owned()).spawn(|| {
        // Whoever waited may have left.
        drop(done.send(run(work, stopped)));
    })?;
    match ended.await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(panic)) => resume_unwind(panic),
        Err(_) => Err(io::Error::other("the thread has ended")),
    }
}

type Outcome = Result<io::Result<()>, Box<dyn Any + Send>>;

fn run(work: impl Future<Output = ()>, stopped: oneshot::Receiver<Infallible>) -> Outcome {
    let built = Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build();
    let runtime = match built {
        Ok(runtime) => runtime,
        Err(error) => return Ok(Err(error)),
    };
    let outcome = catch_unwind(AssertUnwindSafe(|| block_on(&runtime, work, stopped)));
    // A name that does not resolve must not keep the thread.
    runtime.shutdown_background();
    outcome.map(Ok)
}

fn block_on(
    runtime: &Runtime,
    work: impl Future<Output = ()>,
    stopped: oneshot::Receiver<Infallible>,
) {
    runtime.block_on(async {
        tokio::select! {
            _ = stopped => {}
            () = work => {}
        }
    });
}
