//! The registrations of the bench: two for each owner.

use crate::Result;
use push_core::Registration;
use push_core::registration::PublishOptions;
use push_core::store::{Change, RegistrationStore};
use push_tests::store::{enable, registration};

/// Registrations of an owner.
pub(crate) const DEVICES: u64 = 2;

/// Owners in a call.
const PORTION: u64 = 2_000;

pub(crate) fn owner(index: u64) -> String {
    format!("user{index}@example.org")
}

/// Of the size that phones' registrations have.
pub(crate) fn device(device: u64, revision: u64) -> Registration {
    let secret = format!("{revision:064x}");
    Registration {
        options: PublishOptions::new(vec![("secret".into(), secret)]),
        ..registration("push.example.net", &format!("{device:032x}"), revision)
    }
}

/// What an owner has at the start; revisions of it are 1.
pub(crate) fn account(index: u64) -> Vec<Change> {
    let devices = 0..DEVICES;
    devices
        .map(|at| enable(&owner(index), &device(at, 1)))
        .collect()
}

pub(crate) async fn fill(store: &dyn RegistrationStore, size: u64) -> Result<()> {
    let owners = size / DEVICES;
    for first in (0..owners).step_by(usize::try_from(PORTION)?) {
        let changes: Vec<Change> = (first..owners.min(first + PORTION))
            .flat_map(account)
            .collect();
        store.commit(&changes).await?;
    }
    Ok(())
}
