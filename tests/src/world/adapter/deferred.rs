//! Deferring (docs/protocol.md §3.4).

use super::super::xml::escaped;
use super::link::number;
use super::{Adapter, Entry};
use push_core::link::Ranges;
use push_core::xml::ElementRef;
use std::fmt::Write;

/// Deferred events of one user that it keeps.
const PER_USER: usize = 20;

/// For whom an event is deferred.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Recipient {
    id: String,
    resource: Option<String>,
}

/// A deferred event.
#[derive(Clone, Debug)]
pub(super) struct Deferred {
    entry: Entry,
}

impl Adapter {
    pub(super) fn defer(&mut self, defer: ElementRef<'_>) {
        assert_eq!(defer.attribute("session"), Some(&*self.session));
        assert!(self.max_deferred > 0, "it has not said that it can");
        let recipients: Vec<Recipient> = defer.children().map(recipient).collect();
        assert!(!recipients.is_empty(), "deferred for nobody");
        let n = number(defer, "n");
        let Some(mut entry) = self.outstanding.remove(&n) else {
            return;
        };
        if !entry.withdrawn {
            entry.recipients = recipients;
            self.place(n, entry, defer.attribute("into"));
        }
        self.send_collapsed();
    }

    fn place(&mut self, n: u64, mut entry: Entry, into: Option<&str>) {
        let Some(into) = into else {
            self.deferred.insert(n, Deferred { entry });
            return self.keep_bounds();
        };
        let Some(known) = self.deferred.get_mut(&into.parse().unwrap()) else {
            entry.was = Some(format!("{}:{n}", self.epoch_name()));
            return self.due.push_back(entry);
        };
        let known = &mut known.entry;
        known.count += entry.count;
        known.keys.extend(entry.keys);
        known.keep_newest();
        known.first = known.first.min(entry.first);
        if entry.last >= known.last {
            known.message = entry.message.or(known.message.take());
        }
        known.last = known.last.max(entry.last);
        known.recipients = entry.recipients;
    }

    fn keep_bounds(&mut self) {
        let newest = self.deferred.last_key_value();
        let user = newest.map(|(_, deferred)| deferred.entry.user.clone());
        let of_user = |(n, deferred): (&u64, &Deferred)| {
            (Some(&deferred.entry.user) == user.as_ref()).then_some(*n)
        };
        let of_user: Vec<u64> = self.deferred.iter().filter_map(of_user).collect();
        let oldest = (of_user.len() > PER_USER).then(|| of_user[0]);
        let is_over = self.deferred.len() > self.max_deferred;
        let oldest = oldest.or_else(|| self.deferred.keys().next().copied().filter(|_| is_over));
        if let Some(oldest) = oldest {
            let dropped = self.deferred.remove(&oldest);
            self.dropped += dropped.map_or(0, |dropped| dropped.entry.count);
            self.ended.push(oldest);
            self.say_ended();
        }
    }

    pub(super) fn resume(&mut self, resume: ElementRef<'_>) {
        assert_eq!(resume.attribute("session"), Some(&*self.session));
        let numbers = Ranges::read(&resume.text());
        let asked = self.deferred.keys().copied();
        let asked: Vec<u64> = asked.filter(|n| numbers.contains(*n)).collect();
        asked.into_iter().for_each(|n| self.make_due(n));
        self.send_collapsed();
    }

    fn make_due(&mut self, n: u64) {
        if let Some(Deferred { mut entry }) = self.deferred.remove(&n) {
            entry.was = Some(format!("{}:{n}", self.epoch_name()));
            self.due.push_back(entry);
        }
    }

    /// Everything deferred is to be told again: to another service, or in another epoch.
    pub(super) fn all_due(&mut self) {
        let all: Vec<u64> = self.deferred.keys().copied().collect();
        all.into_iter().for_each(|n| self.make_due(n));
    }

    /// A session is there: what waits for its device ends.
    pub(super) fn take_off(&mut self, user: &str, resource: &str) {
        let is_there = |recipient: &Recipient| {
            let of = recipient.resource.as_deref();
            of.is_none_or(|of| of == resource)
        };
        for (n, deferred) in &mut self.deferred {
            if deferred.entry.user == user {
                deferred.entry.recipients.retain(|of| !is_there(of));
                if deferred.entry.recipients.is_empty() {
                    self.ended.push(*n);
                }
            }
        }
        self.deferred
            .retain(|_, deferred| !deferred.entry.recipients.is_empty());
        for entry in self.due.iter_mut().filter(|entry| entry.user == user) {
            entry.recipients.retain(|of| !is_there(of));
        }
        self.due.retain(|entry| !entry.recipients.is_empty());
        self.say_ended();
    }

    /// Everything that waits for devices of a user ends.
    pub(super) fn end_all(&mut self, user: &str) {
        let of_user =
            |(n, deferred): (&u64, &Deferred)| (deferred.entry.user == user).then_some(*n);
        let of_user: Vec<u64> = self.deferred.iter().filter_map(of_user).collect();
        for n in of_user {
            self.deferred.remove(&n);
            self.ended.push(n);
        }
        self.due.retain(|entry| entry.user != user);
        self.say_ended();
    }

    /// Tells which deferred events have ended.
    pub(super) fn say_ended(&mut self) {
        if !self.attached || self.ended.is_empty() {
            return;
        }
        let numbers = Ranges::of(std::mem::take(&mut self.ended));
        let session = &self.session;
        self.say(&format!(
            "<withdraw xmlns='urn:x-xmpp-push:link' session='{session}'>{numbers}</withdraw>"
        ));
    }
}

/// The recipients as they are written into an event.
pub(super) fn written(recipients: &[Recipient]) -> String {
    let mut text = String::new();
    for recipient in recipients {
        let _ = write!(text, "<for id='{}'", escaped(&recipient.id));
        if let Some(resource) = &recipient.resource {
            let _ = write!(text, " r='{}'", escaped(resource));
        }
        text.push_str("/>");
    }
    text
}

fn recipient(element: ElementRef<'_>) -> Recipient {
    assert_eq!(element.name(), "for");
    Recipient {
        id: element.attribute("id").unwrap().to_owned(),
        resource: element.attribute("r").map(str::to_owned),
    }
}
