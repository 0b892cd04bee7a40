//! How the push services fare: how many deliveries each may have in flight.

use super::judge::recent::Users;
use super::unproven::Unproven;
use crate::delivery::DeliveryOutcome;
use crate::hash::{Seeded, SeededMap};
use crate::ids::{HostId, ServiceKey};
use crate::machine::deadlines::Key;
use crate::machine::values::HealthChange;
use crate::registration::Identity;
use crate::{Policy, Timestamp};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// Push services remembered in each of two generations.
const MAX_SERVICES: usize = 10_000;

/// Deliveries that a push service may have in flight while nothing is known of it.
const FIRST_WINDOW: usize = 8;

/// For the breaker to open, the deliveries of so many users must have failed since the push service last accepted one, and of one
/// in so many of all who had an answer within a day. A few prove nothing, nor do many at the same moment.
const VOTES: usize = 3;
const ONE_IN: usize = 4;

/// The health of each push service, as the users of one host meet it: a breaker, and a window that grows with what is accepted.
///
/// In two generations: when the young one is full it becomes the old one, and the old one goes. A push service that is used is
/// never forgotten, however many others there are.
#[derive(Debug)]
pub(super) struct Health {
    young: SeededMap<ServiceKey, Service>,
    old: SeededMap<ServiceKey, Service>,
    unproven: Unproven,
    /// Push services for which there was no place among those.
    starved: VecDeque<(HostId, ServiceKey)>,
    /// Publishes that the adapters of hosts let be in flight.
    places: BTreeMap<HostId, usize>,
    hash: Seeded,
}

#[derive(Debug, Default)]
struct Service {
    /// The identity under which it last accepted a delivery.
    accepted: Option<Identity>,
    in_flight: usize,
    /// How many it may have in flight, and how many of those it has accepted.
    window: usize,
    accepted_of_window: usize,
    /// When the first attempt was made that is later than its last answer.
    silent_since: Option<Timestamp>,
    /// The users whose deliveries have failed since it last accepted one.
    votes: Users,
    /// When the first of them has failed.
    failing_since: Option<Timestamp>,
    breaker: Breaker,
    is_starved: bool,
}

/// A circuit breaker: closed while a push service works, open while it does not, half-open when its pause is over. It keeps back
/// those for whom a delivery has failed. Everybody else may try: several users can have had their own reasons to fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Breaker {
    #[default]
    Closed,
    Open {
        until: Timestamp,
        pause: Duration,
    },
}

/// How many more deliveries a push service may have in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// So many.
    For(usize),
    /// So many, and one for each user: it has proved nothing, and no user shall be in another's way.
    Few(usize),
    /// So many, one for each user, and until then only for whom none has failed yet.
    Probes(usize, Timestamp),
    /// None, until one of those in flight has ended.
    None,
}

impl Room {
    /// Whether there is room for nothing.
    pub(super) fn is_none(self) -> bool {
        matches!(
            self,
            Self::None | Self::For(0) | Self::Few(0) | Self::Probes(0, _)
        )
    }
}

/// The evidence about a push service in the end of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Evidence {
    /// It accepted the delivery, under this identity.
    Accepted(Identity),
    /// It failed in a way that passes: for this user, as far as one delivery can tell.
    Failed(u64),
    /// It answered otherwise.
    Answered,
    /// Nothing.
    Nothing,
}

impl Evidence {
    /// Returns what an outcome says; `passes` if it is an answer that passes.
    pub(super) fn of(
        outcome: &DeliveryOutcome,
        identity: Identity,
        user: u64,
        passes: bool,
    ) -> Self {
        match outcome {
            DeliveryOutcome::Accepted => Self::Accepted(identity),
            DeliveryOutcome::NotSent(_) => Self::Nothing,
            _ if passes => Self::Failed(user),
            _ => Self::Answered,
        }
    }
}

impl Health {
    pub(super) fn new(hash: Seeded) -> Self {
        Self {
            young: hash.map(),
            old: hash.map(),
            unproven: Unproven::new(),
            starved: VecDeque::new(),
            places: BTreeMap::new(),
            hash,
        }
    }

    /// Returns the identity that a push service knows the host by, if it has accepted anything lately.
    pub(super) fn accepted(&self, service: ServiceKey) -> Option<Identity> {
        self.get(service)?.accepted
    }

    /// Returns whether its breaker is closed.
    pub(super) fn is_well(&self, service: ServiceKey) -> bool {
        let known = self.get(service);
        known.is_none_or(|service| service.breaker == Breaker::Closed)
    }

    /// Returns how many more deliveries a push service may have in flight.
    pub(super) fn room(
        &mut self,
        now: Timestamp,
        host: HostId,
        service: ServiceKey,
        policy: &Policy,
    ) -> Room {
        let is_silent = self.service(service).is_silent(now, policy);
        let places = self.unproven.room(now, is_silent, policy);
        let share = self
            .places
            .get(&host)
            .map_or(usize::MAX, |places| places / 2);
        let known = self.service(service);
        let is_proven = known.is_proven(now, policy);
        let window = if is_proven {
            known.window
        } else {
            FIRST_WINDOW
        };
        let most = window.min(policy.in_flight_per_service).min(share.max(1));
        let room = most.saturating_sub(known.in_flight);
        match known.breaker {
            Breaker::Open { until, .. } if now < until => {
                return Room::Probes(room.min(places), until);
            }
            _ if room == 0 => return Room::None,
            _ if is_proven => return Room::For(room),
            _ => {}
        }
        if places == 0 {
            if !std::mem::replace(&mut known.is_starved, true) {
                self.starved.push_back((host, service));
            }
            return Room::None;
        }
        Room::Few(room.min(places))
    }

    /// Notes how many publishes the adapter of a host lets be in flight, of which one push service gets half.
    pub(super) fn set_places(&mut self, host: HostId, places: Option<u64>) {
        let places = places.and_then(|places| usize::try_from(places).ok());
        self.places.insert(host, places.unwrap_or(usize::MAX));
    }

    /// A delivery is in flight. Returns the place that it takes of those of push services that have proved nothing.
    pub(super) fn begin(
        &mut self,
        now: Timestamp,
        service: ServiceKey,
        policy: &Policy,
    ) -> Option<Key> {
        let known = self.service(service);
        let is_unproven = !known.is_proven(now, policy);
        known.in_flight += 1;
        known.silent_since.get_or_insert(now);
        is_unproven.then(|| self.unproven.begin(now, policy))
    }

    /// A delivery is in flight no more. Returns whether its push service, which has answered so many `users` within a day, fares
    /// otherwise from now on.
    pub(super) fn end(
        &mut self,
        now: Timestamp,
        service: ServiceKey,
        place: Option<Key>,
        evidence: Evidence,
        users: usize,
        policy: &Policy,
    ) -> Option<HealthChange> {
        place.into_iter().for_each(|place| self.unproven.end(place));
        let hash = self.hash;
        let known = self.service(service);
        known.in_flight = known.in_flight.saturating_sub(1);
        match evidence {
            Evidence::Accepted(identity) => known.accept(now, identity, policy),
            Evidence::Failed(user) => {
                // A quarter more at most, so that not all are tried at the same moment.
                let random = hash.hash(&(service, now)) % 256;
                let needed = VOTES.max(users / ONE_IN + 1);
                known.fail(now, user, needed, policy, |pause| {
                    pause + pause * u32::try_from(random).unwrap_or_default() / 1024
                })
            }
            Evidence::Answered => {
                known.answer(now);
                None
            }
            Evidence::Nothing => None,
        }
    }

    /// Returns a push service that waits for a place of those that have proved nothing, if there is one.
    pub(super) fn next_starved(
        &mut self,
        now: Timestamp,
        policy: &Policy,
    ) -> Option<(HostId, ServiceKey)> {
        if self.unproven.room(now, false, policy) == 0 {
            return None;
        }
        let (host, service) = self.starved.pop_front()?;
        self.service(service).is_starved = false;
        Some((host, service))
    }

    /// Takes note of the time. Returns how many push services may have a place now that waited for one.
    pub(super) fn tick(&mut self, now: Timestamp) -> usize {
        let has_room = self.unproven.age(now);
        if has_room { self.starved.len() } else { 0 }
    }

    /// Returns when time makes room for those that wait for a place.
    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        let deadline = self.unproven.next_deadline();
        deadline.filter(|_| !self.starved.is_empty())
    }

    fn get(&self, service: ServiceKey) -> Option<&Service> {
        self.young.get(&service).or_else(|| self.old.get(&service))
    }

    fn service(&mut self, service: ServiceKey) -> &mut Service {
        if !self.young.contains_key(&service) {
            if self.young.len() >= MAX_SERVICES {
                self.old = std::mem::replace(&mut self.young, self.hash.map());
            }
            let known = self.old.remove(&service).unwrap_or_default();
            self.young.insert(service, known);
        }
        self.young.entry(service).or_default()
    }
}

impl Service {
    /// Returns whether it has shown that it works: it has accepted something, and is not silent.
    fn is_proven(&self, now: Timestamp, policy: &Policy) -> bool {
        self.window > 0 && !self.is_silent(now, policy)
    }

    /// Returns whether it has shown that it does not work.
    fn is_silent(&self, now: Timestamp, policy: &Policy) -> bool {
        let is_long = |since| now.since(since) >= policy.unproven_after;
        self.breaker != Breaker::Closed || self.silent_since.is_some_and(is_long)
    }

    /// It has answered: what is in flight has until then to be answered, too.
    fn answer(&mut self, now: Timestamp) {
        self.silent_since = (self.in_flight > 0).then_some(now);
    }

    fn accept(
        &mut self,
        now: Timestamp,
        identity: Identity,
        policy: &Policy,
    ) -> Option<HealthChange> {
        let was_proven = self.is_proven(now, policy);
        let was_open = self.breaker != Breaker::Closed;
        let has_failed = |since| now.since(since) >= policy.unproven_after;
        let was_down = self.is_silent(now, policy) || self.failing_since.is_some_and(has_failed);
        self.accepted = Some(identity);
        self.answer(now);
        self.votes.clear();
        self.failing_since = None;
        self.breaker = Breaker::Closed;
        self.accepted_of_window += 1;
        if !was_proven {
            (self.window, self.accepted_of_window) = (FIRST_WINDOW, 0);
        } else if self.accepted_of_window >= self.window
            && self.window < policy.in_flight_per_service
        {
            self.window *= 2;
            self.accepted_of_window = 0;
        }
        was_down.then_some(HealthChange::Better { was_open })
    }

    fn fail(
        &mut self,
        now: Timestamp,
        user: u64,
        needed: usize,
        policy: &Policy,
        jitter: impl Fn(Duration) -> Duration,
    ) -> Option<HealthChange> {
        self.votes.insert(user);
        let since = *self.failing_since.get_or_insert(now);
        let is_proof = now.since(since) >= policy.unproven_after && self.votes.count() >= needed;
        let pause = match self.breaker {
            // Begun before it opened: nothing new.
            Breaker::Open { until, .. } if now < until => return None,
            Breaker::Open { pause, .. } => (pause * 2).min(policy.breaker_max_pause),
            Breaker::Closed if !is_proof => return None,
            Breaker::Closed => policy.breaker_pause,
        };
        let was_closed = self.breaker == Breaker::Closed;
        let until = now.after(jitter(pause));
        self.breaker = Breaker::Open { until, pause };
        was_closed.then_some(HealthChange::Worse { pause })
    }
}

#[cfg(test)]
mod tests;
