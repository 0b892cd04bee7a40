//! Push services, as far as their answers have shown them.

use crate::hash::{Seeded, SeededMap};
use crate::ids::HostId;
use crate::registration::Identity;
use jid::BareJid;

/// Push services remembered in each of two generations.
const MAX_SERVICES: usize = 10_000;

/// The identity under which each push service last accepted a delivery, by host and domain.
///
/// In two generations: when the young one is full it becomes the old one, and the old one goes. A push service that goes
/// on accepting is never forgotten, however many others there are.
#[derive(Debug)]
pub(super) struct Health {
    young: SeededMap<u64, Identity>,
    old: SeededMap<u64, Identity>,
    hash: Seeded,
}

impl Health {
    pub(super) fn new(hash: Seeded) -> Self {
        Self {
            young: hash.map(),
            old: hash.map(),
            hash,
        }
    }

    /// Returns the identity that `service` knows the host by, if it has accepted anything lately.
    pub(super) fn accepted(&self, host: HostId, service: &BareJid) -> Option<Identity> {
        let key = self.key(host, service);
        let known = self.young.get(&key).or_else(|| self.old.get(&key));
        known.copied()
    }

    /// `service` has accepted a delivery of that host under this identity.
    pub(super) fn accept(&mut self, host: HostId, service: &BareJid, identity: Identity) {
        if self.young.len() >= MAX_SERVICES {
            self.old = std::mem::replace(&mut self.young, self.hash.map());
        }
        self.young.insert(self.key(host, service), identity);
    }

    fn key(&self, host: HostId, service: &BareJid) -> u64 {
        self.hash.hash(&(host, service.domain().as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_that_goes_on_accepting_is_known_among_ten_thousands() {
        let mut health = Health::new(Seeded::new(1, 2));
        let (host, used) = (HostId::new(0), BareJid::new("push.example.net").unwrap());
        for n in 0..5 * MAX_SERVICES {
            if n % 1_000 == 0 {
                health.accept(host, &used, Identity::Server);
            }
            let other = BareJid::new(&format!("push{n}.example.net")).unwrap();
            health.accept(host, &other, Identity::Component);
            assert_eq!(health.accepted(host, &used), Some(Identity::Server));
        }
        assert!(health.young.len() + health.old.len() <= 2 * MAX_SERVICES);
    }

    #[test]
    fn what_one_host_learnt_is_not_true_of_another() {
        let mut health = Health::new(Seeded::new(1, 2));
        let service = BareJid::new("push.example.net").unwrap();
        health.accept(HostId::new(0), &service, Identity::Server);
        assert_eq!(health.accepted(HostId::new(1), &service), None);
        let node = BareJid::new("node@push.example.net").unwrap();
        assert_eq!(
            health.accepted(HostId::new(0), &node),
            Some(Identity::Server)
        );
    }
}
