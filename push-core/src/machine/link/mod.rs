//! Our ends of the links to the adapters (docs/protocol.md): attaching, numbers, statements about users, what is to be sent.

mod numbers;
mod outbox;
mod peer;
mod terms;
#[cfg(test)]
mod tests;

pub(super) use numbers::Taken;
pub(super) use peer::Attached;

use super::deadlines::{Deadlines, Key};
use super::values::{Deferral, Withdrawn};
use crate::ids::{EventHold, HostId};
use crate::link::{Hello, LinkMessage, Ranges, ToAdapter};
use crate::report::Report;
use crate::xep::error::StanzaError;
use crate::{Settings, Timestamp};
use jid::BareJid;
use peer::Peer;
use rand_chacha::ChaCha8Rng;
use rand_core::Rng;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use terms::Terms;

/// How long acknowledgements wait for something to travel with. They hurry nobody, and a message of their own costs both
/// sides as much as a publish.
const ACK_DELAY: Duration = Duration::from_millis(10);

/// One link for each host.
#[derive(Debug)]
pub(super) struct Links {
    by_host: Vec<Link>,
    /// Names this run of the service.
    instance: String,
    terms: Terms,
    is_up: bool,
    /// Something was passed over since the stream came up: event numbers may be missing.
    skipped: bool,
    is_stopping: bool,
    /// Hosts with something to send, in turns.
    to_send: VecDeque<HostId>,
    deadlines: Deadlines<Due>,
    rng: ChaCha8Rng,
}

#[derive(Debug)]
struct Link {
    peer: Peer,
    is_to_send: bool,
    /// When to greet it again, or to ask whether it is there.
    due: Option<Key>,
    /// When acknowledgements are sent that found nothing to travel with.
    ack_due: Option<Key>,
    /// It will be made to forget what it was told of users.
    will_forget: bool,
}

#[derive(Debug)]
enum Due {
    Hello(HostId),
    Ping(HostId),
    Acknowledge(HostId),
    ForgetUsers(HostId),
}

impl Links {
    pub(super) fn new(instance: String, settings: &Settings, rng: ChaCha8Rng) -> Self {
        Self {
            by_host: Vec::new(),
            instance,
            terms: Terms::new(settings),
            is_up: false,
            skipped: false,
            is_stopping: false,
            to_send: VecDeque::new(),
            deadlines: Deadlines::new(),
            rng,
        }
    }

    /// Takes new settings, and greets the adapters again that were told others.
    pub(super) fn configure(&mut self, now: Timestamp, settings: &Settings) {
        let before = std::mem::replace(&mut self.terms, Terms::new(settings));
        if self.terms.say_as(&before) {
            return;
        }
        for host in (0..self.by_host.len()).map(HostId::new) {
            if self.is_attached(host) {
                self.greet(now, host);
            }
        }
    }

    /// Begins to serve a host, and greets its adapter if the stream is up. Hosts are numbered in order.
    pub(super) fn open(&mut self, now: Timestamp, host: HostId, domain: &Arc<str>) {
        if host.index() == self.by_host.len() {
            self.by_host.push(Link {
                peer: Peer::new(host, domain.clone()),
                is_to_send: false,
                due: None,
                ack_due: None,
                will_forget: false,
            });
        }
        self.greet(now, host);
    }

    /// Ends to serve a host.
    pub(super) fn close(&mut self, host: HostId) -> Option<Report> {
        self.cancel_due(host);
        let report = self.peer(host).dismiss();
        self.mark(host);
        report
    }

    /// The stream is up: numbers are complete from here on.
    pub(super) fn stream_up(&mut self) {
        self.is_up = true;
        self.skipped = false;
    }

    /// The stream is down, and every link with it.
    pub(super) fn stream_down(&mut self) {
        self.is_up = false;
    }

    /// A stanza was passed over.
    pub(super) fn skip(&mut self) {
        self.skipped = true;
    }

    /// Greets the adapter of a host; repeated until it answers.
    pub(super) fn greet(&mut self, now: Timestamp, host: HostId) {
        if !self.is_up || self.is_stopping {
            return;
        }
        let fresh = self.rng.next_u64();
        let peer = &mut self.by_host[host.index()].peer;
        peer.greet(fresh, &self.instance, &self.terms);
        self.mark(host);
        let again = now.after(self.terms.hello_interval());
        self.set_due(host, again, Due::Hello(host));
    }

    /// Something came from the adapter of a host.
    pub(super) fn heard(&mut self, host: HostId) {
        self.peer(host).heard();
    }

    /// The adapter of a host answers a hello. Returns a report if it speaks another version; an answer to a hello of the past
    /// is ignored.
    pub(super) fn attach(
        &mut self,
        now: Timestamp,
        host: HostId,
        hello: &Hello<'_>,
    ) -> Option<Result<Attached, Report>> {
        let attached = self.by_host[host.index()]
            .peer
            .attach(hello, &self.instance)?;
        if attached.is_ok() {
            let ping = now.after(self.terms.ping_interval());
            self.set_due(host, ping, Due::Ping(host));
            self.hold_back(now, host);
        }
        Some(attached)
    }

    /// The link is down.
    pub(super) fn detach(&mut self, host: HostId) -> Option<Report> {
        self.cancel_due(host);
        self.peer(host).detach()
    }

    /// The server says that there is no adapter, which is greeted again later.
    pub(super) fn absent(&mut self, now: Timestamp, host: HostId) -> Option<Report> {
        let again = now.after(self.terms.hello_interval());
        self.set_due(host, again, Due::Hello(host));
        self.peer(host).absent()
    }

    pub(super) fn is_attached(&self, host: HostId) -> bool {
        self.by_host[host.index()].peer.is_attached()
    }

    /// Returns which of the adapter's epochs this is.
    pub(super) fn generation(&self, host: HostId) -> u32 {
        self.by_host[host.index()].peer.generation()
    }

    /// Takes the number of an event.
    pub(super) fn take_event(&mut self, now: Timestamp, host: HostId, number: u64) -> Taken {
        let skipped = self.skipped;
        let event = self.peer(host).take_event(number, skipped);
        self.hold_back(now, host);
        event
    }

    /// Takes the number under which an event was deferred that is told again.
    pub(super) fn resumed(&mut self, host: HostId, was: (&str, u64)) -> Option<EventHold> {
        self.peer(host).resumed(was)
    }

    /// Takes the withdrawal of events by their adapter.
    pub(super) fn withdraw(&mut self, host: HostId, session: &str, numbers: &Ranges) -> Withdrawn {
        self.peer(host).withdraw(session, numbers)
    }

    /// Defers an event for these recipients, or lets it join one that is deferred.
    pub(super) fn defer(&mut self, deferral: Deferral) {
        let host = deferral.event.host;
        self.peer(host).defer(deferral);
        self.mark(host);
    }

    /// Asks the adapter of a host for deferred events.
    pub(super) fn resume(&mut self, host: HostId, numbers: &[u64]) {
        self.peer(host).resume(numbers);
        self.mark(host);
    }

    /// The adapter of a host has answered a ping.
    pub(super) fn answered(&mut self, host: HostId) {
        self.peer(host).answered();
    }

    /// Acknowledges events, if their adapter is there to hear it: with the next message to it, or soon.
    pub(super) fn acknowledge(&mut self, now: Timestamp, events: Vec<EventHold>) {
        for event in events {
            self.peer(event.host).done(event);
            self.hold_back(now, event.host);
        }
    }

    /// Answers a request of that epoch of the adapter.
    pub(super) fn answer(
        &mut self,
        host: HostId,
        generation: u32,
        number: u64,
        answer: Result<(), StanzaError>,
    ) {
        if self.is_attached(host) && self.generation(host) == generation {
            self.push(host, ToAdapter::Answer { number, answer });
        }
    }

    /// Tells the adapter whether a user has registrations. Where others write to the store, it is made to forget after a while
    /// who has none.
    pub(super) fn state_user(&mut self, now: Timestamp, host: HostId, owner: &BareJid, some: bool) {
        let Some(user) = owner.node() else { return };
        if let Some(trust) = self.terms.trust().filter(|_| !some) {
            let will = std::mem::replace(&mut self.by_host[host.index()].will_forget, true);
            if !will {
                self.deadlines.set(now.after(trust), Due::ForgetUsers(host));
            }
        }
        self.peer(host).state_user(user.as_str(), some);
        self.mark(host);
    }

    /// `urn:xmpp:push:0` is delegated to us.
    pub(super) fn delegate(&mut self, host: HostId) -> Option<Report> {
        self.peer(host).delegate()
    }

    pub(super) fn is_delegated(&self, host: HostId) -> bool {
        self.by_host[host.index()].peer.is_delegated()
    }

    /// Returns the server's software, while its adapter is attached.
    pub(super) fn software(&self, host: HostId) -> Option<String> {
        self.by_host[host.index()].peer.software()
    }

    /// Tells every adapter that we are about to stop; none is greeted any more.
    pub(super) fn stop(&mut self) {
        self.is_stopping = true;
        for host in (0..self.by_host.len()).map(HostId::new) {
            if self.is_attached(host) {
                self.push(host, ToAdapter::Bye);
            }
        }
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.is_stopping
    }

    /// Returns the next message to an adapter; the hosts take turns.
    pub(super) fn next_message(&mut self, component: &str) -> Option<LinkMessage> {
        while let Some(host) = self.to_send.pop_front() {
            self.by_host[host.index()].is_to_send = false;
            let peer = self.peer(host);
            let items = peer.portion();
            let domain = peer.domain().clone();
            let link = &mut self.by_host[host.index()];
            if let Some(due) = link.ack_due.take_if(|_| !link.peer.has_acknowledgements()) {
                self.deadlines.cancel(due);
            }
            self.mark(host);
            if !items.is_empty() && self.is_up {
                return Some(LinkMessage {
                    from: component.into(),
                    host: domain,
                    items,
                });
            }
        }
        None
    }

    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        self.deadlines.next()
    }

    /// Greets and pings when it is time. Returns a host whose adapter does not answer any more.
    pub(super) fn tick(&mut self, now: Timestamp) -> Option<HostId> {
        loop {
            match self.deadlines.pop_due(now)? {
                Due::Hello(host) if self.is_attached(host) && !self.peer(host).ask_once_more() => {
                    return Some(host);
                }
                Due::Hello(host) => self.greet(now, host),
                Due::Acknowledge(host) => {
                    self.by_host[host.index()].ack_due = None;
                    self.enqueue(host);
                }
                Due::ForgetUsers(host) => {
                    self.by_host[host.index()].will_forget = false;
                    self.peer(host).reset_users();
                    self.mark(host);
                }
                Due::Ping(host) if !self.is_attached(host) => {}
                Due::Ping(host) if !self.peer(host).ping() => return Some(host),
                Due::Ping(host) => {
                    self.mark(host);
                    let again = now.after(self.terms.ping_interval());
                    self.set_due(host, again, Due::Ping(host));
                }
            }
        }
    }

    /// Either greets again or pings again: a host has one such deadline at a time.
    fn set_due(&mut self, host: HostId, at: Timestamp, due: Due) {
        self.cancel_due(host);
        self.by_host[host.index()].due = Some(self.deadlines.set(at, due));
    }

    fn cancel_due(&mut self, host: HostId) {
        if let Some(due) = self.by_host[host.index()].due.take() {
            self.deadlines.cancel(due);
        }
    }

    fn peer(&mut self, host: HostId) -> &mut Peer {
        &mut self.by_host[host.index()].peer
    }

    /// Sends an element.
    pub(super) fn push(&mut self, host: HostId, item: ToAdapter) {
        self.peer(host).push(item);
        self.mark(host);
    }

    /// Lets acknowledgements wait for something to travel with, unless the adapter waits for them.
    fn hold_back(&mut self, now: Timestamp, host: HostId) {
        let window = self.terms.window();
        let link = &mut self.by_host[host.index()];
        if !link.peer.has_acknowledgements() || link.is_to_send {
            return;
        }
        if self.is_stopping || link.peer.is_short_of_window(window) {
            return self.enqueue(host);
        }
        if link.ack_due.is_none() {
            let due = Due::Acknowledge(host);
            link.ack_due = Some(self.deadlines.set(now.after(ACK_DELAY), due));
        }
    }

    /// Lets a host with something to send have its turn.
    fn mark(&mut self, host: HostId) {
        if self.by_host[host.index()].peer.has_elements() {
            self.enqueue(host);
        }
    }

    fn enqueue(&mut self, host: HostId) {
        let link = &mut self.by_host[host.index()];
        if !std::mem::replace(&mut link.is_to_send, true) {
            self.to_send.push_back(host);
        }
    }
}
