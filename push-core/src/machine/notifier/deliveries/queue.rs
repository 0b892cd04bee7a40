//! Deliveries that wait for their turn.

use crate::TraceId;
use crate::delivery::Class;
use crate::hash::{Seeded, SeededMap};
use crate::ids::HostId;
use crate::machine::values::{MessageKey, Queued};
use crate::registration::{Registration, Target};
use jid::BareJid;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Names the queue of one host's deliveries to one push service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct QueueKey(u64);

/// One registration and class: at most one delivery waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Slot {
    owner: u64,
    registration: u64,
}

/// All queues, one for each host and push service with something waiting or in flight.
///
/// They are served in turns, so that none waits for another, and only those are looked at that have something to send.
#[derive(Debug)]
pub(super) struct Queues {
    by_key: SeededMap<QueueKey, Queue>,
    /// Where the delivery of each registration waits.
    slots: BTreeMap<Slot, (QueueKey, u64)>,
    /// Queues that may have something to send, in turns.
    ready: VecDeque<QueueKey>,
    by_host: BTreeSet<(HostId, QueueKey)>,
    arrivals: u64,
    hash: Seeded,
}

#[derive(Debug)]
struct Queue {
    host: HostId,
    waiting: BTreeMap<u64, (Slot, Queued)>,
    in_flight: usize,
    is_ready: bool,
}

impl Queues {
    pub(super) fn new(hash: Seeded) -> Self {
        Self {
            by_key: hash.map(),
            slots: BTreeMap::new(),
            ready: VecDeque::new(),
            by_host: BTreeSet::new(),
            arrivals: 0,
            hash,
        }
    }

    /// Returns the slot of a registration.
    pub(super) fn slot(&self, owner: &BareJid, target: &Target, class: Class) -> Slot {
        Slot {
            owner: self.hash.hash(owner),
            registration: self.hash.hash(&(target, class)),
        }
    }

    /// Puts a delivery at the end of its queue, or into the one that waits for the same registration. Returns that one's trace
    /// then, with the keys that found no room in it.
    pub(super) fn push(&mut self, queued: Queued) -> Option<(TraceId, Vec<MessageKey>)> {
        let slot = self.slot_of(&queued);
        if let Some(waiting) = self.at(slot) {
            let forgotten = waiting.absorb(queued);
            return Some((waiting.delivery.trace, forgotten));
        }
        self.insert(slot, queued);
        None
    }

    /// Puts a delivery that was taken too early at the end of its queue; a newer one that waits meanwhile goes into it. Returns
    /// the keys that find no room then.
    pub(super) fn put_back(&mut self, mut older: Queued) -> Vec<MessageKey> {
        let slot = self.slot_of(&older);
        let newer = self.take_slot(slot);
        let forgotten = newer.map(|newer| older.absorb(newer));
        self.insert(slot, older);
        forgotten.unwrap_or_default()
    }

    /// Returns the delivery that waits for a registration.
    pub(super) fn find(
        &mut self,
        owner: &BareJid,
        target: &Target,
        class: Class,
    ) -> Option<&mut Queued> {
        let slot = self.slot(owner, target, class);
        self.at(slot)
    }

    /// Takes the next delivery of a host with an open `route` and a push service that has less than `bound` in flight; it
    /// counts as in flight until [`Self::release`].
    pub(super) fn pop<R>(
        &mut self,
        bound: usize,
        route: impl Fn(HostId) -> Option<R>,
    ) -> Option<(QueueKey, R, Queued)> {
        while let Some(key) = self.ready.pop_front() {
            let Some(queue) = self.by_key.get_mut(&key) else {
                continue;
            };
            queue.is_ready = false;
            let open = route(queue.host).filter(|_| queue.in_flight < bound);
            let Some(route) = open else {
                continue;
            };
            let Some((_, (slot, queued))) = queue.waiting.pop_first() else {
                continue;
            };
            queue.in_flight += 1;
            self.slots.remove(&slot);
            self.make_ready(key);
            return Some((key, route, queued));
        }
        None
    }

    /// One delivery of that queue is no longer in flight.
    pub(super) fn release(&mut self, key: QueueKey) {
        if let Some(queue) = self.by_key.get_mut(&key) {
            queue.in_flight -= 1;
        }
        self.make_ready(key);
    }

    /// Lets everything that waits for this host have its turn.
    pub(super) fn open(&mut self, host: HostId) {
        let of_host = (host, QueueKey(0))..=(host, QueueKey(u64::MAX));
        let keys: Vec<QueueKey> = self.by_host.range(of_host).map(|(_, key)| *key).collect();
        keys.into_iter().for_each(|key| self.make_ready(key));
    }

    /// Lets everything that waits have its turn, whichever host it is of.
    pub(super) fn open_all(&mut self) {
        let keys: Vec<QueueKey> = self.by_host.iter().map(|(_, key)| *key).collect();
        keys.into_iter().for_each(|key| self.make_ready(key));
    }

    /// Takes out what waits for one user and `is_meant`.
    pub(super) fn take(
        &mut self,
        owner: &BareJid,
        is_meant: impl Fn(&Registration) -> bool,
    ) -> Vec<Queued> {
        let owner = self.hash.hash(owner);
        let slot = |registration| Slot {
            owner,
            registration,
        };
        let slots = self.slots.range(slot(0)..=slot(u64::MAX));
        let meant = slots.filter(|(_, (key, arrival))| {
            let waiting = self
                .by_key
                .get(key)
                .and_then(|queue| queue.waiting.get(arrival));
            waiting.is_some_and(|(_, queued)| is_meant(&queued.delivery.registration))
        });
        let meant: Vec<Slot> = meant.map(|(slot, _)| *slot).collect();
        let taken = meant.into_iter().filter_map(|slot| self.take_slot(slot));
        taken.collect()
    }

    /// Takes out all that `is_meant`, in no particular order of registrations but always the same.
    pub(super) fn take_all(&mut self, is_meant: impl Fn(&Queued) -> bool) -> Vec<Queued> {
        let slots = self.slots.iter().filter(|(_, (key, arrival))| {
            let waiting = self
                .by_key
                .get(key)
                .and_then(|queue| queue.waiting.get(arrival));
            waiting.is_some_and(|(_, queued)| is_meant(queued))
        });
        let meant: Vec<Slot> = slots.map(|(slot, _)| *slot).collect();
        let taken = meant.into_iter().filter_map(|slot| self.take_slot(slot));
        taken.collect()
    }

    pub(super) fn waiting(&self) -> usize {
        self.slots.len()
    }

    fn insert(&mut self, slot: Slot, queued: Queued) {
        let service = &queued.delivery.registration.target.service;
        let key = QueueKey(self.hash.hash(&(queued.host, service)));
        self.arrivals += 1;
        self.slots.insert(slot, (key, self.arrivals));
        let host = queued.host;
        let by_host = &mut self.by_host;
        let queue = self.by_key.entry(key).or_insert_with(|| {
            by_host.insert((host, key));
            Queue {
                host,
                waiting: BTreeMap::new(),
                in_flight: 0,
                is_ready: false,
            }
        });
        queue.waiting.insert(self.arrivals, (slot, queued));
        self.make_ready(key);
    }

    /// Lets a queue with something waiting have its turn; one with nothing in work goes.
    fn make_ready(&mut self, key: QueueKey) {
        let Some(queue) = self.by_key.get_mut(&key) else {
            return;
        };
        if !queue.waiting.is_empty() {
            if !std::mem::replace(&mut queue.is_ready, true) {
                self.ready.push_back(key);
            }
        } else if queue.in_flight == 0 {
            self.by_host.remove(&(queue.host, key));
            self.by_key.remove(&key);
        }
    }

    fn slot_of(&self, queued: &Queued) -> Slot {
        let delivery = &queued.delivery;
        let target = &delivery.registration.target;
        self.slot(&delivery.owner, target, delivery.class)
    }

    fn at(&mut self, slot: Slot) -> Option<&mut Queued> {
        let (key, arrival) = self.slots.get(&slot)?;
        let queue = self.by_key.get_mut(key)?;
        queue.waiting.get_mut(arrival).map(|(_, queued)| queued)
    }

    fn take_slot(&mut self, slot: Slot) -> Option<Queued> {
        let (key, arrival) = self.slots.remove(&slot)?;
        let taken = self.by_key.get_mut(&key)?.waiting.remove(&arrival);
        self.make_ready(key);
        taken.map(|(_, queued)| queued)
    }
}
