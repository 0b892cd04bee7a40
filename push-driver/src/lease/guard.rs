//! A store for whoever holds a lease.
//!
//! A lease that has passed to another instance must find no write of this one still on its way. What was handed to a
//! database cannot be called back, so a write ends early enough instead: it is begun and waited for only while the lease
//! lasts longer than a write that was given up may linger, in the network and at the database
//! ([`StoreTimeouts::linger`](push_core::StoreTimeouts::linger)).
//!
//! | Store | What bounds a write that was given up |
//! |---|---|
//! | PostgreSQL | its connection is closed, with what is open on it rolled back; a statement that is on its way arrives before `tcp_user_timeout` or not at all, and ends by `statement_timeout` |
//! | MongoDB | its connection is closed; the command that is on its way ends by `maxTimeMS`. How long the network may hold it back is up to the system |
//! | SQLite | it leaves the queue; the transaction that is being written ends by the busy time-out. The lease is the process's |
//!
//! Two cases that no time-out reaches are left to the order of revisions: a disk that stands still within a commit, and a network
//! that keeps a command for MongoDB longer than it should.

use async_trait::async_trait;
use push_core::BareJid;
use push_core::store::{
    Change, Committed, Counts, Cursor, Kind, Loaded, Page, RegistrationStore, StoreError,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// A store that reads while the lease is held, and writes while it is held for long enough.
pub(super) struct Guarded {
    pub(super) store: Arc<dyn RegistrationStore>,
    /// Until when the lease is held at least; closed when it is lost.
    pub(super) until: watch::Receiver<Instant>,
    pub(super) linger: Duration,
    pub(super) writes: Writes,
}

impl Guarded {
    /// Whether the lease is held, and for longer than `margin` from now.
    fn check(&self, margin: Duration) -> Result<(), StoreError> {
        let lasts = Instant::now() + margin < *self.until.borrow();
        if lasts && self.until.has_changed().is_ok() {
            return Ok(());
        }
        Err(lost("the lease is lost, or ends too soon"))
    }

    async fn write<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.check(self.linger)?;
        let mut write = self.writes.begin(self.linger);
        tokio::select! {
            biased;
            done = work => {
                write.is_over = !matches!(done, Err(StoreError::Unavailable { .. }));
                done
            }
            () = self.ends_soon() => Err(lost("the lease was not prolonged in time; the change was given up")),
        }
    }

    /// Waits until the lease lasts no longer than a write may linger.
    async fn ends_soon(&self) {
        let mut until = self.until.clone();
        loop {
            let end = *until.borrow_and_update();
            tokio::select! {
                // An instant before the clock can be represented is long past.
                () = sleep_until(end.checked_sub(self.linger).unwrap_or(end)) => return,
                changed = until.changed() => if changed.is_err() { return },
            }
        }
    }
}

fn lost(reason: &str) -> StoreError {
    StoreError::Unavailable {
        reason: reason.to_owned(),
    }
}

#[async_trait]
impl RegistrationStore for Guarded {
    async fn load(&self, owners: &[BareJid]) -> Result<Loaded, StoreError> {
        self.check(Duration::ZERO)?;
        self.store.load(owners).await
    }

    async fn commit(&self, changes: &[Change]) -> Result<Vec<Committed>, StoreError> {
        self.write(self.store.commit(changes)).await
    }

    async fn page(
        &self,
        kind: Kind,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        self.check(Duration::ZERO)?;
        self.store.page(kind, after, limit).await
    }

    async fn remove_domain(&self, domain: &jid::DomainRef) -> Result<u64, StoreError> {
        self.write(self.store.remove_domain(domain)).await
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        self.check(Duration::ZERO)?;
        self.store.counts().await
    }
}

/// The writes under one lease that may still be applied.
#[derive(Clone, Debug)]
pub(super) struct Writes(Arc<watch::Sender<Pending>>);

#[derive(Debug, Default)]
struct Pending {
    under_way: usize,
    /// Until when those that were given up linger.
    until: Option<Instant>,
}

impl Writes {
    pub(super) fn new() -> Self {
        Self(Arc::new(watch::Sender::default()))
    }

    fn begin(&self, linger: Duration) -> Write<'_> {
        self.0.send_modify(|pending| pending.under_way += 1);
        Write {
            writes: self,
            linger,
            is_over: false,
        }
    }

    /// Waits until none of them can be applied any more.
    pub(super) async fn over(&self) {
        let mut pending = self.0.subscribe();
        loop {
            // The sender is this value's own: it is not closed.
            let settled = pending.wait_for(|pending| pending.under_way == 0).await;
            let until = settled.map_or(None, |pending| pending.until);
            match until.filter(|until| *until > Instant::now()) {
                Some(until) => sleep_until(until).await,
                None => return,
            }
        }
    }
}

/// One write under way; given up, unless it is over when this is dropped.
struct Write<'a> {
    writes: &'a Writes,
    linger: Duration,
    is_over: bool,
}

impl Drop for Write<'_> {
    fn drop(&mut self) {
        let given_up = (!self.is_over).then(|| Instant::now() + self.linger);
        self.writes.0.send_modify(|pending| {
            pending.under_way -= 1;
            pending.until = pending.until.max(given_up);
        });
    }
}
