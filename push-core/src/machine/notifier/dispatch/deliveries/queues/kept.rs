//! Deliveries that wait in memory for their next attempt, because no adapter keeps the messages they tell of.

use crate::Timestamp;
use crate::ids::Slot;
use crate::machine::values::Queued;
use std::collections::BTreeSet;

/// The deliveries that have failed and that nobody else keeps, by when they were decided on.
#[derive(Debug, Default)]
pub(super) struct Kept(BTreeSet<(Timestamp, Slot)>);

impl Kept {
    /// Takes note of a delivery that waits.
    pub(super) fn insert(&mut self, slot: Slot, queued: &Queued) {
        if queued.attempts.failed > 0 && queued.holds.is_empty() {
            self.0.insert((queued.since, slot));
        }
    }

    /// A delivery waits no more.
    pub(super) fn remove(&mut self, slot: Slot, queued: &Queued) {
        self.0.remove(&(queued.since, slot));
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the oldest, if there are more than `most`.
    pub(super) fn excess(&self, most: usize) -> Option<Slot> {
        let (_, slot) = self.0.first().filter(|_| self.0.len() > most)?;
        Some(*slot)
    }
}
