//! Deliveries that wait for their turn.

mod busy;
mod kept;
mod order;
mod picked;

use super::health::Room;
use super::turn::{Next, Turn};
use crate::delivery::{Class, Route};
use crate::hash::Seeded;
use crate::ids::{HostId, ServiceKey, Slot};
use crate::machine::deadlines::{Deadlines, Key};
use crate::machine::values::{MessageKey, Pending, Place, Queued, slot};
use crate::registration::{Registration, Target};
use crate::{Policy, Timestamp, TraceId};
use busy::Busy;
use jid::BareJid;
use kept::Kept;
use order::{Order, Position};
use picked::Picked;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// For one registration, a delivery of each may wait.
const CLASSES: [Class; 3] = [Class::Message, Class::Call, Class::Stop];

/// How many deliveries are looked at in search of one whose user has none in flight.
const LOOKED_AT: usize = 100;

/// All deliveries that wait, one for each registration and class. Behind the queues, some wait for the end of one for the same
/// registration.
#[derive(Debug)]
pub(super) struct Queues {
    waiting: BTreeMap<Slot, Waiting>,
    order: Order,
    busy: Busy,
    kept: Kept,
    /// When a delivery has waited for long enough.
    patience: Deadlines<Slot>,
    /// Hosts whose adapters can keep what waits.
    deferring: BTreeSet<HostId>,
    hash: Seeded,
}

#[derive(Debug)]
struct Waiting {
    queued: Queued,
    service: ServiceKey,
    /// Its place in the queue; none while it is behind one in flight.
    position: Option<Position>,
    patience: Key,
}

impl Queues {
    pub(super) fn new(hash: Seeded) -> Self {
        Self {
            waiting: BTreeMap::new(),
            order: Order::new(hash),
            busy: Busy::default(),
            kept: Kept::default(),
            patience: Deadlines::new(),
            deferring: BTreeSet::new(),
            hash,
        }
    }

    /// Puts a delivery at the end of its queue, or into the one that waits for the same registration, which need not wait any longer
    /// then. Returns that one's trace, with the keys that found no room in it. One that holds up too much for a push
    /// service that has proved nothing has waited for long enough.
    pub(super) fn push(
        &mut self,
        now: Timestamp,
        queued: Queued,
        is_proven: bool,
        policy: &Policy,
    ) -> Option<(TraceId, Vec<MessageKey>)> {
        let slot = queued.slot(self.hash);
        if let Some(waiting) = self.waiting.get_mut(&slot) {
            self.kept.remove(slot, &waiting.queued);
            let forgotten = waiting.queued.absorb(queued);
            self.kept.insert(slot, &waiting.queued);
            let trace = waiting.queued.delivery.trace;
            if !is_proven && waiting.queued.holds.len() >= policy.held_per_notification {
                self.patience.cancel(waiting.patience);
                waiting.patience = self.patience.set(now, slot);
            }
            self.hasten(now, slot);
            return Some((trace, forgotten));
        }
        self.insert(slot, queued, now.after(policy.unproven_after));
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
    /// [`Self::end`].
    pub(super) fn pop(
        &mut self,
        now: Timestamp,
        policy: &Policy,
        route: impl Fn(HostId) -> Option<Route>,
        mut room: impl FnMut(HostId, ServiceKey) -> Room,
    ) -> Option<Next> {
        while let Some((host, service)) = self.order.next() {
            let Some(route) = route(host) else {
                // Its turn comes again when the route opens.
                continue;
            };
            let room = room(host, service);
            let is_unproven = !matches!(room, Room::For(_));
            match self.pick(now, service, room, policy) {
                Picked::Delivery(slot) => {
                    let queued = self.take_slot(slot)?;
                    self.busy.insert(slot, service, is_unproven);
                    let turn = Turn::new(Place::new(service, slot, route), queued);
                    return Some(Next::Turn(Box::new(turn)));
                }
                Picked::Unwanted(slot, _) if self.is_deferrable(slot) => {
                    let queued = self.take_slot(slot)?;
                    let attempts = queued.attempts.not_before(now, false);
                    return Some(Next::Park(queued, attempts));
                }
                Picked::Unwanted(slot, until) => self.set_position(slot, until),
                Picked::Nothing(until) => self.order.rest(service, until),
                Picked::Room(most, until) => {
                    self.order.rest(service, until);
                    return Some(Next::Fetch(host, service, most));
                }
            }
        }
        None
    }

    /// Chooses what a queue has to offer to a push service with this room.
    fn pick(&self, now: Timestamp, service: ServiceKey, room: Room, policy: &Policy) -> Picked {
        let most = policy.in_flight_unproven_per_user;
        let mut order = self.order.of(service);
        let first = order.next();
        match (room, first) {
            (Room::None | Room::For(0) | Room::Few(0), _) => Picked::Nothing(None),
            (Room::For(most) | Room::Few(most), None) => Picked::Room(most, None),
            (Room::For(most) | Room::Few(most), Some((at, _))) if at > now => {
                Picked::Room(most, Some(at))
            }
            (Room::For(_), Some((_, slot))) => Picked::Delivery(slot),
            (Room::Probes(_, until), Some((at, slot))) if at <= now && self.has_failed(slot) => {
                Picked::Unwanted(slot, until)
            }
            (Room::Probes(0, until), _) => Picked::Nothing(Some(until)),
            (_, first) => {
                let until = match room {
                    Room::Probes(_, until) => Some(until),
                    _ => None,
                };
                let all = first.into_iter().chain(order).take(LOOKED_AT);
                let mut due = all.take_while(|(at, _)| *at <= now);
                let next = due.find(|(_, slot)| {
                    let may_try = until.is_none() || !self.has_failed(*slot);
                    may_try && !self.busy.is_served(slot.owner, service, most)
                });
                next.map_or(Picked::Nothing(until), |(_, slot)| Picked::Delivery(slot))
            }
        }
    }

    /// Returns whether an attempt at a delivery has failed.
    fn has_failed(&self, slot: Slot) -> bool {
        let waiting = self.waiting.get(&slot);
        waiting.is_some_and(|waiting| waiting.queued.attempts.failed > 0)
    }

    /// Notes whether the adapter of a host can keep what waits. What waits already has then waited for long enough at `until`.
    pub(super) fn set_deferring(&mut self, host: HostId, can_defer: bool, until: Timestamp) {
        if !can_defer {
            self.deferring.remove(&host);
        } else if self.deferring.insert(host) {
            for (slot, waiting) in &mut self.waiting {
                if waiting.queued.host == host {
                    self.patience.cancel(waiting.patience);
                    waiting.patience = self.patience.set(until, *slot);
                }
            }
        }
    }

    /// Returns whether a delivery can wait at its adapter.
    pub(super) fn can_defer(&self, queued: &Queued) -> bool {
        !queued.holds.is_empty() && self.deferring.contains(&queued.host)
    }

    fn is_deferrable(&self, slot: Slot) -> bool {
        (self.waiting.get(&slot)).is_some_and(|waiting| self.can_defer(&waiting.queued))
    }

    /// One delivery for this registration is no longer in flight: the next one gets its turn, and so do others of its user, who may have
    /// a few in flight only.
    pub(super) fn end(&mut self, slot: Slot) {
        self.busy.remove(slot);
        for (_, waiting) in self.waiting.range(Slot::of_owner(slot.owner)) {
            self.order.make_ready(waiting.service);
        }
        if let Some(at) = self
            .waiting
            .get(&slot)
            .map(|waiting| waiting.queued.attempts.not_before)
        {
            self.set_position(slot, at);
        }
    }

    /// Returns whether a delivery has to wait for the end of another one of its user.
    pub(super) fn is_behind(&self, slot: Slot, service: ServiceKey) -> bool {
        self.busy.contains(slot) || self.busy.is_at(slot.owner, service)
    }

    /// Lets all that waits for a push service be sent now.
    pub(super) fn hasten_all(&mut self, now: Timestamp, service: ServiceKey) {
        let early = self.order.of(service).filter(|(at, _)| *at > now);
        let early: Vec<Slot> = early.map(|(_, slot)| slot).collect();
        early.into_iter().for_each(|slot| self.hasten(now, slot));
    }

    /// Lets a push service with nothing waiting have its turn, too.
    pub(super) fn offer(&mut self, host: HostId, service: ServiceKey) {
        self.order.offer(host, service);
    }

    /// Lets everything that waits for this host have its turn.
    pub(super) fn open(&mut self, host: HostId) {
        self.order.open(host);
    }

    /// Lets everything that waits have its turn, whichever host it is of.
    pub(super) fn open_all(&mut self) {
        self.order.open_all();
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

    /// Takes out the oldest delivery that is kept for its next attempt, if there are more than `most` of them.
    pub(super) fn take_excess(&mut self, most: usize) -> Option<Queued> {
        let slot = self.kept.excess(most)?;
        self.take_slot(slot)
    }

    /// Returns how many wait for their turn.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len() - self.kept.len()
    }

    /// Returns how many are kept for their next attempt, because no adapter keeps them.
    pub(super) fn kept(&self) -> usize {
        self.kept.len()
    }

    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        let wake = self.order.next_deadline().into_iter();
        wake.chain(self.patience.next()).min()
    }

    /// Lets queues have their turn that have something to send again. Returns a delivery that has waited for long enough and
    /// that an adapter would tell again, with whether it is behind another one.
    pub(super) fn tick(&mut self, now: Timestamp, policy: &Policy) -> Option<(Queued, bool)> {
        self.order.tick(now);
        while let Some(slot) = self.patience.pop_due(now) {
            if self.is_deferrable(slot) {
                let (service, most) = (
                    self.waiting.get(&slot)?.service,
                    policy.in_flight_unproven_per_user,
                );
                let is_behind =
                    self.busy.contains(slot) || self.busy.is_served(slot.owner, service, most);
                return self.take_slot(slot).map(|queued| (queued, is_behind));
            }
        }
        None
    }

    fn insert(&mut self, slot: Slot, queued: Queued, until: Timestamp) {
        let service = queued.service(self.hash);
        let is_behind = self.busy.contains(slot);
        let (at, host) = (queued.attempts.not_before, queued.host);
        self.kept.insert(slot, &queued);
        let waiting = Waiting {
            queued,
            service,
            position: (!is_behind).then(|| self.order.insert((host, service), at, slot)),
            patience: self.patience.set(until, slot),
        };
        self.waiting.insert(slot, waiting);
    }

    /// Lets a delivery be sent now, unless it is behind one in flight.
    fn hasten(&mut self, now: Timestamp, slot: Slot) {
        let Some(waiting) = self.waiting.get_mut(&slot) else {
            return;
        };
        let not_before = &mut waiting.queued.attempts.not_before;
        *not_before = now.min(*not_before);
        if waiting.position.is_some_and(|position| position.at() > now) {
            self.set_position(slot, now);
        }
    }

    /// Lets a delivery be sent from then on.
    fn set_position(&mut self, slot: Slot, at: Timestamp) {
        if let Some(waiting) = self.waiting.get_mut(&slot) {
            let (host, service) = (waiting.queued.host, waiting.service);
            if let Some(position) = waiting.position {
                self.order.remove(service, position, slot);
            }
            waiting.position = Some(self.order.insert((host, service), at, slot));
        }
    }

    fn take_slots(&mut self, slots: Vec<Slot>) -> Vec<Queued> {
        let taken = slots.into_iter().filter_map(|slot| self.take_slot(slot));
        taken.collect()
    }

    fn take_slot(&mut self, slot: Slot) -> Option<Queued> {
        let waiting = self.waiting.remove(&slot)?;
        self.patience.cancel(waiting.patience);
        self.kept.remove(slot, &waiting.queued);
        if let Some(position) = waiting.position {
            self.order.remove(waiting.service, position, slot);
        }
        Some(waiting.queued)
    }
}
