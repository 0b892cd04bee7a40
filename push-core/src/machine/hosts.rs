//! The hosts whose users are served, and the state of the link to each.

use super::deadlines::Key;
use super::publishes::PublishId;
use super::tickets::TicketId;
use crate::Timestamp;
use crate::hash::{Seeded, SeededMap};
use crate::link::ToAdapter;
use crate::registration::Identity;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How the link to a host stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LinkState {
    Detached,
    /// The server said that nobody is there.
    Absent,
    Attached,
}

/// A host.
#[derive(Debug)]
pub(super) struct Host {
    /// Its domain.
    pub(super) domain: Arc<str>,
    /// It is configured; a host that no longer is keeps its place but is believed nothing.
    pub(super) configured: bool,
    /// The session of our hello that is not answered yet.
    pub(super) session: Option<String>,
    /// How the link stands.
    pub(super) link: LinkState,
    /// The server, as the adapter called it.
    pub(super) software: Option<String>,
    /// The adapter's epoch, and how many there were.
    pub(super) epoch: Option<Arc<str>>,
    pub(super) generation: u64,
    /// The highest event number of the epoch.
    pub(super) highest: u64,
    /// Events that are not decided yet.
    pub(super) pending: BTreeMap<u64, TicketId>,
    /// Events that are, not acknowledged yet: (first, last).
    pub(super) done: Vec<(u64, u64)>,
    /// What the adapter shall know of users, in order, and how many statements it was sent.
    pub(super) statements: Vec<(String, bool)>,
    pub(super) statements_sent: u64,
    /// It shall forget all it was told of users first.
    pub(super) reset: bool,
    /// When it will be told to forget.
    pub(super) forget_at: Option<Key>,
    /// What else it shall be sent.
    pub(super) outbox: Vec<ToAdapter>,
    /// Publishes sent in this run, and those without outcome.
    pub(super) published: u64,
    pub(super) unanswered: BTreeMap<u64, PublishId>,
    /// When to greet it again, or to ask whether it is there.
    pub(super) due: Option<Key>,
    /// Pings without pong.
    pub(super) pings: u32,
    /// When the adapter was heard last.
    pub(super) heard_at: Timestamp,
    /// `urn:xmpp:push:0` is delegated to us.
    pub(super) delegated: bool,
    /// The best identity it has offered in this run.
    pub(super) identity: Option<Identity>,
}

impl Host {
    pub(super) fn is_attached(&self) -> bool {
        self.link == LinkState::Attached
    }

    fn new(domain: &str) -> Self {
        Self {
            domain: domain.into(),
            configured: true,
            session: None,
            link: LinkState::Detached,
            software: None,
            epoch: None,
            generation: 0,
            highest: 0,
            pending: BTreeMap::new(),
            done: Vec::new(),
            statements: Vec::new(),
            statements_sent: 0,
            reset: false,
            forget_at: None,
            outbox: Vec::new(),
            published: 0,
            unanswered: BTreeMap::new(),
            due: None,
            pings: 0,
            heard_at: Timestamp::default(),
            delegated: false,
            identity: None,
        }
    }
}

/// All hosts. A host keeps its index for the life of the Machine.
#[derive(Debug)]
pub(super) struct Hosts {
    all: Vec<Host>,
    index: SeededMap<String, usize>,
    /// Names this run to the adapters.
    pub(super) instance: String,
}

impl Hosts {
    pub(super) fn new(domains: &[String], hash: Seeded, instance: String) -> Self {
        let mut hosts = Self {
            all: Vec::new(),
            index: hash.map(),
            instance,
        };
        hosts.configure(domains);
        hosts
    }

    /// Exactly `domains` are configured from now on. Returns those that were not before.
    pub(super) fn configure(&mut self, domains: &[String]) -> Vec<usize> {
        let mut fresh = Vec::new();
        self.all.iter_mut().for_each(|host| {
            host.configured &= domains.iter().any(|domain| **domain == *host.domain);
        });
        for domain in domains {
            let known = self.index.get(domain).copied();
            let index = known.unwrap_or_else(|| {
                self.all.push(Host::new(domain));
                self.index.insert(domain.clone(), self.all.len() - 1);
                self.all.len() - 1
            });
            if known.is_none() || !std::mem::replace(&mut self.all[index].configured, true) {
                fresh.push(index);
            }
        }
        fresh
    }

    /// The configured host of that domain.
    pub(super) fn find(&self, domain: &str) -> Option<usize> {
        self.index
            .get(domain)
            .copied()
            .filter(|&index| self.all[index].configured)
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// How many are configured, at least 1.
    pub(super) fn configured(&self) -> usize {
        self.all
            .iter()
            .filter(|host| host.configured)
            .count()
            .max(1)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Host> {
        self.all.iter().filter(|host| host.configured)
    }
}

impl std::ops::Index<usize> for Hosts {
    type Output = Host;

    fn index(&self, index: usize) -> &Host {
        &self.all[index]
    }
}

impl std::ops::IndexMut<usize> for Hosts {
    fn index_mut(&mut self, index: usize) -> &mut Host {
        &mut self.all[index]
    }
}
