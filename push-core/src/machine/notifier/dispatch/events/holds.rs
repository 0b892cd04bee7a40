//! Counts of the things that each event still waits for.

use crate::Timestamp;
use crate::hash::{Seeded, SeededMap};
use crate::ids::{EventHold, HostId, ServiceKey};
use crate::machine::values::Parked;

/// Events that cannot be acknowledged yet, and for how many things each of them waits: its decision, and every delivery
/// that told of it.
#[derive(Debug)]
pub(super) struct Holds {
    open: SeededMap<EventHold, Held>,
}

#[derive(Debug)]
struct Held {
    waits_for: u32,
    /// The user is back: what has not been sent need not be.
    withdrawn: bool,
    /// Its adapter is in another epoch, and tells it again under another number.
    is_of_past_epoch: bool,
    /// Deliveries that its push services cannot take now.
    parked: Vec<Parked>,
}

/// An event that waits for nothing here any more.
#[derive(Debug)]
pub(super) enum Released {
    /// Nothing is left to do for it.
    Done(EventHold),
    /// It waits for push services that cannot take it now.
    Deferred(EventHold, Vec<Parked>),
}

impl Holds {
    pub(super) fn new(hash: Seeded) -> Self {
        Self { open: hash.map() }
    }

    /// Begins to hold an event, which waits for its decision.
    pub(super) fn open(&mut self, event: EventHold) {
        let held = Held {
            waits_for: 1,
            withdrawn: false,
            is_of_past_epoch: false,
            parked: Vec::new(),
        };
        self.open.insert(event, held);
    }

    /// Makes each of `events` wait for one more thing.
    pub(super) fn add(&mut self, events: &[EventHold]) {
        for event in events {
            if let Some(held) = self.open.get_mut(event) {
                held.waits_for += 1;
            }
        }
    }

    /// Takes one thing off each of `events`. Returns those that wait for nothing here any more.
    pub(super) fn release(&mut self, events: &[EventHold]) -> Vec<Released> {
        let released = events.iter().filter_map(|event| {
            let held = self.open.get_mut(event)?;
            held.waits_for -= 1;
            let held = (held.waits_for == 0).then(|| self.open.remove(event))??;
            Some(match held.parked {
                parked if parked.is_empty() || held.withdrawn => Released::Done(*event),
                parked => Released::Deferred(*event, parked),
            })
        });
        released.collect()
    }

    /// Notes that a delivery waits for its push service elsewhere: each of `events` has to be told again for it. Of those that are
    /// withdrawn or of a past epoch that is not so; in their place the `echoes` are, which tell of the same messages. Returns false
    /// if there is none of either.
    pub(super) fn park(
        &mut self,
        events: &[EventHold],
        echoes: &[EventHold],
        parked: &Parked,
    ) -> bool {
        let live = |event: &&EventHold| {
            let held = self.open.get(event);
            held.is_some_and(|held| !held.withdrawn && !held.is_of_past_epoch)
        };
        let mut noted: Vec<EventHold> = events.iter().filter(live).copied().collect();
        if noted.len() < events.len() {
            noted.extend(echoes.iter().filter(live));
        }
        for event in &noted {
            if let Some(held) = self.open.get_mut(event) {
                held.parked.push(parked.clone());
            }
        }
        !noted.is_empty()
    }

    /// Lets what waits for this push service be told at `now`.
    pub(super) fn hasten(&mut self, now: Timestamp, service: ServiceKey) {
        let parked = self.open.values_mut().flat_map(|held| &mut held.parked);
        let of_service = parked.filter(|parked| parked.service == service);
        of_service.for_each(|parked| parked.attempts.hasten(now));
    }

    /// The adapter of a host is in this epoch: events of earlier ones are void. Returns the deliveries that they have waited for
    /// elsewhere, sorted: they are told again under other numbers.
    pub(super) fn enter(&mut self, host: HostId, generation: u32) -> Vec<Parked> {
        let is_past = |event: &EventHold| event.host == host && event.generation != generation;
        let mut past: Vec<_> = self
            .open
            .iter_mut()
            .filter(|(event, _)| is_past(event))
            .collect();
        past.sort_by_key(|(event, _)| **event);
        let parked = past.into_iter().flat_map(|(_, held)| {
            held.is_of_past_epoch = true;
            std::mem::take(&mut held.parked)
        });
        parked.collect()
    }

    /// Drops `events`: they are never acknowledged, so that their adapter tells them again.
    pub(super) fn forget(&mut self, events: &[EventHold]) {
        for event in events {
            self.open.remove(event);
        }
    }

    pub(super) fn withdraw(&mut self, event: EventHold) {
        if let Some(held) = self.open.get_mut(&event) {
            held.withdrawn = true;
        }
    }

    /// Returns whether there are events and the users of all of them are back.
    pub(super) fn all_withdrawn(&self, events: &[EventHold], echoes: &[EventHold]) -> bool {
        let withdrawn = |event| self.open.get(event).is_some_and(|held| held.withdrawn);
        let mut all = events.iter().chain(echoes).peekable();
        all.peek().is_some() && all.all(withdrawn)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(number: u64) -> EventHold {
        EventHold {
            host: HostId::new(0),
            generation: 1,
            number,
        }
    }

    fn done(released: Vec<Released>) -> Vec<EventHold> {
        let done = released.into_iter().filter_map(|released| match released {
            Released::Done(event) => Some(event),
            Released::Deferred(..) => None,
        });
        done.collect()
    }

    #[test]
    fn an_event_is_done_when_everything_it_waits_for_is() {
        let mut holds = Holds::new(Seeded::new(1, 2));
        let both = [event(1), event(2)];
        both.iter().for_each(|&one| holds.open(one));
        holds.add(&[event(1)]);
        assert_eq!(done(holds.release(&both)), [event(2)]);
        assert_eq!(done(holds.release(&both)), [event(1)]);
        assert!(holds.is_empty());
    }

    #[test]
    fn a_forgotten_event_is_never_done() {
        let mut holds = Holds::new(Seeded::new(1, 2));
        holds.open(event(1));
        holds.forget(&[event(1)]);
        assert!(holds.release(&[event(1)]).is_empty());
        assert!(holds.is_empty());
    }

    #[test]
    fn only_events_of_whom_all_users_are_back_are_withdrawn() {
        let mut holds = Holds::new(Seeded::new(1, 2));
        let both = [event(1), event(2)];
        both.iter().for_each(|&one| holds.open(one));
        holds.withdraw(event(1));
        assert!(!holds.all_withdrawn(&both, &[]));
        holds.withdraw(event(2));
        assert!(holds.all_withdrawn(&both, &[]));
        assert!(
            !holds.all_withdrawn(&[], &[]),
            "without events nobody is back"
        );
    }
}
