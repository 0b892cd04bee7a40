//! Which of several instances is at work: a contract beside the store's, for those who run a standby.

use crate::store::StoreError;
use async_trait::async_trait;
use std::time::Duration;

/// Leases by name: each has at most one holder at a time.
///
/// * Time is the store's own, so that the clocks of the instances do not matter.
/// * A holder counts from *before* it asked: when its answer is late, it must not believe it for longer than others do.
/// * A lease nobody prolongs ends by itself.
#[async_trait]
pub trait LeaseStore: Send + Sync {
    /// Takes the lease `name` for `holder` until `duration` from now, or prolongs it if that one holds it.
    ///
    /// `holder` is a word that no other instance uses, drawn at its start.
    async fn take(&self, name: &str, holder: &str, duration: Duration)
    -> Result<Claim, StoreError>;

    /// Gives the lease back, so that the next need not wait for its end. Whoever does not hold it changes nothing.
    async fn release(&self, name: &str, holder: &str) -> Result<(), StoreError>;
}

/// What became of asking for a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The asker holds it.
    Held(Fence),
    /// Somebody else holds it.
    Taken,
}

/// The number of a holder: greater than those of all before.
///
/// It is at least the time when the lease was taken, in Unix seconds, so that it grows also when the store is exchanged. Whoever is told something under a smaller number than before is told by a holder of the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fence(u64);

impl Fence {
    /// The fence of this number, from 1.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}
