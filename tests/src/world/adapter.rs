//! A server's module in virtual time: the adapter's side of docs/protocol.md, and a referee of the service's.

mod deferred;
mod feed;
mod link;
mod waiting;

use super::service::Notification;
use deferred::Recipient;
use push_core::Timestamp;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use waiting::Waiting;

/// How long the answer to a request is waited for, milliseconds.
const REQUEST: u64 = 30_000;

/// A session of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// Its resource.
    pub resource: String,
    /// Its priority, when it is available.
    pub priority: Option<i8>,
    /// Waits for resumption.
    pub hibernated: bool,
}

impl Seat {
    /// A session with a connection.
    pub fn live(resource: &str, priority: i8) -> Self {
        Self {
            resource: resource.to_owned(),
            priority: Some(priority),
            hibernated: false,
        }
    }

    /// A session that waits for resumption.
    pub fn hibernated(resource: &str) -> Self {
        Self {
            hibernated: true,
            ..Self::live(resource, 0)
        }
    }

    /// A session that has sent no presence.
    pub fn silent(resource: &str) -> Self {
        Self {
            priority: None,
            ..Self::live(resource, 0)
        }
    }
}

/// A wake-up the adapter keeps until it is acknowledged.
#[derive(Clone, Debug)]
struct Entry {
    kind: &'static str,
    user: String,
    resource: Option<String>,
    count: u64,
    first: Timestamp,
    last: Timestamp,
    message: Option<String>,
    withdrawn: bool,
    /// The keys of the messages, the newest last.
    keys: Vec<String>,
    /// Under which number it was told before.
    was: Option<String>,
    /// For whom it was deferred.
    recipients: Vec<Recipient>,
    /// Resources that have come back since it was told.
    back: BTreeSet<String>,
}

/// What a client was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The request's number.
    pub number: u64,
    /// `result`, or type/condition.
    pub what: String,
    /// The error's text.
    pub text: String,
}

/// A publish to send as the host.
#[derive(Clone, Debug)]
pub struct Relay {
    /// The service's number for it.
    pub number: u64,
    /// The push service.
    pub to: String,
    /// What it says.
    pub notification: Notification,
}

/// The adapter of a host.
#[derive(Debug)]
pub struct Adapter {
    host: String,
    epoch: u64,
    connected: bool,
    attached: bool,
    /// The service is about to stop: outcomes are still sent.
    bye: bool,
    /// Events it may have outstanding, as the service said.
    pub window: usize,
    instance: Option<String>,
    /// Of the hello it answered last.
    session: String,
    got: Option<u64>,
    users: u64,
    none: BTreeSet<String>,
    drawn: u64,
    /// Of these, events of one user.
    pub window_of_user: usize,
    outstanding: BTreeMap<u64, Entry>,
    collapsed: VecDeque<Entry>,
    waiting: Waiting,
    /// Numbers of deferred events that ended while nobody could be told.
    ended: Vec<u64>,
    /// Deferred events it keeps; 0 if it cannot defer.
    pub max_deferred: usize,
    /// Wake-ups thrown away since the last hello.
    dropped: u64,
    /// How often each number was sent on this connection and not acknowledged since; once more for those sent before.
    said: BTreeMap<u64, usize>,
    /// The sessions of the host's users.
    pub seats: BTreeMap<String, Vec<Seat>>,
    requests: BTreeMap<u64, (String, Timestamp)>,
    requested: u64,
    /// What clients were told.
    pub told: Vec<Told>,
    /// Users who disabled or were removed: what they missed may be void while it is being published.
    changed: BTreeSet<String>,
    /// Publishes without outcome: until when, and what they say.
    in_flight: BTreeMap<u64, (Timestamp, Notification)>,
    /// Publishes it sends at a time.
    pub max_in_flight: usize,
    outcomes: Vec<String>,
    /// To the component.
    pub out: Vec<String>,
    /// To push services.
    pub relays: Vec<Relay>,
}

impl Adapter {
    /// A server that has just started.
    pub fn new(host: &str) -> Self {
        Self {
            host: host.to_owned(),
            epoch: 1,
            connected: false,
            attached: false,
            bye: false,
            window: 0,
            instance: None,
            session: String::new(),
            got: None,
            users: 0,
            none: BTreeSet::new(),
            drawn: 0,
            window_of_user: usize::MAX,
            outstanding: BTreeMap::new(),
            collapsed: VecDeque::new(),
            waiting: Waiting::default(),
            ended: Vec::new(),
            max_deferred: 10_000,
            dropped: 0,
            said: BTreeMap::new(),
            seats: BTreeMap::new(),
            requests: BTreeMap::new(),
            requested: 0,
            told: Vec::new(),
            changed: BTreeSet::new(),
            in_flight: BTreeMap::new(),
            max_in_flight: usize::MAX,
            outcomes: Vec::new(),
            out: Vec::new(),
            relays: Vec::new(),
        }
    }

    /// Whether hellos were exchanged on this connection.
    pub fn is_attached(&self) -> bool {
        self.attached
    }

    /// How many wake-ups it keeps.
    pub fn kept(&self) -> usize {
        let outstanding = self.outstanding.values();
        let outstanding = outstanding.filter(|entry| !entry.withdrawn).count();
        outstanding + self.collapsed.len() + self.waiting.all()
    }

    /// How many wake-ups wait for push services.
    pub fn deferred(&self) -> usize {
        self.waiting.deferred()
    }

    /// How many events are outstanding: they take up the window.
    pub fn outstanding(&self) -> usize {
        self.outstanding.len()
    }

    /// How many clients wait for an answer.
    pub fn asking(&self) -> usize {
        self.requests.len()
    }

    /// Whether it believes that a user has no registration.
    pub fn believes_none(&self, user: &str) -> bool {
        self.none.contains(user)
    }

    /// The component's stream came up.
    pub fn connect(&mut self) {
        self.connected = true;
        self.say("<knock xmlns='urn:x-xmpp-push:link'/>");
    }

    /// The component's stream is lost.
    pub fn disconnect(&mut self) {
        (self.connected, self.attached, self.bye) = (false, false, false);
        self.said
            .values_mut()
            .for_each(|count| *count = (*count).min(1));
        self.out.clear();
    }

    /// The server is restarted in order: what is kept survives, numbers and knowledge do not.
    pub fn restart(&mut self) {
        self.disconnect();
        self.all_due();
        self.outstanding.retain(|_, entry| !entry.withdrawn);
        let (epoch, outstanding) = (self.epoch_name(), std::mem::take(&mut self.outstanding));
        let again = outstanding.into_iter().map(|(number, mut entry)| {
            entry.was.get_or_insert(format!("{epoch}:{number}"));
            entry
        });
        self.outstanding = (1..).zip(again).collect();
        self.said.clear();
        self.epoch += 1;
        self.drawn = self.outstanding.len() as u64;
        (self.requested, self.users) = (0, 0);
        self.none.clear();
        self.requests.clear();
        let in_flight: Vec<u64> = self.in_flight.keys().copied().collect();
        for number in in_flight {
            self.outcome(number, "type='timeout'");
        }
    }

    /// When the next time-out is.
    pub fn due(&self) -> Option<Timestamp> {
        let publishes = self.in_flight.values().map(|(due, _)| *due);
        let requests = self.requests.values().map(|(_, due)| *due);
        publishes.chain(requests).min()
    }

    /// Time-outs.
    pub fn tick(&mut self, now: Timestamp) {
        let late = |(number, (due, _)): (&u64, &(Timestamp, Notification))| {
            (*due <= now).then_some(*number)
        };
        let late: Vec<u64> = self.in_flight.iter().filter_map(late).collect();
        for number in late {
            self.outcome(number, "type='timeout'");
        }
        let late =
            |(number, (_, due)): (&u64, &(String, Timestamp))| (*due <= now).then_some(*number);
        let late: Vec<u64> = self.requests.iter().filter_map(late).collect();
        for number in late {
            self.requests.remove(&number);
            self.tell(number, "wait/remote-server-timeout", "");
        }
    }

    /// A client's request; its number.
    pub fn request(&mut self, now: Timestamp, user: &str, resource: &str, payload: &str) -> u64 {
        self.requested += 1;
        let number = self.requested;
        if payload.contains("<enable") {
            self.none.remove(user);
        } else {
            self.changed.insert(user.to_owned());
        }
        if !self.attached {
            self.tell(number, "wait/service-unavailable", "");
            return number;
        }
        let due = Timestamp::from_millis(now.as_millis() + REQUEST);
        self.requests.insert(number, (user.to_owned(), due));
        self.say(&format!(
            "<request xmlns='urn:x-xmpp-push:link' ref='{number}' user='{user}' resource='{resource}'>{payload}</request>"
        ));
        number
    }

    /// What the client of a request was told, if anything.
    pub fn told(&self, number: u64) -> Option<&Told> {
        self.told.iter().rev().find(|told| told.number == number)
    }

    fn tell(&mut self, number: u64, what: &str, text: &str) {
        self.told.push(Told {
            number,
            what: what.to_owned(),
            text: text.to_owned(),
        });
    }

    /// A publish has ended: `what` is the outcome's attributes.
    pub fn outcome(&mut self, number: u64, what: &str) {
        if self.in_flight.remove(&number).is_none() {
            return;
        }
        let outcome = format!("<outcome xmlns='urn:x-xmpp-push:link' ref='{number}' {what}/>");
        if self.attached || self.bye {
            self.say(&outcome);
        } else {
            self.outcomes.push(outcome);
        }
    }

    fn say(&mut self, element: &str) {
        if self.connected {
            let host = &self.host;
            self.out.push(format!(
                "<message from='{host}/xmpp-push' to='{}'>{element}</message>",
                super::COMPONENT
            ));
        }
    }
}
