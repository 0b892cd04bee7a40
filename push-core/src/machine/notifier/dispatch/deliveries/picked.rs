//! The offers that queues make.

use crate::Timestamp;
use crate::ids::{HostId, ServiceKey, Slot};
use crate::machine::values::{Place, Queued};

/// A choice from a queue.
pub(super) enum Picked {
    Delivery(Slot),
    Unwanted(Slot),
    /// Nothing until then, or until something happens.
    Nothing(Option<Timestamp>),
    /// Room for so many, with nothing to fill it until then.
    Room(usize, Option<Timestamp>),
}

/// The offer of a queue whose turn it is.
#[derive(Debug)]
pub(super) enum Popped {
    /// A delivery that can be sent over this route.
    Delivery(Place, Queued),
    /// A delivery whose push service takes none for a while.
    Unwanted(Queued),
    /// Nothing waits, and there is room for so many.
    Room(HostId, ServiceKey, usize),
}
