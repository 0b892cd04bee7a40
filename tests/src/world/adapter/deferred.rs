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

impl Recipient {
    /// Whether a session with this resource may be that of its device.
    fn is_at(&self, resource: &str) -> bool {
        self.resource.as_deref().is_none_or(|of| of == resource)
    }
}

impl Entry {
    /// Is for these recipients, but for those who have come back since it was told.
    fn for_those(mut self, recipients: Vec<Recipient>) -> Self {
        self.recipients = recipients;
        let back = std::mem::take(&mut self.back);
        back.iter().for_each(|resource| self.take_off(resource));
        self
    }

    fn take_off(&mut self, resource: &str) {
        self.recipients
            .retain(|recipient| !recipient.is_at(resource));
    }
}

impl Adapter {
    pub(super) fn defer(&mut self, defer: ElementRef<'_>) {
        assert_eq!(defer.attribute("session"), Some(&*self.session));
        assert!(self.max_deferred > 0, "it has not said that it can");
        let recipients: Vec<Recipient> = defer.children().map(recipient).collect();
        assert!(!recipients.is_empty(), "deferred for nobody");
        let n = number(defer, "n");
        if let Some(entry) = self.outstanding.remove(&n).filter(|entry| !entry.withdrawn) {
            self.wait(n, entry.for_those(recipients), defer.attribute("into"));
        }
        self.send_collapsed();
    }

    /// An event waits for its recipients, if there are any.
    fn wait(&mut self, n: u64, mut entry: Entry, into: Option<&str>) {
        if entry.recipients.is_empty() {
            self.ended.push(n);
            return self.say_ended();
        }
        entry.was = Some(format!("{}:{n}", self.epoch_name()));
        self.place(n, entry, into);
    }

    fn place(&mut self, n: u64, entry: Entry, into: Option<&str>) {
        let Some(into) = into else {
            let user = entry.user.clone();
            self.waiting.defer(n, entry);
            return self.keep_bounds(&user);
        };
        let into = self.waiting.place(into.parse().unwrap());
        let into = into.filter(|place| self.waiting.is_deferred(*place));
        match into.and_then(|place| self.waiting.get(place)) {
            Some(known) => join(known, entry),
            None => self.waiting.tell_again(n, entry),
        }
    }

    /// A user has one more deferred event.
    fn keep_bounds(&mut self, user: &str) {
        let mut of_user = self.waiting.of_user(user);
        of_user.retain(|place| self.waiting.is_deferred(*place));
        if of_user.len() > PER_USER {
            self.drop_deferred(of_user[0]);
        }
        if self.waiting.deferred() > self.max_deferred {
            self.waiting
                .oldest()
                .into_iter()
                .for_each(|oldest| self.drop_deferred(oldest));
        }
        self.say_ended();
    }

    fn drop_deferred(&mut self, place: u64) {
        let count = self.waiting.get(place).map_or(0, |entry| entry.count);
        self.dropped += count;
        self.end(place);
    }

    /// An event that waits ends; the service is told at the next opportunity.
    fn end(&mut self, place: u64) {
        let number = self.waiting.remove(place).and_then(|(number, _)| number);
        self.ended.extend(number);
    }

    pub(super) fn resume(&mut self, resume: ElementRef<'_>) {
        assert_eq!(resume.attribute("session"), Some(&*self.session));
        self.waiting.resume(&Ranges::read(&resume.text()));
        self.send_collapsed();
    }

    /// Everything deferred is to be told again: to another service, or in another epoch.
    pub(super) fn all_due(&mut self) {
        self.waiting.resume_all();
        self.ended.clear();
    }

    /// A session is there: what waits for its device ends, and what is outstanding will not wait for it.
    pub(super) fn take_off(&mut self, user: &str, resource: &str) {
        for place in self.waiting.of_user(user) {
            let Some(entry) = self.waiting.get(place) else {
                continue;
            };
            entry.take_off(resource);
            if entry.recipients.is_empty() {
                self.end(place);
            }
        }
        self.say_ended();
        let outstanding = self.outstanding.values_mut();
        for entry in outstanding.filter(|entry| entry.user == user) {
            entry.back.insert(resource.to_owned());
        }
    }

    /// Everything that waits for devices of a user ends.
    pub(super) fn end_all(&mut self, user: &str) {
        let of_user = self.waiting.of_user(user);
        of_user.into_iter().for_each(|place| self.end(place));
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

/// One event more that a deferred one stands for, to be told to whom the later one names.
fn join(known: &mut Entry, entry: Entry) {
    assert_eq!(known.user, entry.user, "of one user");
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
