//! What the service says, and whether it may (docs/protocol.md §2, §3.3, §4 to §6).

use super::super::service::Notification;
use super::super::xml;
use super::{Adapter, Entry, Relay};
use push_core::Timestamp;
use push_core::link::Ranges;
use push_core::xml::{ElementRef, Namespace, Stanza};
use std::time::Duration;

impl Adapter {
    /// A stanza of the component's.
    pub fn hear(&mut self, now: Timestamp, text: &str) {
        if !self.connected {
            return;
        }
        self.take(now, &xml::parse(text));
    }

    /// A stanza of the component's that was parsed already.
    pub fn take(&mut self, now: Timestamp, stanza: &Stanza) {
        for element in stanza.root().children() {
            assert_eq!(element.namespace(), Namespace::Link, "{stanza:?}");
            match element.name() {
                "hello" => self.attach(element),
                "bye" => (self.attached, self.bye) = (false, true),
                "ping" => self.say("<pong xmlns='urn:x-xmpp-push:link'/>"),
                "ack" => self.acknowledged(element),
                "defer" => self.defer(element),
                "resume" => self.resume(element),
                "users" => self.users(element),
                "answer" => self.answered(element),
                "publish" => self.publish(now, element),
                other => unreachable!("the service said {other}"),
            }
        }
    }

    pub(super) fn epoch_name(&self) -> String {
        format!("epoch-{}-{}", self.host, self.epoch)
    }

    fn attach(&mut self, hello: ElementRef<'_>) {
        let instance = hello.attribute("instance").unwrap();
        if self.instance.as_deref() != Some(instance) {
            self.instance = Some(instance.to_owned());
            self.got = None;
            self.in_flight.clear();
            self.outcomes.clear();
            self.none.clear();
            self.all_due();
        }
        if number(hello, "users") != self.users {
            self.none.clear();
        }
        self.users = number(hello, "users");
        self.window = usize::try_from(number(hello, "window")).unwrap();
        (self.attached, self.bye) = (true, false);
        let dropped = std::mem::take(&mut self.dropped);
        let places = match self.max_in_flight {
            usize::MAX => String::new(),
            places => format!(" places='{places}'"),
        };
        hello
            .attribute("session")
            .unwrap()
            .clone_into(&mut self.session);
        let can_defer = if self.max_deferred > 0 { " defer" } else { "" };
        let got = self
            .got
            .map(|got| format!(" instance='{instance}' got='{got}'"));
        self.say(&format!(
            "<hello xmlns='urn:x-xmpp-push:link' version='2' session='{}' epoch='{}' software='fake 1' dropped='{}' deferred='{}'{places}{}>\
             <can>offline queued unacked lost archived removed created{can_defer}</can></hello>",
            self.session,
            self.epoch_name(),
            dropped,
            self.max_deferred,
            got.unwrap_or_default()
        ));
        for outcome in std::mem::take(&mut self.outcomes) {
            self.say(&outcome);
        }
        self.say_ended();
        self.send_again();
        self.send_collapsed();
    }

    fn acknowledged(&mut self, ack: ElementRef<'_>) {
        assert_eq!(ack.attribute("session"), Some(&*self.session));
        let numbers = Ranges::read(&ack.text());
        let drawn = self.drawn;
        let numbers = numbers.iter();
        for number in numbers.flat_map(|(first, last)| first..=last.min(drawn)) {
            let said = self.said.entry(number).or_default();
            assert!(
                *said > 0,
                "acknowledged {number} more often than it was sent"
            );
            *said -= 1;
            let waiting = self.waiting.place(number);
            waiting.map(|place| self.waiting.remove(place));
            let Some(entry) = self.outstanding.remove(&number) else {
                continue;
            };
            if !entry.withdrawn && !self.changed.contains(&entry.user) {
                self.check_ended(number, &entry);
            }
        }
        self.send_collapsed();
    }

    /// What an event tells of is not being published any more, unless another event tells of it, too.
    fn check_ended(&self, number: u64, entry: &Entry) {
        let body = entry.message.as_deref().and_then(body_of);
        let tells = |other: &Entry| other.message.as_deref().and_then(body_of) == body;
        if body.is_none() {
            return;
        }
        let open = self
            .in_flight
            .iter()
            .find(|(_, (_, open))| open.body == body);
        // Looked at last: there are many when a window is full.
        assert!(
            open.is_none() || self.outstanding.values().any(tells),
            "acknowledged {number} before its publish has ended: {entry:?} {open:?}"
        );
    }

    fn users(&mut self, users: ElementRef<'_>) {
        let statement = number(users, "n");
        assert_eq!(statement, self.users + 1, "statements without gaps");
        self.users = statement;
        if users.attribute("reset") == Some("1") {
            self.none.clear();
        }
        for user in users.children() {
            let name = user.text().into_owned();
            let asks = self.requests.values().any(|(asking, _)| *asking == name);
            match user.name() {
                "some" => drop(self.none.remove(&name)),
                "none" if !asks => {
                    self.collapsed.retain(|entry| {
                        entry.user != name || matches!(entry.kind, "removed" | "created")
                    });
                    self.end_all(&name);
                    self.none.insert(name);
                }
                _ => {}
            }
        }
    }

    fn answered(&mut self, answer: ElementRef<'_>) {
        let reference = number(answer, "ref");
        if self.requests.remove(&reference).is_none() {
            // Only one that was given up may be answered late, and nothing twice.
            let told = self.told(reference).map(|told| told.what.as_str());
            assert_eq!(told, Some("wait/remote-server-timeout"), "{reference}");
            return;
        }
        let attribute = |name| answer.attribute(name).unwrap_or_default();
        let what = match attribute("type") {
            "result" => "result".to_owned(),
            _ => format!("{}/{}", attribute("etype"), attribute("condition")),
        };
        self.tell(reference, &what, &answer.text());
    }

    fn publish(&mut self, now: Timestamp, publish: ElementRef<'_>) {
        let reference = number(publish, "ref");
        if self.got.is_some_and(|got| reference <= got) {
            return;
        }
        self.got = Some(reference);
        let pubsub = publish.child("pubsub", Namespace::Pubsub).unwrap();
        let notification = Notification::read(now, pubsub);
        let timeout = Duration::from_secs(number(publish, "timeout"));
        let full = self.in_flight.len() >= self.max_in_flight;
        self.in_flight
            .insert(reference, (now.after(timeout), notification.clone()));
        if full {
            let busy = "type='error' origin='link' etype='wait' condition='resource-constraint'";
            return self.outcome(reference, busy);
        }
        self.relays.push(Relay {
            number: reference,
            to: publish.attribute("to").unwrap().to_owned(),
            notification,
        });
    }
}

pub(super) fn number(element: ElementRef<'_>, name: &str) -> u64 {
    element.attribute(name).unwrap().parse().unwrap()
}

/// The body of a message, as text of XML.
fn body_of(message: &str) -> Option<String> {
    let (_, behind) = message.split_once("<body>")?;
    Some(behind.split_once("</body>")?.0.to_owned())
}
