//! Names on a shared server.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest as _, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Context as _, Failure, Result};

/// The secret of every component of every slot.
pub const SECRET: &str = "secret";

/// The password of every account that a puppet registers.
pub const PASSWORD: &str = "secret";

/// A virtual host with the components that belong to it. What a test does in one slot is not seen in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    index: usize,
}

impl Slot {
    /// The slot of this number; servers have the slots from 0 up to their configured number of them.
    #[must_use]
    pub const fn new(index: usize) -> Self {
        Self { index }
    }

    /// Its number.
    #[must_use]
    pub const fn index(self) -> usize {
        self.index
    }

    /// The virtual host.
    #[must_use]
    pub fn host(self) -> String {
        format!("h{}.test", self.index)
    }

    /// The component that xmpp-push connects as.
    #[must_use]
    pub fn component(self) -> String {
        format!("push{}.test", self.index)
    }

    /// The components of two services that share the host, in the order of the adapter's list. The first is
    /// [`Slot::component`].
    #[must_use]
    pub fn components(self) -> [String; 2] {
        [self.component(), format!("push{}b.test", self.index)]
    }

    /// The component that plays the push service.
    #[must_use]
    pub fn push_service(self) -> String {
        format!("app{}.test", self.index)
    }

    /// The chat rooms' service.
    #[must_use]
    pub fn rooms(self) -> String {
        format!("conference.h{}.test", self.index)
    }

    /// The bare JID of a user that no other test has, also not one that used the slot before.
    pub fn user(self, name: &str) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        format!(
            "{name}-{}@{}",
            NEXT.fetch_add(1, Ordering::Relaxed),
            self.host()
        )
    }

    /// As [`Slot::user`], of this one of the [`Slot::components`].
    pub fn user_of_shard(self, name: &str, shard: usize) -> String {
        loop {
            let jid = self.user(name);
            if shard_of(&jid, self.components().len()) == shard {
                return jid;
            }
        }
    }

    /// Fills `{i}` in a piece of configuration.
    pub(crate) fn fill(self, template: &str) -> String {
        template.replace("{i}", &self.index.to_string())
    }
}

/// The slots of one shared server that nobody uses.
#[derive(Debug, Clone)]
pub struct Slots {
    free: Arc<Mutex<Vec<usize>>>,
    permits: Arc<Semaphore>,
}

impl Slots {
    /// The slots from `first` up to, without, `end`.
    #[must_use]
    pub fn new(first: usize, end: usize) -> Self {
        let free: Vec<_> = (first..end).rev().collect();
        Self {
            permits: Arc::new(Semaphore::new(free.len())),
            free: Arc::new(Mutex::new(free)),
        }
    }

    /// Takes a slot that nobody uses, or waits for one.
    ///
    /// # Errors
    /// None in practice: the slots are never closed.
    pub async fn lease(&self) -> Result<Lease> {
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .context("no slot")?;
        let index = lock(&self.free)
            .pop()
            .ok_or_else(|| Failure::new("a slot was leased twice"))?;
        Ok(Lease {
            slot: Slot::new(index),
            free: Arc::clone(&self.free),
            _permit: permit,
        })
    }
}

/// A slot that is one test's own until this is dropped.
#[derive(Debug)]
pub struct Lease {
    /// The slot.
    pub slot: Slot,
    free: Arc<Mutex<Vec<usize>>>,
    _permit: OwnedSemaphorePermit,
}

/// Given back to the far end: a slot rests as long as possible before it is used again.
impl Drop for Lease {
    fn drop(&mut self) {
        lock(&self.free).insert(0, self.slot.index);
    }
}

/// Which of so many services the user with this bare JID belongs to (docs/protocol.md, 7).
#[must_use]
pub fn shard_of(jid: &str, shards: usize) -> usize {
    let hash = Sha256::digest(jid);
    let bucket = usize::from(u16::from_be_bytes([hash[0], hash[1]]));
    bucket * shards / 65_536
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn a_slot_has_one_user_at_a_time_and_rests_longest_after_use() -> Result<()> {
        let slots = Slots::new(0, 2);
        let first = slots.lease().await?;
        let second = slots.lease().await?;
        assert_ne!(first.slot, second.slot);
        assert!(
            timeout(Duration::from_millis(50), slots.lease())
                .await
                .is_err()
        );
        let freed = second.slot;
        drop(second);
        assert_eq!(slots.lease().await?.slot, freed);
        Ok(())
    }

    /// The hashes are those of `printf %s JID | sha256sum`.
    #[test]
    fn a_user_belongs_to_the_shard_that_the_protocol_says() {
        assert_eq!(shard_of("alice@example.org", 1), 0);
        for (jid, shards, shard) in [
            ("alice@example.org", 1, 0), // 7a64…: bucket 31332
            ("alice@example.org", 2, 0),
            ("alice@example.org", 3, 1),
            ("bob@example.org", 3, 1), // 686b…: bucket 26731
        ] {
            assert_eq!(shard_of(jid, shards), shard, "{jid} of {shards}");
        }
    }

    #[test]
    fn users_never_meet() {
        let slot = Slot::new(3);
        assert_ne!(slot.user("alice"), slot.user("alice"));
        assert!(slot.user("alice").ends_with("@h3.test"));
    }
}
