//! Choices from queues.

use crate::Timestamp;
use crate::ids::Slot;

/// A choice from a queue.
pub(super) enum Picked {
    Delivery(Slot),
    /// One that the push service takes at the earliest then.
    Unwanted(Slot, Timestamp),
    /// Nothing until then, or until something happens.
    Nothing(Option<Timestamp>),
    /// Room for so many, with nothing to fill it until then.
    Room(usize, Option<Timestamp>),
}
