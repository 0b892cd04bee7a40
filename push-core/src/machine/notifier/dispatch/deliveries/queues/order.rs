//! The order in which deliveries that wait are sent: one queue for each host and push service, which take turns.

use crate::Timestamp;
use crate::hash::{Seeded, SeededMap};
use crate::ids::{HostId, ServiceKey, Slot};
use crate::machine::deadlines::{Deadlines, Key};
use std::collections::{BTreeSet, VecDeque};

/// All queues. They are served in turns, so that none waits for another, and only those are looked at that may have something to
/// send.
#[derive(Debug)]
pub(super) struct Order {
    by_service: SeededMap<ServiceKey, Queue>,
    by_host: BTreeSet<(HostId, ServiceKey)>,
    /// Those that may have something to send, in turns.
    ready: VecDeque<ServiceKey>,
    /// When one of them has something to send again.
    wakes: Deadlines<ServiceKey>,
    arrivals: u64,
}

/// Names a place in a queue: when it may be sent, and after whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    at: Timestamp,
    arrival: u64,
}

impl Position {
    /// Returns when it may be sent.
    pub(super) fn at(self) -> Timestamp {
        self.at
    }
}

#[derive(Debug)]
struct Queue {
    host: HostId,
    slots: BTreeSet<(Position, Slot)>,
    is_ready: bool,
    wake: Option<Key>,
}

impl Order {
    pub(super) fn new(hash: Seeded) -> Self {
        Self {
            by_service: hash.map(),
            by_host: BTreeSet::new(),
            ready: VecDeque::new(),
            wakes: Deadlines::new(),
            arrivals: 0,
        }
    }

    /// Lets a delivery wait until then, behind those that wait as long. Its queue gets its turn.
    pub(super) fn insert(
        &mut self,
        (host, service): (HostId, ServiceKey),
        at: Timestamp,
        slot: Slot,
    ) -> Position {
        self.arrivals += 1;
        let position = Position {
            at,
            arrival: self.arrivals,
        };
        self.queue(host, service).slots.insert((position, slot));
        self.make_ready(service);
        position
    }

    /// Takes a delivery out. Its queue gets its turn.
    pub(super) fn remove(&mut self, service: ServiceKey, position: Position, slot: Slot) {
        if let Some(queue) = self.by_service.get_mut(&service) {
            queue.slots.remove(&(position, slot));
            self.make_ready(service);
        }
    }

    /// Returns what waits for a push service, in order.
    pub(super) fn of(&self, service: ServiceKey) -> impl Iterator<Item = (Timestamp, Slot)> {
        let queue = self.by_service.get(&service).into_iter();
        let slots = queue.flat_map(|queue| &queue.slots);
        slots.map(|(position, slot)| (position.at, *slot))
    }

    /// Takes the queue whose turn it is.
    pub(super) fn next(&mut self) -> Option<(HostId, ServiceKey)> {
        loop {
            let service = self.ready.pop_front()?;
            if let Some(queue) = self.by_service.get_mut(&service) {
                queue.is_ready = false;
                return Some((queue.host, service));
            }
        }
    }

    /// Lets a queue have its turn, even if there is nothing in it.
    pub(super) fn offer(&mut self, host: HostId, service: ServiceKey) {
        self.queue(host, service);
        self.make_ready(service);
    }

    /// Lets a queue have its turn.
    pub(super) fn make_ready(&mut self, service: ServiceKey) {
        if let Some(queue) = self.by_service.get_mut(&service)
            && !std::mem::replace(&mut queue.is_ready, true)
        {
            self.ready.push_back(service);
        }
    }

    /// Lets all queues of a host have their turn.
    pub(super) fn open(&mut self, host: HostId) {
        let of_host = (host, ServiceKey(0))..=(host, ServiceKey(u64::MAX));
        let of_host: Vec<_> = self.by_host.range(of_host).copied().collect();
        of_host
            .iter()
            .for_each(|(_, service)| self.make_ready(*service));
    }

    /// Lets all queues have their turn.
    pub(super) fn open_all(&mut self) {
        let all = self.by_host.clone();
        all.iter()
            .for_each(|(_, service)| self.make_ready(*service));
    }

    /// Leaves a queue alone until then, or until something happens; one with nothing in it goes.
    pub(super) fn rest(&mut self, service: ServiceKey, until: Option<Timestamp>) {
        let Some(queue) = self.by_service.get_mut(&service) else {
            return;
        };
        if let Some(at) = until {
            let known = queue.wake.replace(self.wakes.set(at, service));
            known.into_iter().for_each(|known| self.wakes.cancel(known));
        } else if queue.slots.is_empty() && queue.wake.is_none() && !queue.is_ready {
            self.by_host.remove(&(queue.host, service));
            self.by_service.remove(&service);
        }
    }

    /// Lets those have their turn that have something to send again.
    pub(super) fn tick(&mut self, now: Timestamp) {
        while let Some(service) = self.wakes.pop_due(now) {
            if let Some(queue) = self.by_service.get_mut(&service) {
                queue.wake = None;
            }
            self.make_ready(service);
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        self.wakes.next()
    }

    fn queue(&mut self, host: HostId, service: ServiceKey) -> &mut Queue {
        let by_host = &mut self.by_host;
        self.by_service.entry(service).or_insert_with(|| {
            by_host.insert((host, service));
            Queue {
                host,
                slots: BTreeSet::new(),
                is_ready: false,
                wake: None,
            }
        })
    }
}
