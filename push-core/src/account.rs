//! What is known of one user.

use crate::registration::{PubsubNode, Registration, Target};
use jid::BareJid;

/// A user and their registrations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Whose account it is.
    pub owner: BareJid,
    /// By service and node; never two of one target.
    pub registrations: Vec<Registration>,
}

impl Account {
    /// The account of somebody who has enabled nothing.
    pub fn empty(owner: BareJid) -> Self {
        Self {
            owner,
            registrations: Vec::new(),
        }
    }

    /// The registration of `target`.
    pub fn registration(&self, target: &Target) -> Option<&Registration> {
        self.registrations
            .iter()
            .find(|registration| registration.target == *target)
    }

    /// Puts `registration` in, in place of one of the same target.
    pub fn enable(&mut self, registration: Registration) {
        let at = self
            .registrations
            .binary_search_by(|have| have.target.cmp(&registration.target));
        match at {
            Ok(at) => self.registrations[at] = registration,
            Err(at) => self.registrations.insert(at, registration),
        }
    }

    /// Takes out what `service` has, or only its `node`. Returns how many went.
    pub fn disable(&mut self, service: &BareJid, node: Option<&PubsubNode>) -> usize {
        let before = self.registrations.len();
        self.registrations.retain(|registration| {
            let target = &registration.target;
            target.service != *service || node.is_some_and(|node| target.node != *node)
        });
        before - self.registrations.len()
    }

    /// The registration enabled longest ago.
    pub fn oldest(&self) -> Option<&Registration> {
        self.registrations
            .iter()
            .min_by_key(|have| (have.enabled_at, have.revision))
    }
}
