//! Room for more deliveries at a push service.

use crate::Timestamp;

/// How many more deliveries a push service may have in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Room {
    /// So many.
    For(usize),
    /// So many, and one for each user: it has proved nothing, and no user shall be in another's way.
    Few(usize),
    /// So many, one for each user, and until then only for whom none has failed yet.
    Probes(usize, Timestamp),
    /// None, until one of those in flight has ended.
    None,
}

impl Room {
    /// Returns whether there is room for nothing more.
    pub(in super::super) fn is_full(self) -> bool {
        matches!(
            self,
            Self::None | Self::For(0) | Self::Few(0) | Self::Probes(0, _)
        )
    }
}
