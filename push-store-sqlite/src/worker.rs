//! A thread with a bounded queue, so that no runtime ever waits for a disk.

use crate::error::unavailable;
use futures_channel::oneshot;
use push_core::store::StoreError;
use std::fmt;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};

/// How many changes make a transaction, and owners a snapshot: beyond it one more saves little and keeps others
/// waiting. A single call is split at it, too.
pub(crate) const BATCH: usize = 512;

/// Where one call's result goes.
pub(crate) type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

/// Owner of the thread. Dropping it lets the thread finish what is queued and waits for that.
pub(crate) struct Worker<J> {
    name: &'static str,
    queue: Option<SyncSender<J>>,
    thread: Option<JoinHandle<()>>,
}

impl<J: Send + 'static> Worker<J> {
    /// Starts `work` on a thread of its own, with a queue of at most `bound` jobs.
    pub(crate) fn start(
        name: &'static str,
        bound: usize,
        work: impl FnOnce(&Queue<J>) + Send + 'static,
    ) -> Result<Self, StoreError> {
        let (sender, receiver) = sync_channel(bound.max(1));
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || work(&Queue(receiver)))
            .map_err(|error| unavailable(format!("no thread for {name}: {error}")))?;
        Ok(Self {
            name,
            queue: Some(sender),
            thread: Some(thread),
        })
    }

    /// Queues the job made by `job` and waits for its answer.
    pub(crate) async fn ask<T>(&self, job: impl FnOnce(Answer<T>) -> J) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.submit(job(answer))?;
        answered.await.unwrap_or_else(|_| Err(self.ended()))
    }

    fn submit(&self, job: J) -> Result<(), StoreError> {
        let Some(queue) = &self.queue else {
            return Err(self.ended());
        };
        queue.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => unavailable(format!(
                "{} has as many calls waiting as it may: the disk is too slow for the load",
                self.name
            )),
            TrySendError::Disconnected(_) => self.ended(),
        })
    }

    fn ended(&self) -> StoreError {
        unavailable(format!("{} has ended: restart the service", self.name))
    }
}

impl<J> fmt::Debug for Worker<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Worker({})", self.name)
    }
}

impl<J> Drop for Worker<J> {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            // A panic was printed where it happened, and its caller was told.
            drop(thread.join());
        }
    }
}

/// The thread's end of the queue.
pub(crate) struct Queue<J>(Receiver<J>);

impl<J> Queue<J> {
    /// Waits for a job and takes what has queued up besides, until `weight` reaches `enough`. `None`: it is over.
    pub(crate) fn batch(&self, enough: usize, weight: impl Fn(&J) -> usize) -> Option<Vec<J>> {
        let first = self.0.recv().ok()?;
        let mut total = weight(&first);
        let mut jobs = vec![first];
        while total < enough
            && let Ok(job) = self.0.try_recv()
        {
            total += weight(&job);
            jobs.push(job);
        }
        Some(jobs)
    }
}
