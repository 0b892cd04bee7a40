//! The next thing to do for deliveries.

use crate::Timestamp;
use crate::ids::{EventHold, HostId, ServiceKey};
use crate::machine::values::{Attempts, Place, Queued};
use crate::report::PublishEnd;

/// The next thing to do.
#[derive(Debug)]
pub(in super::super) enum Next {
    /// Send a delivery, or discard it.
    Turn(Box<Turn>),
    /// Let a delivery wait elsewhere: its push service takes none for a while.
    Park(Queued, Attempts),
    /// Fetch what waits elsewhere: the push service has room for so many.
    Fetch(HostId, ServiceKey, usize),
}

/// A delivery whose turn has come. Others for its registration wait until it is started or discarded.
#[derive(Debug)]
pub(in super::super) struct Turn {
    place: Place,
    queued: Queued,
}

impl Turn {
    pub(super) fn new(place: Place, queued: Queued) -> Self {
        Self { place, queued }
    }

    pub(super) fn into_parts(self) -> (Place, Queued) {
        (self.place, self.queued)
    }

    /// Returns the events it tells of, and those that tell of the same messages.
    pub(in super::super) fn events(&self) -> (&[EventHold], &[EventHold]) {
        (&self.queued.holds, &self.queued.echoes)
    }

    /// Returns why it need not be sent any more, if it need not.
    pub(in super::super) fn why_not(
        &self,
        now: Timestamp,
        is_withdrawn: bool,
    ) -> Option<PublishEnd> {
        let is_expired = self.queued.delivery.expires_at <= now;
        let expired = is_expired.then_some(PublishEnd::Expired);
        is_withdrawn.then_some(PublishEnd::Withdrawn).or(expired)
    }
}
