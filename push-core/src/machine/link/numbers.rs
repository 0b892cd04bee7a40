//! Event numbers of one adapter: which are new, in work, and done (docs/protocol.md §3.3).

use crate::ids::{EventHold, HostId};
use crate::link::{Ranges, ToAdapter};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The numbers of the adapter's present epoch.
#[derive(Debug)]
pub(super) struct Numbers {
    host: HostId,
    epoch: Option<Arc<str>>,
    /// How many epochs there were.
    generation: u32,
    highest: u64,
    in_work: BTreeSet<u64>,
    /// Done and not acknowledged yet, as (first, last).
    done: Vec<(u64, u64)>,
}

impl Numbers {
    pub(super) fn new(host: HostId) -> Self {
        Self {
            host,
            epoch: None,
            generation: 0,
            highest: 0,
            in_work: BTreeSet::new(),
            done: Vec::new(),
        }
    }

    pub(super) fn generation(&self) -> u32 {
        self.generation
    }

    /// The adapter is in this epoch. Numbers of another one are void.
    pub(super) fn enter(&mut self, epoch: &str) {
        if self.epoch.as_deref() != Some(epoch) {
            self.leave();
            self.epoch = Some(epoch.into());
        }
    }

    /// Forgets all numbers, and that they were ever heard.
    pub(super) fn leave(&mut self) {
        self.epoch = None;
        self.generation += 1;
        self.highest = 0;
        self.in_work.clear();
        self.done.clear();
    }

    /// Takes an event. One that is known already is no news, and is acknowledged again if it is done.
    ///
    /// `skipped`: something was passed over since the stream came up. Numbers that are missing then were over the
    /// transport's limit, and sending them again would not help.
    pub(super) fn take(&mut self, number: u64, skipped: bool) -> Option<EventHold> {
        if number <= self.highest {
            if !self.in_work.contains(&number) {
                self.done.push((number, number));
            }
            return None;
        }
        if skipped && self.highest + 1 < number {
            self.done.push((self.highest + 1, number - 1));
        }
        self.highest = number;
        self.in_work.insert(number);
        Some(self.event(number))
    }

    /// Nothing is left to do for an event.
    pub(super) fn done(&mut self, event: EventHold) {
        if event.generation == self.generation && self.in_work.remove(&event.number) {
            self.done.push((event.number, event.number));
        }
    }

    /// Returns those of the numbers that are in work.
    pub(super) fn in_work(&self, epoch: &str, numbers: &Ranges) -> Vec<EventHold> {
        if self.epoch.as_deref() != Some(epoch) {
            return Vec::new();
        }
        let found = numbers
            .iter()
            .flat_map(|(first, last)| self.in_work.range(first..=last));
        found.map(|&number| self.event(number)).collect()
    }

    /// Returns how many acknowledgements are to be sent.
    pub(super) fn waiting(&self) -> usize {
        self.done.len()
    }

    /// Returns the acknowledgement of all that is done.
    pub(super) fn acknowledge(&mut self) -> Option<ToAdapter> {
        let epoch = self.epoch.clone().filter(|_| self.waiting() > 0)?;
        let numbers = Ranges::joined(std::mem::take(&mut self.done));
        Some(ToAdapter::Ack { epoch, numbers })
    }

    /// Drops the acknowledgements that were not sent: the adapter tells those events again.
    pub(super) fn forget_done(&mut self) {
        self.done.clear();
    }

    fn event(&self, number: u64) -> EventHold {
        EventHold {
            host: self.host,
            generation: self.generation,
            number,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers() -> Numbers {
        let mut numbers = Numbers::new(HostId::new(0));
        numbers.enter("e");
        numbers
    }

    fn acknowledged(numbers: &mut Numbers) -> Option<String> {
        match numbers.acknowledge()? {
            ToAdapter::Ack { numbers, .. } => Some(numbers.to_string()),
            _ => None,
        }
    }

    #[test]
    fn a_number_is_news_once_and_acknowledged_again_when_done() {
        let mut numbers = numbers();
        let first = numbers.take(1, false).unwrap();
        assert!(numbers.take(1, false).is_none());
        assert_eq!(acknowledged(&mut numbers), None, "in work");
        numbers.done(first);
        assert_eq!(acknowledged(&mut numbers).as_deref(), Some("1"));
        assert!(numbers.take(1, false).is_none());
        assert_eq!(acknowledged(&mut numbers).as_deref(), Some("1"));
    }

    #[test]
    fn a_gap_is_done_only_if_something_was_passed_over() {
        let mut numbers = numbers();
        numbers.take(3, false);
        assert_eq!(acknowledged(&mut numbers), None);
        numbers.take(6, true);
        assert_eq!(acknowledged(&mut numbers).as_deref(), Some("4-5"));
    }

    #[test]
    fn numbers_of_another_epoch_are_void() {
        let mut numbers = numbers();
        let old = numbers.take(1, false).unwrap();
        numbers.enter("f");
        numbers.done(old);
        assert_eq!(acknowledged(&mut numbers), None);
        assert!(numbers.take(1, false).is_some());
        assert!(numbers.in_work("e", &Ranges::of([1])).is_empty());
        assert_eq!(numbers.in_work("f", &Ranges::of(0..9)).len(), 1);
    }
}
