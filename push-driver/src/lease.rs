//! Holding a lease: taking it, prolonging it, and knowing when it is lost.

use async_trait::async_trait;
use push_core::BareJid;
use push_core::lease::{Claim, Fence, LeaseStore};
use push_core::store::{
    Change, Committed, Counts, Cursor, Kind, Loaded, Page, RegistrationStore, StoreError,
};
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

    /// `store`, as long as the lease is held: not a moment longer, whatever else still runs.
    pub fn guard(&self, store: Arc<dyn RegistrationStore>) -> Arc<dyn RegistrationStore> {
        Arc::new(Guarded {
            store,
            until: self.until.clone(),
        })
    }

    /// Gives the lease back, so that a standby need not wait for its end.
    pub async fn release(mut self) {
        self.keeper.shutdown().await;
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

/// A store for whoever holds a lease.
struct Guarded {
    store: Arc<dyn RegistrationStore>,
    until: watch::Receiver<Instant>,
}

impl Guarded {
    fn check(&self) -> Result<&dyn RegistrationStore, StoreError> {
        if Instant::now() < *self.until.borrow() && self.until.has_changed().is_ok() {
            return Ok(&*self.store);
        }
        Err(StoreError::Unavailable {
            reason: "the lease is lost".to_owned(),
        })
    }
}

#[async_trait]
impl RegistrationStore for Guarded {
    async fn load(&self, owners: &[BareJid]) -> Result<Loaded, StoreError> {
        self.check()?.load(owners).await
    }

    async fn commit(&self, changes: &[Change]) -> Result<Vec<Committed>, StoreError> {
        self.check()?.commit(changes).await
    }

    async fn page(
        &self,
        kind: Kind,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        self.check()?.page(kind, after, limit).await
    }

    async fn remove_domain(&self, domain: &jid::DomainRef) -> Result<u64, StoreError> {
        self.check()?.remove_domain(domain).await
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        self.check()?.counts().await
    }
}

#[cfg(test)]
mod tests;
