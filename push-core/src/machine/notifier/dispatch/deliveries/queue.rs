//! Deliveries that wait for their turn.

use super::busy::Busy;
use super::health::Room;
use super::picked::Picked;
use super::turn::{Next, Turn};
use crate::delivery::{Class, Route};
use crate::hash::{Seeded, SeededMap};
use crate::ids::{HostId, ServiceKey, Slot};
use crate::machine::deadlines::{Deadlines, Key};
use crate::machine::values::{MessageKey, Pending, Place, Queued, slot};
use crate::registration::{Registration, Target};
use crate::{Timestamp, TraceId};
use jid::BareJid;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// For one registration, a delivery of each may wait.
const CLASSES: [Class; 3] = [Class::Message, Class::Call, Class::Stop];

/// How many deliveries are looked at in search of one whose user has none in flight.
const LOOKED_AT: usize = 100;

/// All queues, one for each host and push service with something waiting.
///
/// They are served in turns, so that none waits for another, and only those are looked at that have something to send. Behind
/// each queue, deliveries wait for the end of one for the same registration.
#[derive(Debug)]
pub(super) struct Queues {
    by_key: SeededMap<ServiceKey, Queue>,
    waiting: BTreeMap<Slot, Waiting>,
    busy: Busy,
    /// Queues that may have something to send, in turns.
    ready: VecDeque<ServiceKey>,
    by_host: BTreeSet<(HostId, ServiceKey)>,
    /// When a queue has something to send again.
    wakes: Deadlines<ServiceKey>,
    /// When a delivery has waited for long enough.
    patience: Deadlines<Slot>,
    /// Hosts whose adapters can keep what waits.
    deferring: BTreeSet<HostId>,
    arrivals: u64,
    hash: Seeded,
}

#[derive(Debug)]
struct Queue {
    host: HostId,
    /// In the order in which they may be sent.
    order: BTreeSet<(Timestamp, u64, Slot)>,
    is_ready: bool,
    wake: Option<Key>,
}

#[derive(Debug)]
struct Waiting {
    queued: Queued,
    service: ServiceKey,
    /// Its place in the queue; none while it is behind one in flight.
    place: Option<(Timestamp, u64)>,
    patience: Key,
}

impl Queues {
    pub(super) fn new(hash: Seeded) -> Self {
        Self {
            by_key: hash.map(),
            waiting: BTreeMap::new(),
            busy: Busy::default(),
            ready: VecDeque::new(),
            by_host: BTreeSet::new(),
            wakes: Deadlines::new(),
            patience: Deadlines::new(),
            deferring: BTreeSet::new(),
            arrivals: 0,
            hash,
        }
    }

    /// Puts a delivery at the end of its queue, or into the one that waits for the same registration. Returns that one's trace
    /// then, with the keys that found no room in it.
    pub(super) fn push(
        &mut self,
        now: Timestamp,
        queued: Queued,
        patience: Duration,
    ) -> Option<(TraceId, Vec<MessageKey>)> {
        let slot = queued.slot(self.hash);
        if let Some(waiting) = self.waiting.get_mut(&slot) {
            let forgotten = waiting.queued.absorb(queued);
            return Some((waiting.queued.delivery.trace, forgotten));
        }
        let until = now.after(patience);
        self.insert(slot, queued, until);
        None
    }

    /// Puts a delivery that was taken too early into its queue again; a newer one that waits meanwhile goes into it. Returns
    /// the keys that find no room then.
    pub(super) fn put_back(
        &mut self,
        now: Timestamp,
        mut older: Queued,
        patience: Duration,
    ) -> Vec<MessageKey> {
        let slot = older.slot(self.hash);
        let newer = self.take_slot(slot);
        let forgotten = newer.map(|newer| older.absorb(newer));
        self.insert(slot, older, now.after(patience));
        forgotten.unwrap_or_default()
    }

    /// Attaches the events of `pending` to the deliveries that carry its messages to a registration. Returns how many those are.
    pub(super) fn join(&mut self, owner: &BareJid, target: &Target, pending: &Pending) -> usize {
        let mut joined = 0;
        for slot in CLASSES.map(|class| slot(self.hash, owner, target, class)) {
            let waiting = self.waiting.get_mut(&slot);
            if let Some(waiting) = waiting.filter(|waiting| waiting.queued.tells_of(&pending.keys))
            {
                waiting.queued.echoes.extend(&pending.holds);
                joined += 1;
            }
        }
        joined
    }

    /// Lets what waits for a registration go out as it was enabled last.
    pub(super) fn renew(&mut self, owner: &BareJid, registration: &Registration) {
        let target = &registration.target;
        for slot in CLASSES.map(|class| slot(self.hash, owner, target, class)) {
            if let Some(waiting) = self.waiting.get_mut(&slot) {
                waiting.queued.delivery.registration = Arc::new(registration.clone());
            }
        }
    }

    /// Returns what the next queue has to offer that has an open `route` and `room`. A delivery is in flight until
    /// [`Self::release`].
    pub(super) fn pop(
        &mut self,
        now: Timestamp,
        route: impl Fn(HostId) -> Option<Route>,
        mut room: impl FnMut(HostId, ServiceKey) -> Room,
    ) -> Option<Next> {
        while let Some(key) = self.ready.pop_front() {
            let Some(queue) = self.by_key.get_mut(&key) else {
                continue;
            };
            queue.is_ready = false;
            let host = queue.host;
            let Some(route) = route(host) else {
                // Its turn comes again when the route opens.
                continue;
            };
            let room = room(host, key);
            let is_unproven = !matches!(room, Room::For(_));
            match self.pick(now, key, room) {
                Picked::Delivery(slot) => {
                    let queued = self.take_slot(slot)?;
                    self.busy.insert(slot, key, is_unproven);
                    let turn = Turn::new(Place::new(key, slot, route), queued);
                    return Some(Next::Turn(Box::new(turn)));
                }
                Picked::Unwanted(slot) => {
                    let queued = self.take_slot(slot)?;
                    let attempts = queued.attempts.not_before(now, false);
                    return Some(Next::Park(queued, attempts));
                }
                Picked::Nothing(until) => self.rest(key, until),
                Picked::Room(most, until) => {
                    self.rest(key, until);
                    return Some(Next::Fetch(host, key, most));
                }
            }
        }
        None
    }

    /// Chooses what a queue has to offer to a push service with this room.
    fn pick(&self, now: Timestamp, key: ServiceKey, room: Room) -> Picked {
        let order = self.by_key.get(&key).map(|queue| &queue.order);
        let mut order = order.into_iter().flatten().copied();
        let first = order.next();
        match (room, first) {
            (Room::None | Room::For(0) | Room::Few(0), _) => Picked::Nothing(None),
            (Room::For(most) | Room::Few(most), None) => Picked::Room(most, None),
            (Room::For(_), Some((at, _, slot))) if at <= now => Picked::Delivery(slot),
            (Room::For(most) | Room::Few(most), Some((at, ..))) if at > now => {
                Picked::Room(most, Some(at))
            }
            (Room::Probes(_, until), Some((.., slot))) if self.has_failed(slot) => {
                if self.is_deferrable(slot) {
                    Picked::Unwanted(slot)
                } else {
                    Picked::Nothing(Some(until))
                }
            }
            (Room::Probes(_, until), None) | (Room::Probes(0, until), _) => {
                Picked::Nothing(Some(until))
            }
            (_, first) => {
                let is_open = matches!(room, Room::Probes(..));
                let all = first.into_iter().chain(order).take(LOOKED_AT);
                let mut due = all.filter(|(at, ..)| *at <= now);
                let next = due.find(|(.., slot)| {
                    let may_try = !is_open || !self.has_failed(*slot);
                    may_try && !self.busy.is_served(slot.owner, key)
                });
                next.map_or(Picked::Nothing(None), |(.., slot)| Picked::Delivery(slot))
            }
        }
    }

    /// Returns whether an attempt at a delivery has failed.
    fn has_failed(&self, slot: Slot) -> bool {
        let waiting = self.waiting.get(&slot);
        waiting.is_some_and(|waiting| waiting.queued.attempts.failed > 0)
    }

    /// Notes whether the adapter of a host can keep what waits.
    pub(super) fn set_deferring(&mut self, host: HostId, can_defer: bool) {
        if can_defer {
            self.deferring.insert(host);
        } else {
            self.deferring.remove(&host);
        }
    }

    /// Returns whether a delivery can wait at its adapter.
    pub(super) fn can_defer(&self, queued: &Queued) -> bool {
        !queued.holds.is_empty() && self.deferring.contains(&queued.host)
    }

    fn is_deferrable(&self, slot: Slot) -> bool {
        (self.waiting.get(&slot)).is_some_and(|waiting| self.can_defer(&waiting.queued))
    }

    /// One delivery for this registration is no longer in flight: the next one gets its turn.
    pub(super) fn release(&mut self, slot: Slot) {
        self.busy.remove(slot);
        if let Some(waiting) = self.waiting.get_mut(&slot) {
            let (service, host) = (waiting.service, waiting.queued.host);
            self.arrivals += 1;
            let place = (waiting.queued.attempts.not_before, self.arrivals);
            waiting.place = Some(place);
            self.queue(service, host)
                .order
                .insert((place.0, place.1, slot));
            self.make_ready(service);
        }
    }

    /// Lets a push service with nothing waiting have its turn, too.
    pub(super) fn offer(&mut self, host: HostId, service: ServiceKey) {
        self.queue(service, host);
        self.make_ready(service);
    }

    /// Lets everything that waits for this host have its turn.
    pub(super) fn open(&mut self, host: HostId) {
        let of_host = (host, ServiceKey(0))..=(host, ServiceKey(u64::MAX));
        let of_host: Vec<_> = self.by_host.range(of_host).copied().collect();
        of_host.iter().for_each(|(_, key)| self.make_ready(*key));
    }

    /// Lets everything that waits have its turn, whichever host it is of.
    pub(super) fn open_all(&mut self) {
        let all = self.by_host.clone();
        all.iter().for_each(|(_, key)| self.make_ready(*key));
    }

    /// Takes out what waits for one user and `is_meant`.
    pub(super) fn take(
        &mut self,
        owner: &BareJid,
        is_meant: impl Fn(&Registration) -> bool,
    ) -> Vec<Queued> {
        let owner = self.hash.hash(owner);
        let of_owner = self.waiting.range(Slot::of_owner(owner));
        let meant = of_owner.filter(|(_, waiting)| is_meant(&waiting.queued.delivery.registration));
        let meant = meant.map(|(slot, _)| *slot).collect();
        self.take_slots(meant)
    }

    /// Takes out all that `is_meant`, in no particular order of registrations but always the same.
    pub(super) fn take_all(&mut self, is_meant: impl Fn(&Queued) -> bool) -> Vec<Queued> {
        let meant = self
            .waiting
            .iter()
            .filter(|(_, waiting)| is_meant(&waiting.queued));
        let meant = meant.map(|(slot, _)| *slot).collect();
        self.take_slots(meant)
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        self.wakes
            .next()
            .into_iter()
            .chain(self.patience.next())
            .min()
    }

    /// Lets queues have their turn that have something to send again. Returns a delivery that has waited for long enough and
    /// that an adapter would tell again, with whether it is behind another one.
    pub(super) fn tick(&mut self, now: Timestamp) -> Option<(Queued, bool)> {
        while let Some(key) = self.wakes.pop_due(now) {
            if let Some(queue) = self.by_key.get_mut(&key) {
                queue.wake = None;
            }
            self.make_ready(key);
        }
        while let Some(slot) = self.patience.pop_due(now) {
            if self.is_deferrable(slot) {
                let waiting = self.waiting.get(&slot)?;
                let is_behind =
                    waiting.place.is_none() || self.busy.is_served(slot.owner, waiting.service);
                return self.take_slot(slot).map(|queued| (queued, is_behind));
            }
        }
        None
    }

    fn insert(&mut self, slot: Slot, queued: Queued, until: Timestamp) {
        let service = queued.service(self.hash);
        let is_behind = self.busy.contains(slot);
        self.arrivals += 1;
        let place = (queued.attempts.not_before, self.arrivals);
        if !is_behind {
            let host = queued.host;
            let queue = self.queue(service, host);
            queue.order.insert((place.0, place.1, slot));
        }
        let waiting = Waiting {
            queued,
            service,
            place: (!is_behind).then_some(place),
            patience: self.patience.set(until, slot),
        };
        self.waiting.insert(slot, waiting);
        self.make_ready(service);
    }

    fn queue(&mut self, service: ServiceKey, host: HostId) -> &mut Queue {
        let by_host = &mut self.by_host;
        self.by_key.entry(service).or_insert_with(|| {
            by_host.insert((host, service));
            Queue {
                host,
                order: BTreeSet::new(),
                is_ready: false,
                wake: None,
            }
        })
    }

    /// Lets a queue have its turn.
    fn make_ready(&mut self, key: ServiceKey) {
        if let Some(queue) = self.by_key.get_mut(&key)
            && !std::mem::replace(&mut queue.is_ready, true)
        {
            self.ready.push_back(key);
        }
    }

    /// Leaves a queue alone until then, or until something happens; one with nothing in it goes.
    fn rest(&mut self, key: ServiceKey, until: Option<Timestamp>) {
        let Some(queue) = self.by_key.get_mut(&key) else {
            return;
        };
        if let Some(at) = until {
            let known = queue.wake.replace(self.wakes.set(at, key));
            known.into_iter().for_each(|known| self.wakes.cancel(known));
        } else if queue.order.is_empty() && queue.wake.is_none() && !queue.is_ready {
            self.by_host.remove(&(queue.host, key));
            self.by_key.remove(&key);
        }
    }

    fn take_slots(&mut self, slots: Vec<Slot>) -> Vec<Queued> {
        let taken = slots.into_iter().filter_map(|slot| self.take_slot(slot));
        taken.collect()
    }

    fn take_slot(&mut self, slot: Slot) -> Option<Queued> {
        let waiting = self.waiting.remove(&slot)?;
        self.patience.cancel(waiting.patience);
        if let (Some((at, arrival)), Some(queue)) =
            (waiting.place, self.by_key.get_mut(&waiting.service))
        {
            queue.order.remove(&(at, arrival, slot));
            self.make_ready(waiting.service);
        }
        Some(waiting.queued)
    }
}
