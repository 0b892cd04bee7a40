//! The hosts whose users are served.

use crate::hash::{Seeded, SeededMap};
use crate::ids::HostId;
use std::sync::Arc;

/// Domains and their ids. A domain keeps its id, also while it is not configured.
#[derive(Debug)]
pub(super) struct Hosts {
    domains: Vec<Arc<str>>,
    ids: SeededMap<Arc<str>, HostId>,
    configured: Vec<bool>,
    hash: Seeded,
}

/// The difference a new configuration makes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changed {
    added: Vec<HostId>,
    removed: Vec<HostId>,
}

impl Changed {
    /// Returns the hosts that are served from now on, and those that no longer are.
    pub(super) fn into_parts(self) -> (Vec<HostId>, Vec<HostId>) {
        (self.added, self.removed)
    }
}

impl Hosts {
    pub(super) fn new(hash: Seeded) -> Self {
        Self {
            domains: Vec::new(),
            ids: hash.map(),
            configured: Vec::new(),
            hash,
        }
    }

    /// Makes `domains` the hosts that are served.
    pub(super) fn configure(&mut self, domains: &[String]) -> Changed {
        let mut wanted = self.hash.map();
        for domain in domains {
            wanted.insert(self.id(domain), ());
        }
        let mut changed = Changed::default();
        for (index, configured) in self.configured.iter_mut().enumerate() {
            let host = HostId::new(index);
            let before = std::mem::replace(configured, wanted.contains_key(&host));
            match (before, *configured) {
                (false, true) => changed.added.push(host),
                (true, false) => changed.removed.push(host),
                _ => {}
            }
        }
        changed
    }

    /// Returns the host of that domain, if it is served.
    pub(super) fn find(&self, domain: &str) -> Option<HostId> {
        let host = self.ids.get(domain).copied();
        host.filter(|host| self.configured[host.index()])
    }

    pub(super) fn domain(&self, host: HostId) -> &Arc<str> {
        &self.domains[host.index()]
    }

    /// Iterates over those that are served.
    pub(super) fn iter(&self) -> impl Iterator<Item = HostId> {
        let all = self.configured.iter().enumerate();
        all.filter(|(_, served)| **served)
            .map(|(index, _)| HostId::new(index))
    }

    fn id(&mut self, domain: &str) -> HostId {
        if let Some(&known) = self.ids.get(domain) {
            return known;
        }
        let (id, domain) = (HostId::new(self.domains.len()), Arc::<str>::from(domain));
        self.ids.insert(domain.clone(), id);
        self.domains.push(domain);
        self.configured.push(false);
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_comes_back_keeps_its_id() {
        let names = |names: &[&str]| {
            names
                .iter()
                .map(|&name| name.to_owned())
                .collect::<Vec<_>>()
        };
        let mut hosts = Hosts::new(Seeded::new(1, 2));
        let first = hosts.configure(&names(&["a.example", "b.example"]));
        assert_eq!(first.added.len(), 2);
        let b = hosts.find("b.example").unwrap();
        let second = hosts.configure(&names(&["a.example", "c.example"]));
        assert_eq!(second.removed, [b]);
        assert_eq!(hosts.find("b.example"), None);
        assert_eq!(hosts.iter().count(), 2);
        let third = hosts.configure(&names(&["b.example"]));
        assert_eq!((third.added.as_slice(), third.removed.len()), (&[b][..], 2));
    }
}
