//! The feed: window, collapsing, the user who is back (docs/protocol.md §3).

use super::super::xml::escaped;
use super::{Adapter, Entry, Seat, deferred};
use push_core::Timestamp;
use std::collections::BTreeSet;
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
        keys: &[&str],
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
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            was: None,
            recipients: Vec::new(),
            back: BTreeSet::new(),
        };
        let is_first = !self.collapsed.iter().any(|of| self.has_room_for(of));
        if self.attached && is_first && self.has_room() && self.has_room_for(&entry) {
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
            keys: Vec::new(),
            was: None,
            recipients: Vec::new(),
            back: BTreeSet::new(),
        };
        if self.attached && self.has_room() {
            return self.send(entry);
        }
        self.collapsed.push_back(entry);
    }

    /// A session is there: `seat` takes the place of one of the same resource, which is not resumed.
    pub fn arrive(&mut self, user: &str, seat: Seat) {
        let resource = seat.resource.clone();
        let is_live = !seat.hibernated;
        let is_back = is_live && seat.priority.is_some_and(|priority| priority >= 0);
        self.leave(user, &resource);
        self.seats.entry(user.to_owned()).or_default().push(seat);
        self.withdraw(user, |entry| {
            let is_for_any = matches!(entry.kind, "offline" | "lost");
            is_back && is_for_any || is_live && entry.is_of_session(&resource)
        });
        if is_back {
            self.take_off(user, &resource);
        }
    }

    /// The session of this resource, which waited for resumption, is resumed.
    pub fn resumed(&mut self, user: &str, resource: &str) {
        let mut seats = self.seats.get_mut(user).into_iter().flatten();
        let waits = |seat: &&mut Seat| seat.resource == resource && seat.hibernated;
        seats.find(waits).unwrap().hibernated = false;
        self.withdraw(user, |entry| entry.is_of_session(resource));
        self.take_off(user, resource);
    }

    /// A session is gone.
    pub fn leave(&mut self, user: &str, resource: &str) {
        if let Some(seats) = self.seats.get_mut(user) {
            seats.retain(|seat| seat.resource != resource);
        }
    }

    /// Drops what is kept of a user, and tells the service of what it has already.
    fn withdraw(&mut self, user: &str, is_void: impl Fn(&Entry) -> bool) {
        let is_void = |entry: &Entry| entry.user == user && is_void(entry);
        self.collapsed.retain(|entry| !is_void(entry));
        let mut numbers = String::new();
        for (number, entry) in &mut self.outstanding {
            if is_void(entry) {
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

    fn has_room(&self) -> bool {
        self.outstanding.len() < self.window
    }

    /// Returns whether the user has less outstanding than their share.
    fn has_room_for(&self, entry: &Entry) -> bool {
        let most = self.window_of_user;
        let is_free = most == usize::MAX || matches!(entry.kind, "removed" | "created");
        let outstanding = self.outstanding.values();
        let of_user = outstanding.filter(|of| of.user == entry.user);
        is_free || of_user.take(most).count() < most
    }

    fn collapse(&mut self, newer: Entry) {
        if matches!(newer.kind, "removed" | "created" | "revoked") {
            return self.collapsed.push_back(newer);
        }
        let same = |entry: &&mut Entry| {
            (&entry.user, &entry.resource, entry.kind) == (&newer.user, &newer.resource, newer.kind)
                && entry.was.is_none()
        };
        match self.collapsed.iter_mut().find(same) {
            Some(entry) => {
                entry.count += newer.count;
                entry.last = newer.last;
                entry.message = newer.message;
                entry.keys.extend(newer.keys);
                entry.keep_newest();
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
            let fitting = self.collapsed.iter().position(|of| self.has_room_for(of));
            let collapsed = fitting.and_then(|at| self.collapsed.remove(at));
            let is_empty = collapsed.is_none();
            collapsed.into_iter().for_each(|entry| self.send(entry));
            let due = self.has_room().then(|| self.waiting.next_due()).flatten();
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
        if !entry.keys.is_empty() {
            let _ = write!(event, " keys='{}'", escaped(&entry.keys.join(" ")));
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

impl Entry {
    /// Forgets all but the newest keys.
    pub(super) fn keep_newest(&mut self) {
        let over = self.keys.len().saturating_sub(20);
        self.keys.drain(..over);
    }

    /// Whether it is about a session of this resource.
    fn is_of_session(&self, resource: &str) -> bool {
        let is_about_one = matches!(self.kind, "queued" | "unacked" | "lost");
        is_about_one && self.resource.as_deref() == Some(resource)
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
