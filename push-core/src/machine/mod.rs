//! The whole protocol as one value: what comes in, what is to be done about it, and what goes out.
//!
//! [`inbound`] tells a stanza apart. Messages of an adapter pass its [`link`]; what they tell goes on to the [`notifier`], whose
//! effects come back here.

mod deadlines;
mod generations;
mod hosts;
mod inbound;
mod link;
mod notifier;
#[cfg(test)]
mod sample;
mod values;

use crate::action::{Action, HostStatus, OperatorReply, Outbound, Status};
use crate::event::{Event, OperatorRequest};
use crate::hash::Seeded;
use crate::ids::{DeliveryId, HostId, OperatorId};
use crate::link::{FromAdapter, LinkEvent, LinkEventKind, LinkRequest};
use crate::registration::Identity;
use crate::report::Report;
use crate::transport::DownReason;
use crate::xep::error::StanzaError;
use crate::xml::{ElementRef, Stanza};
use crate::{Settings, Timestamp};
use hosts::Hosts;
use inbound::{Inbound, Inspector};
use jid::BareJid;
use link::{Attached, Links, Taken};
use notifier::Notifier;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use std::collections::VecDeque;
use values::{Effect, ReplyTo, RouteEvent, Sending, Told};

/// Actions there is room for while nothing is to be done.
const KEPT_ACTIONS: usize = 1024;

/// XMPP push notifications as a state machine: no I/O, no clock, no async.
///
/// One Machine serves one stream. Its methods are of three kinds:
///
/// * **Input**: [`handle`](Self::handle) takes what happened, with the time. It cannot fail: a fault of a peer or of the store
///   becomes an answer and a report.
/// * **Output**: [`poll_action`](Self::poll_action) gives what shall be done, in order. Call it until it gives nothing, after one
///   event or after a batch: acknowledgements are joined per batch.
/// * **State**: [`next_deadline`](Self::next_deadline) says when [`Event::Tick`] must come at the latest,
///   [`is_idle`](Self::is_idle) whether nothing is in work.
///
/// Time must not run backwards. The same seed and the same events give the same actions.
///
/// ```
/// use push_core::{Action, Event, Machine, Settings, Timestamp};
///
/// let settings = Settings::new("push.example.org", vec!["example.org".to_owned()]);
/// let mut machine = Machine::new(settings, [7; 32]);
/// machine.handle(Timestamp::from_millis(1_790_000_000_000), Event::Up);
/// while let Some(action) = machine.poll_action() {
///     match action {
///         Action::Send(_stanza) => { /* write it with an ElementSink */ }
///         Action::Store { .. } => { /* ask, and answer by Event::Stored */ }
///         Action::Report(_) | Action::Operator { .. } | _ => {}
///     }
/// }
/// assert!(machine.next_deadline().is_some());
/// ```
#[derive(Debug)]
pub struct Machine {
    settings: Settings,
    hosts: Hosts,
    links: Links,
    notifier: Notifier,
    actions: VecDeque<Action>,
    /// Names this run: the adapters know it, and the ids of our own IQs begin with it.
    instance: String,
    up: bool,
    /// Why the stream is down, once that is known.
    down: Option<DownReason>,
    /// Operators who wait for the end of what is in work.
    draining: Vec<OperatorId>,
}

impl Machine {
    /// Returns a Machine with these settings; everything random about it comes from `seed`.
    pub fn new(settings: Settings, seed: [u8; 32]) -> Self {
        let mut rng = ChaCha8Rng::from_seed(seed);
        let hash = Seeded::new(rng.next_u64(), rng.next_u64());
        let instance = format!("{:016x}", rng.next_u64());
        let mut machine = Self {
            hosts: Hosts::new(hash),
            links: Links::new(instance.clone(), &settings, ChaCha8Rng::from_rng(&mut rng)),
            notifier: Notifier::new(hash, ChaCha8Rng::from_rng(&mut rng), &settings),
            actions: VecDeque::new(),
            settings: settings.clone(),
            instance,
            up: false,
            down: None,
            draining: Vec::new(),
        };
        machine.configure(Timestamp::default(), settings);
        machine
    }

    /// Takes what happened at `now`.
    pub fn handle(&mut self, now: Timestamp, event: Event) {
        match event {
            Event::Up => self.stream_up(now),
            Event::Down(reason) => self.stream_down(now, reason),
            Event::Stanza(stanza) => self.stanza(now, &stanza),
            Event::Skipped(bytes) => {
                self.links.skip();
                self.report(Report::Skipped { bytes });
            }
            Event::Stored { id, result } => self.notifier.stored(now, id, result),
            Event::Configure(settings) => self.configure(now, *settings),
            Event::Operator { id, request } => self.operator(id, request),
            Event::Invalidate(owner) => self.notifier.invalidate(&owner),
            Event::Tick => {}
        }
        while let Some(host) = self.links.tick(now) {
            self.detach(now, host);
            self.links.greet(now, host);
        }
        self.notifier.tick(now);
        self.run(now);
    }

    /// Returns the next thing to do; `None` when that is all for now.
    pub fn poll_action(&mut self) -> Option<Action> {
        if let Some(action) = self.actions.pop_front() {
            return Some(action);
        }
        self.actions.shrink_to(KEPT_ACTIONS);
        if let Some(message) = self.links.next_message(&self.settings.component) {
            return Some(Action::Send(Outbound::Link(message)));
        }
        let id = self.draining.pop_if(|_| self.notifier.is_idle())?;
        let reply = OperatorReply::Drained;
        Some(Action::Operator { id, reply })
    }

    /// Returns when the next [`Event::Tick`] must come at the latest.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let (links, notifier) = (self.links.next_deadline(), self.notifier.next_deadline());
        links.into_iter().chain(notifier).min()
    }

    /// Returns whether nothing is in work: no request, no missed message, no delivery.
    pub fn is_idle(&self) -> bool {
        self.notifier.is_idle()
    }

    fn stream_up(&mut self, now: Timestamp) {
        self.up = true;
        self.down = None;
        self.report(Report::StreamUp);
        self.links.stream_up();
        for host in self.hosts.iter() {
            self.links.greet(now, host);
        }
        self.notifier.route(now, RouteEvent::StreamUp);
    }

    fn stream_down(&mut self, now: Timestamp, reason: DownReason) {
        self.up = false;
        self.down = Some(reason.clone());
        self.report(Report::StreamDown(reason));
        self.links.stream_down();
        self.notifier.route(now, RouteEvent::StreamDown);
        let hosts: Vec<HostId> = self.hosts.iter().collect();
        hosts.into_iter().for_each(|host| self.detach(now, host));
    }

    fn stanza(&mut self, now: Timestamp, stanza: &Stanza) {
        let (component, limits) = (&self.settings.component, &self.settings.policy.request);
        let inspector = Inspector::new(&self.hosts, component, &self.instance, limits);
        let notifier = &mut self.notifier;
        match inspector.read(stanza.root()) {
            Inbound::Link(host, message) => self.link(now, host, message),
            Inbound::NoAdapter(host) => {
                self.detach(now, host);
                let report = self.links.absent(now, host);
                self.actions.extend(report.map(Action::Report));
            }
            Inbound::Delegated(host) => {
                let report = self.links.delegate(host);
                self.actions.extend(report.map(Action::Report));
            }
            Inbound::Privileged(host) => self.offer(now, host, Identity::User),
            Inbound::Missed(..) if notifier.is_full() => self.report(Report::Overloaded),
            Inbound::Missed(host, owner, missed) => {
                notifier.missed(now, host, &owner, missed, Told::default());
            }
            Inbound::Request(host, asked) => notifier.request(now, host, *asked),
            Inbound::Answer(number, from, iq) => notifier.answer(now, number, from, iq),
            Inbound::Reply(answer) => self.say(Outbound::Answer(answer)),
            Inbound::Untrusted(what, answer) => {
                self.report(Report::Untrusted { what });
                let answer = answer.map(Outbound::Answer);
                self.actions.extend(answer.map(Action::Send));
            }
            Inbound::Other => {}
        }
    }

    /// An adapter has sent something.
    fn link(&mut self, now: Timestamp, host: HostId, message: ElementRef<'_>) {
        self.links.heard(host);
        self.notifier.route(now, RouteEvent::Heard(host));
        for element in message.children().filter_map(crate::link::read) {
            match element {
                FromAdapter::Knock => self.links.greet(now, host),
                FromAdapter::Hello(hello) => match self.links.attach(now, host, &hello) {
                    Some(Ok(attached)) => self.attached(now, host, attached),
                    Some(Err(wrong_version)) => self.report(wrong_version),
                    None => {}
                },
                FromAdapter::Outcome { number, outcome } => {
                    let id = DeliveryId::Adapter(host, number);
                    self.notifier.outcome(now, id, outcome);
                }
                FromAdapter::Withdraw { session, numbers } => {
                    let withdrawn = self.links.withdraw(host, session, &numbers);
                    self.notifier.withdrawn(withdrawn);
                }
                FromAdapter::Pong => self.links.answered(host),
                _ if !self.links.is_attached(host) => {}
                FromAdapter::Event(event) => self.event(now, host, event),
                FromAdapter::Request(request) => self.request(now, host, &request),
            }
            // The first is told first, however many elements a message has.
            self.run(now);
        }
    }

    fn attached(&mut self, now: Timestamp, host: HostId, attached: Attached) {
        let (route, reports) = attached.into_parts();
        self.actions.extend(reports.into_iter().map(Action::Report));
        self.offer(now, host, Identity::Server);
        self.notifier.route(now, RouteEvent::Attached(route));
    }

    fn detach(&mut self, now: Timestamp, host: HostId) {
        self.notifier.route(now, RouteEvent::Detached(host));
        let report = self.links.detach(host);
        self.actions.extend(report.map(Action::Report));
    }

    fn offer(&mut self, now: Timestamp, host: HostId, identity: Identity) {
        let domain = self.hosts.domain(host).clone();
        self.notifier
            .route(now, RouteEvent::Offered(host, &domain, identity));
    }

    fn event(&mut self, now: Timestamp, host: HostId, event: LinkEvent<'_>) {
        if self.links.is_stopping() {
            return;
        }
        let (hold, is_again) = match self.links.take_event(now, host, event.number) {
            Taken::New(hold) => (hold, false),
            Taken::Deferred(hold) if self.notifier.defer_again(hold) => return,
            Taken::Deferred(hold) => (hold, true),
            Taken::Known => return,
        };
        let Some(owner) = inbound::owner(event.user, self.hosts.domain(host)) else {
            return self.links.acknowledge(now, vec![hold]);
        };
        let notifier = &mut self.notifier;
        match event.kind {
            LinkEventKind::Missed(missed) => {
                let told = Told {
                    event: Some(hold),
                    was: missed.was.and_then(|was| self.links.resumed(host, was)),
                    is_again,
                };
                notifier.missed(now, host, &owner, missed, told);
            }
            LinkEventKind::Removed | LinkEventKind::Created => {
                notifier.forget_user(now, &owner, hold);
            }
            LinkEventKind::Revoked(what, at) => notifier.revoked(now, &owner, what, at, hold),
            LinkEventKind::Unknown => self.links.acknowledge(now, vec![hold]),
        }
    }

    fn request(&mut self, now: Timestamp, host: HostId, asked: &LinkRequest<'_>) {
        let reply = ReplyTo::Adapter {
            host,
            generation: self.links.generation(host),
            number: asked.number,
        };
        let (domain, limits) = (self.hosts.domain(host), &self.settings.policy.request);
        match inbound::link_request(asked, domain, reply, limits) {
            Ok(asked) => self.notifier.request(now, host, asked),
            Err((reply, error)) => self.reply(reply, Err(StanzaError::from(&error))),
        }
    }

    /// Goes on with what can be gone on with.
    fn run(&mut self, now: Timestamp) {
        while let Some(effect) = self.notifier.next(now) {
            match effect {
                Effect::Ask(id, query) => self.actions.push_back(Action::Store { id, query }),
                Effect::Send(sending) => self.send(sending),
                Effect::Acknowledge(events) => self.links.acknowledge(now, events),
                Effect::Defer(deferral) => self.links.defer(deferral),
                Effect::Resume(host, numbers) => self.links.resume(host, &numbers),
                Effect::User(owner, some) => self.state_user(now, &owner, some),
                Effect::Answer(reply, answer) => self.reply(reply, answer),
                Effect::Report(report) => self.report(report),
            }
        }
    }

    fn send(&mut self, sending: Sending) {
        match sending.adapter() {
            Some(host) => {
                let timeout = self.settings.policy.publish_timeout;
                self.links.push(host, sending.into_publish(timeout));
            }
            None => self.say(sending.into_own(&self.settings.component, &self.instance)),
        }
    }

    fn reply(&mut self, reply: ReplyTo, answer: Result<(), StanzaError>) {
        match reply {
            ReplyTo::Adapter {
                host,
                generation,
                number,
            } => self.links.answer(host, generation, number, answer),
            ReplyTo::Delegation(whole) => self.say(Outbound::Delegated(whole.with(answer))),
        }
    }

    /// The adapter of a user's host shall know whether they have registrations.
    fn state_user(&mut self, now: Timestamp, owner: &BareJid, some: bool) {
        if let Some(host) = self.hosts.find(owner.domain().as_str()) {
            self.links.state_user(now, host, owner, some);
        }
    }

    fn configure(&mut self, now: Timestamp, settings: Settings) {
        let (added, removed) = self.hosts.configure(&settings.hosts).into_parts();
        self.settings = Settings {
            component: std::mem::take(&mut self.settings.component),
            fence: self.settings.fence,
            ..settings
        };
        self.links.configure(now, &self.settings);
        self.notifier.configure(now, &self.settings);
        for host in removed {
            self.notifier.remove_host(now, host);
            let report = self.links.close(host);
            self.actions.extend(report.map(Action::Report));
        }
        for host in added {
            self.links.open(now, host, self.hosts.domain(host));
        }
    }

    fn operator(&mut self, id: OperatorId, request: OperatorRequest) {
        match request {
            OperatorRequest::Status => {
                let reply = OperatorReply::Status(self.status());
                self.actions.push_back(Action::Operator { id, reply });
            }
            OperatorRequest::Drain => {
                self.draining.push(id);
                self.links.stop();
                self.notifier.abandon();
            }
        }
    }

    fn status(&self) -> Status {
        let status = |host| HostStatus {
            host: self.hosts.domain(host).to_string(),
            adapter: self.links.software(host),
            delegated: self.links.is_delegated(host),
            identity: self.notifier.offered(host),
        };
        Status {
            up: self.up,
            down: self.down.clone(),
            hosts: self.hosts.iter().map(status).collect(),
            load: self.notifier.load(),
        }
    }

    fn say(&mut self, stanza: Outbound) {
        self.actions.push_back(Action::Send(stanza));
    }

    fn report(&mut self, report: Report) {
        self.actions.push_back(Action::Report(report));
    }
}
