//! The feed: window, collapsing, the user who is back (docs/protocol.md §3).

use super::super::xml::escaped;
use super::{Adapter, Entry, Seat, deferred};
use push_core::Timestamp;
use std::fmt::Write;

impl Adapter {
    /// A message was missed.
    pub fn missed(
        &mut self,
        now: Timestamp,
        kind: &'static str,
        user: &str,
        resource: Option<&str>,
        message: &str,
    ) {
        if self.none.contains(user) {
            return;
        }
        let entry = Entry {
            kind,
            user: user.to_owned(),
            resource: resource.map(str::to_owned),
            count: 1,
            first: now,
            last: now,
            message: Some(message.to_owned()),
            withdrawn: false,
            was: None,
            recipients: Vec::new(),
        };
        if self.attached && self.collapsed.is_empty() && self.has_room() {
            return self.send(entry);
        }
        self.collapse(entry);
    }

    /// The account was deleted (`removed`) or the name registered anew (`created`).
    pub fn account(&mut self, now: Timestamp, kind: &'static str, user: &str) {
        let kept =
            |entry: &Entry| entry.user != user || matches!(entry.kind, "removed" | "created");
        self.collapsed.retain(kept);
        self.end_all(user);
        self.none.remove(user);
        self.changed.insert(user.to_owned());
        let entry = Entry {
            kind,
            user: user.to_owned(),
            resource: None,
            count: 1,
            first: now,
            last: now,
            message: None,
            withdrawn: false,
            was: None,
            recipients: Vec::new(),
        };
        if self.attached && self.has_room() {
            return self.send(entry);
        }
        self.collapsed.push_back(entry);
    }

    /// A session is there: `seat` takes the place of one of the same resource.
    pub fn arrive(&mut self, user: &str, seat: Seat) {
        let resource = seat.resource.clone();
        let available = seat.priority.is_some_and(|priority| priority >= 0);
        let back = available && !seat.hibernated;
        let live = !seat.hibernated;
        self.leave(user, &resource);
        self.seats.entry(user.to_owned()).or_default().push(seat);
        self.withdraw(|entry| {
            let void = match entry.kind {
                "offline" => back,
                "lost" => back || live && entry.resource.as_deref() == Some(&resource),
                "queued" | "unacked" => live && entry.resource.as_deref() == Some(&resource),
                _ => false,
            };
            void && entry.user == user
        });
        if live && (back || available) {
            self.take_off(user, &resource);
        }
    }

    /// A session is gone.
    pub fn leave(&mut self, user: &str, resource: &str) {
        if let Some(seats) = self.seats.get_mut(user) {
            seats.retain(|seat| seat.resource != resource);
        }
    }

    /// Drops what is kept, and tells the service of what it has already.
    fn withdraw(&mut self, void: impl Fn(&Entry) -> bool) {
        self.collapsed
            .retain(|entry| !void(entry) || matches!(entry.kind, "removed" | "created"));
        let mut numbers = String::new();
        for (number, entry) in &mut self.outstanding {
            if void(entry) && !matches!(entry.kind, "removed" | "created") {
                entry.withdrawn = true;
                let _ = write!(numbers, "{number} ");
            }
        }
        if self.attached && !numbers.is_empty() {
            self.say(&format!(
                "<withdraw xmlns='urn:x-xmpp-push:link' session='{}'>{}</withdraw>",
                self.session,
                numbers.trim_end()
            ));
        }
    }

    /// Keeps an entry that had a number in an earlier epoch.
    pub(super) fn keep(&mut self, entry: Entry) {
        if entry.recipients.is_empty() {
            self.collapse(entry);
        } else {
            self.due.push_back(entry);
        }
    }

    fn has_room(&self) -> bool {
        self.outstanding.len() < self.window
    }

    pub(super) fn collapse(&mut self, newer: Entry) {
        if matches!(newer.kind, "removed" | "created" | "revoked") {
            return self.collapsed.push_back(newer);
        }
        let same = |entry: &&mut Entry| {
            (&entry.user, &entry.resource, entry.kind) == (&newer.user, &newer.resource, newer.kind)
        };
        match self.collapsed.iter_mut().find(same) {
            Some(entry) => {
                entry.count += newer.count;
                entry.last = newer.last;
                entry.message = newer.message;
            }
            None => self.collapsed.push_back(newer),
        }
    }

    fn send(&mut self, entry: Entry) {
        self.drawn += 1;
        self.outstanding.insert(self.drawn, entry);
        self.say_event(self.drawn);
    }

    /// Sends what was collapsed and what is due again, in turns, as far as the window allows.
    pub(super) fn send_collapsed(&mut self) {
        while self.attached && self.has_room() {
            let collapsed = self.collapsed.pop_front();
            let is_empty = collapsed.is_none();
            collapsed.into_iter().for_each(|entry| self.send(entry));
            let due = self.has_room().then(|| self.due.pop_front()).flatten();
            if is_empty && due.is_none() {
                return;
            }
            due.into_iter().for_each(|entry| self.send(entry));
        }
    }

    /// Sends again what the service has not acknowledged; what is moot by now goes.
    pub(super) fn send_again(&mut self) {
        self.outstanding.retain(|_, entry| !entry.withdrawn);
        let numbers: Vec<u64> = self.outstanding.keys().copied().collect();
        numbers
            .into_iter()
            .for_each(|number| self.say_event(number));
    }

    fn say_event(&mut self, number: u64) {
        *self.said.entry(number).or_default() += 1;
        let entry = &self.outstanding[&number];
        let mut event = format!(
            "<event xmlns='urn:x-xmpp-push:link' n='{number}' kind='{}' user='{}' count='{}' first='{}'",
            entry.kind,
            escaped(&entry.user),
            entry.count,
            entry.first.as_millis()
        );
        if let Some(resource) = &entry.resource {
            let _ = write!(event, " resource='{}'", escaped(resource));
        }
        if entry.count > 1 {
            let _ = write!(event, " last='{}'", entry.last.as_millis());
        }
        if let Some(was) = &entry.was {
            let _ = write!(event, " was='{was}'");
        }
        event.push('>');
        event.push_str(&deferred::written(&entry.recipients));
        for seat in self.seats.get(&entry.user).into_iter().flatten() {
            event.push_str(&session(seat));
        }
        event.push_str(entry.message.as_deref().unwrap_or_default());
        event.push_str("</event>");
        self.say(&event);
    }
}

fn session(seat: &Seat) -> String {
    let priority = seat.priority.map(|priority| format!(" p='{priority}'"));
    let hibernated = if seat.hibernated { " h='1'" } else { "" };
    format!(
        "<s r='{}'{}{hibernated}/>",
        escaped(&seat.resource),
        priority.unwrap_or_default()
    )
}
