//! For whom an event is deferred (docs/protocol.md §3.4).

use crate::registration::{Registration, Target};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::sync::Arc;

/// Bytes of a digest that make an id: two registrations of one user never share one.
const ID_BYTES: usize = 8;

/// The most registrations that an event is deferred for: an adapter keeps no more.
pub const MAX_RECIPIENTS: usize = 50;

/// Names a registration to an adapter, which reads nothing in it. The same in every run of the service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecipientId(String);

impl RecipientId {
    /// Returns the id of the registration at `target`.
    pub fn of(target: &Target) -> Self {
        let mut digest = Sha256::new();
        digest.update(target.service.as_str());
        digest.update([0]);
        digest.update(target.node.as_str());
        let mut id = String::with_capacity(2 * ID_BYTES);
        for byte in digest.finalize().iter().take(ID_BYTES) {
            let _ = write!(id, "{byte:02x}");
        }
        Self(id)
    }

    /// Returns the id that an adapter has repeated.
    pub(super) fn read(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Returns the id as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One registration that an event is deferred for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// Names it.
    pub id: RecipientId,
    /// The registration, of which the adapter is told the resource it was enabled in.
    pub registration: Arc<Registration>,
}

impl Recipient {
    /// Returns the recipient that stands for a registration.
    pub fn new(registration: Arc<Registration>) -> Self {
        let id = RecipientId::of(&registration.target);
        Self { id, registration }
    }
}
