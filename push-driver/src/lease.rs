//! Holding a lease: taking it, prolonging it, and knowing when it is lost.

mod guard;

use guard::{Guarded, Writes};
use push_core::StoreTimeouts;
use push_core::lease::{Claim, Fence, LeaseStore};
use push_core::store::{RegistrationStore, StoreError};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use tracing::{debug, info, warn};

/// One of several instances of which one shall be at work.
#[derive(Clone)]
pub struct Contender {
    leases: Arc<dyn LeaseStore>,
    name: Arc<str>,
    holder: Arc<str>,
    duration: Duration,
}

/// A lease that is held, and prolonged as long as this value lives. Dropping it lets it run out.
#[derive(Debug)]
pub struct Held {
    contender: Contender,
    fence: Fence,
    /// Until when it is ours at least.
    until: watch::Receiver<Instant>,
    /// One task; aborted when this is dropped.
    keeper: JoinSet<()>,
    writes: Writes,
}

impl Contender {
    /// A contender for the lease `name`. `holder` is a word of its own, drawn at the start of the program; a holder that
    /// has ended without a word is succeeded after `duration`.
    pub fn new(leases: Arc<dyn LeaseStore>, name: &str, holder: &str, duration: Duration) -> Self {
        Self {
            leases,
            name: name.into(),
            holder: holder.into(),
            duration,
        }
    }

    /// Waits until the lease is held. May be dropped while it waits. Must be called inside of a tokio runtime.
    pub async fn acquire(&self) -> Held {
        let mut said = None;
        loop {
            let asked = Instant::now();
            let fault = match self.take(asked + self.duration).await {
                Ok(Claim::Held(fence)) => return self.hold(fence, asked),
                Ok(Claim::Taken) => None,
                Err(error) => Some(error),
            };
            if said.as_ref() != Some(&fault) {
                match &fault {
                    None => info!("standing by: another instance holds the lease"),
                    Some(error) => warn!(%error, "standing by: nobody knows who holds the lease"),
                }
                said = Some(fault);
            }
            sleep(self.pause()).await;
        }
    }

    /// Takes the lease if it is free, without waiting for it. The answer is waited for as long as the lease lasts.
    ///
    /// # Errors
    ///
    /// Those of the store; `Unavailable` when it does not answer.
    pub async fn try_acquire(&self) -> Result<Option<Held>, StoreError> {
        let asked = Instant::now();
        Ok(match self.take(asked + self.duration).await? {
            Claim::Held(fence) => Some(self.hold(fence, asked)),
            Claim::Taken => None,
        })
    }

    async fn take(&self, deadline: Instant) -> Result<Claim, StoreError> {
        let take = self.leases.take(&self.name, &self.holder, self.duration);
        timeout_at(deadline, take).await.unwrap_or_else(|_| {
            Err(StoreError::Unavailable {
                reason: "no answer in time".to_owned(),
            })
        })
    }

    fn hold(&self, fence: Fence, asked: Instant) -> Held {
        info!(fence = fence.as_u64(), "holding the lease");
        let (prolonged, until) = watch::channel(asked + self.term());
        let mut keeper = JoinSet::new();
        let contender = self.clone();
        keeper.spawn(async move { contender.keep(fence, prolonged).await });
        Held {
            contender: self.clone(),
            fence,
            until,
            keeper,
            writes: Writes::new(),
        }
    }

    /// Prolongs the lease until it is lost.
    async fn keep(&self, fence: Fence, until: watch::Sender<Instant>) {
        loop {
            sleep(self.pause()).await;
            let asked = Instant::now();
            // A question that hangs is given up early enough for another.
            match self.take(asked + self.pause()).await {
                Ok(Claim::Held(ours)) if ours == fence => {
                    until.send_replace(asked + self.term());
                }
                Ok(_) => return,
                Err(error) => debug!(%error, "the lease was not prolonged"),
            }
            if Instant::now() >= *until.borrow() {
                return;
            }
        }
    }

    /// A holder believes it for a little less than others do: their clocks need not run alike.
    fn term(&self) -> Duration {
        self.duration * 4 / 5
    }

    fn pause(&self) -> Duration {
        self.duration / 4
    }
}

impl std::fmt::Debug for Contender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contender")
            .field("name", &self.name)
            .field("duration", &self.duration)
            .finish_non_exhaustive()
    }
}

impl Held {
    /// The number it is held under.
    pub const fn fence(&self) -> Fence {
        self.fence
    }

    /// Waits until the lease is lost: taken over, or not prolonged in time. May be dropped and called again.
    pub async fn lost(&mut self) {
        // The keeper ends when the lease is lost, but may hang in a question: the clock has the last word.
        loop {
            let until = *self.until.borrow_and_update();
            tokio::select! {
                () = sleep_until(until) => break,
                changed = self.until.changed() => if changed.is_err() { break },
            }
        }
        warn!("the lease is lost");
    }

    /// Returns `store` for as long as the lease is held. A change that was begun through it is applied before the lease
    /// may pass to another, or not at all, whatever else still runs; one for which too little of the lease is left fails
    /// as `Unavailable`.
    ///
    /// `timeouts` are those that `store` was opened with.
    ///
    /// # Errors
    ///
    /// `Refused` when what was given up may [linger](StoreTimeouts::linger) for more than half of the lease:
    /// [`StoreTimeouts::within_lease`] makes them fit.
    pub fn guard(
        &self,
        store: Arc<dyn RegistrationStore>,
        timeouts: &StoreTimeouts,
    ) -> Result<Arc<dyn RegistrationStore>, StoreError> {
        let (linger, lease) = (timeouts.linger(), self.contender.duration);
        if linger > lease / 2 {
            return Err(StoreError::Refused {
                reason: format!(
                    "a lease of {lease:?} is too short for the store's time-outs: a change that was given up may be applied \
                     {linger:?} later; the lease must last twice as long"
                ),
            });
        }
        Ok(Arc::new(Guarded {
            store,
            until: self.until.clone(),
            linger,
            writes: self.writes.clone(),
        }))
    }

    /// Gives the lease back, so that a standby need not wait for its end. Waits until nothing that was written under it
    /// can be applied any more, and gives up what still is under way.
    pub async fn release(mut self) {
        self.keeper.shutdown().await;
        self.writes.over().await;
        let Contender {
            leases,
            name,
            holder,
            duration,
        } = &self.contender;
        let released = timeout(*duration, leases.release(name, holder)).await;
        if !matches!(released, Ok(Ok(()))) {
            warn!("the lease could not be given back: it runs out by itself");
        }
    }
}

#[cfg(test)]
mod tests;
