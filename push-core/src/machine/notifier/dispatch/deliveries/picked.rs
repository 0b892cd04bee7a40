//! What queues have to offer.

use crate::Timestamp;
use crate::ids::{HostId, ServiceKey, Slot};
use crate::machine::values::{Place, Queued};

/// What is chosen from a queue.
pub(super) enum Picked {
    Delivery(Slot),
    Unwanted(Slot),
    /// Nothing until then, or until something happens.
    Nothing(Option<Timestamp>),
    /// Room for so many, with nothing to fill it until then.
    Room(usize, Option<Timestamp>),
}

/// What a queue whose turn it is has to offer.
#[derive(Debug)]
pub(super) enum Popped {
    /// A delivery that can be sent over this route.
    Delivery(Place, Queued),
    /// A delivery whose push service takes none for a while.
    Unwanted(Queued),
    /// Nothing waits, and there is room for so many.
    Room(HostId, ServiceKey, usize),
}
