//! How the push services fare: how many deliveries each may have in flight.

mod evidence;
mod room;
mod service;
#[cfg(test)]
mod tests;
mod unproven;

pub(super) use evidence::Evidence;
pub(super) use room::Room;

use crate::hash::Seeded;
use crate::ids::{HostId, ServiceKey};
use crate::machine::deadlines::Key;
use crate::machine::generations::Generations;
use crate::machine::values::HealthChange;
use crate::registration::Identity;
use crate::{Policy, Timestamp};
use service::Service;
use std::collections::BTreeMap;
use unproven::Unproven;

/// Push services remembered in each of two generations.
const MAX_SERVICES: usize = 10_000;

/// The health of each push service, as the users of one host meet it: a breaker, and a window that grows with what is accepted.
#[derive(Debug)]
pub(super) struct Health {
    services: Generations<ServiceKey, Service>,
    unproven: Unproven,
    /// Publishes that the adapters of hosts let be in flight.
    places: BTreeMap<HostId, usize>,
    hash: Seeded,
}

impl Health {
    pub(super) fn new(hash: Seeded) -> Self {
        Self {
            services: Generations::new(hash, MAX_SERVICES),
            unproven: Unproven::new(),
            places: BTreeMap::new(),
            hash,
        }
    }

    /// Returns the identity that a push service knows the host by, if it has accepted anything lately.
    pub(super) fn accepted(&self, service: ServiceKey) -> Option<Identity> {
        self.services.get(&service)?.accepted()
    }

    /// Returns whether its breaker is closed.
    pub(super) fn is_well(&self, service: ServiceKey) -> bool {
        self.services.get(&service).is_none_or(Service::is_well)
    }

    /// Returns whether a push service has shown that it works: it has accepted something, and is not silent.
    pub(super) fn is_proven(&self, now: Timestamp, service: ServiceKey, policy: &Policy) -> bool {
        let known = self.services.get(&service);
        known.is_some_and(|service| service.is_proven(now, policy))
    }

    /// Returns how many more deliveries a push service may have in flight. One for which there is no place among those that have proved
    /// nothing waits for it from now on.
    pub(super) fn room(
        &mut self,
        now: Timestamp,
        host: HostId,
        service: ServiceKey,
        policy: &Policy,
    ) -> Room {
        let share = self
            .places
            .get(&host)
            .map_or(usize::MAX, |places| places / 2);
        let most = policy.in_flight_per_service.min(share.max(1));
        let known = self.services.entry(service, Service::default);
        let is_silent = known.is_silent(now, policy);
        let (room, places) = (
            known.room(now, most, policy),
            self.unproven.room(is_silent, policy),
        );
        if let Some(until) = known.is_open_until(now) {
            return Room::Probes(room.min(places), until);
        }
        if room == 0 {
            return Room::None;
        }
        if known.is_proven(now, policy) {
            return Room::For(room);
        }
        if places == 0 {
            if !known.set_starved(true) {
                self.unproven.wait(host, service, is_silent);
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
        let known = self.services.entry(service, Service::default);
        let is_unproven = !known.is_proven(now, policy);
        known.begin(now);
        is_unproven.then(|| self.unproven.begin(now, policy))
    }

    /// A delivery is in flight no more. Returns whether its push service, which has answered so many `users` lately, fares
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
        let known = self.services.entry(service, Service::default);
        known.end();
        match evidence {
            Evidence::Accepted(identity) => return known.accept(now, identity, policy),
            Evidence::Failed(_) | Evidence::Answered => known.answer(),
            Evidence::Nothing => known.excuse(),
            Evidence::Unanswered(_) => {}
        }
        // A quarter more at most, so that not all are tried at the same moment.
        let random = u32::try_from(self.hash.hash(&(service, now)) % 256).unwrap_or_default();
        let jitter = |pause| pause + pause * random / 1024;
        known.fail(now, evidence.vote()?, users, policy, jitter)
    }

    /// Returns how many push services may have a place now that wait for one.
    pub(super) fn places(&self, policy: &Policy) -> usize {
        self.unproven.places(policy)
    }

    /// Takes a push service that waits for a place of those that have proved nothing, if there is one for it.
    pub(super) fn next_starved(
        &mut self,
        now: Timestamp,
        policy: &Policy,
    ) -> Option<(HostId, ServiceKey)> {
        loop {
            let (host, service, was_silent) = self.unproven.next(policy)?;
            let known = self.services.entry(service, Service::default);
            let is_silent = known.is_silent(now, policy);
            if is_silent && !was_silent {
                self.unproven.wait(host, service, is_silent);
                continue;
            }
            known.set_starved(false);
            return Some((host, service));
        }
    }

    /// Takes note of the time, which may make room for those that wait for a place.
    pub(super) fn tick(&mut self, now: Timestamp) {
        self.unproven.tick(now);
    }

    /// Returns when time makes room for those that wait for a place.
    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        self.unproven.next_deadline()
    }
}
