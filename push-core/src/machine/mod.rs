//! The whole protocol as one value.

mod cache;
mod component;
mod deadlines;
mod dedupe;
mod feed;
mod hosts;
mod judge;
mod lanes;
mod link;
mod publishes;
mod publishing;
mod queue;
mod requests;
mod serving;
mod settings;
mod settling;
mod staleness;
mod tickets;

pub use settings::{IdentityChoice, Settings};

use crate::action::{Action, HostStatus, OperatorReply, Status};
use crate::event::{Event, OperatorId, OperatorRequest, QueryId};
use crate::hash::Seeded;
use crate::report::Report;
use crate::transport::DownReason;
use crate::{Policy, Timestamp};
use cache::Cache;
use deadlines::Deadlines;
use dedupe::Dedupe;
use hosts::Hosts;
use jid::BareJid;
use lanes::Lanes;
use publishes::{PublishId, Publishes};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use staleness::Doubts;
use std::collections::VecDeque;
use tickets::Tickets;

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
    rng: ChaCha8Rng,
    actions: VecDeque<Action>,
    up: bool,
    /// Why the stream is down, once that is known.
    down: Option<DownReason>,
    /// Something was passed over since the stream came up: numbers may be missing.
    skipped: bool,
    hosts: Hosts,
    lanes: Lanes,
    cache: Cache,
    doubts: Doubts,
    dedupe: Dedupe,
    tickets: Tickets,
    publishes: Publishes,
    deadlines: Deadlines<Due>,
    draining: Option<OperatorId>,
}

/// What is due at a deadline.
#[derive(Clone, Debug)]
enum Due {
    /// Greet the adapter of this host again.
    Hello(usize),
    /// See whether the adapter of this host is there.
    Ping(usize),
    /// The store did not answer.
    Query(QueryId),
    /// Ask the store again for this user.
    Retry(BareJid),
    /// What was given up of this user's commits is over.
    Settled(BareJid),
    /// The adapter of this host has believed for long enough.
    ForgetUsers(usize),
    /// The push service did not answer.
    Publish(PublishId),
    /// Publish to this push service again.
    Unpause(BareJid),
}

impl Machine {
    /// A Machine with these settings; everything random about it comes from `seed`.
    pub fn new(settings: Settings, seed: [u8; 32]) -> Self {
        let mut rng = ChaCha8Rng::from_seed(seed);
        let hash = Seeded::new(rng.next_u64(), rng.next_u64());
        let hosts = Hosts::new(&settings.hosts, hash, token(&mut rng));
        Self {
            actions: VecDeque::new(),
            up: false,
            down: None,
            skipped: false,
            hosts,
            lanes: Lanes::new(hash),
            cache: Cache::new(hash),
            doubts: Doubts::new(hash),
            dedupe: Dedupe::new(hash),
            tickets: Tickets::new(hash),
            publishes: Publishes::new(hash),
            deadlines: Deadlines::new(),
            draining: None,
            settings,
            rng,
        }
    }

    /// Takes what happened at `now`.
    pub fn handle(&mut self, now: Timestamp, event: Event) {
        let policy = &self.settings.policy;
        self.dedupe
            .age(now, policy.dedupe_window, policy.dedupe_entries);
        match event {
            Event::Up => self.stream_up(now),
            Event::Down(reason) => self.stream_down(reason),
            Event::Stanza(stanza) => self.stanza(now, stanza.root()),
            Event::Skipped(bytes) => {
                self.skipped = true;
                self.report(Report::Skipped { bytes });
            }
            Event::Stored { id, result } => self.stored(now, id, result),
            Event::Configure(settings) => self.configure(now, *settings),
            Event::Operator { id, request } => self.operator(id, request),
            Event::Invalidate(owner) => self.invalidate(&owner),
            Event::Tick => {}
        }
        while let Some(due) = self.deadlines.pop_due(now) {
            self.due(now, due);
        }
    }

    /// The next thing to do; `None` when that is all for now.
    pub fn poll_action(&mut self) -> Option<Action> {
        if self.actions.is_empty() {
            self.flush_hosts();
            self.finish_draining();
        }
        self.actions.pop_front()
    }

    /// When the next [`Event::Tick`] must come at the latest.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.deadlines.next()
    }

    /// Whether nothing is in work: no request, no missed message, no publish.
    pub fn is_idle(&self) -> bool {
        self.lanes.is_empty() && self.publishes.is_empty() && self.tickets.is_empty()
    }

    fn due(&mut self, now: Timestamp, due: Due) {
        match due {
            Due::Hello(host) => self.hello_due(now, host),
            Due::Ping(host) => self.ping_due(now, host),
            Due::Query(id) => self.query_due(now, id),
            Due::Retry(owner) => self.retry(now, &owner),
            Due::Settled(owner) => self.settled(now, &owner),
            Due::ForgetUsers(host) => self.forget_users(host),
            Due::Publish(id) => self.publish_due(now, id),
            Due::Unpause(service) => self.pause_over(now, &service),
        }
    }

    fn stream_up(&mut self, now: Timestamp) {
        self.up = true;
        self.down = None;
        self.skipped = false;
        self.report(Report::StreamUp);
        for host in 0..self.hosts.len() {
            self.open_link(now, host);
        }
        self.send_own_again(now);
        self.pump_all(now);
    }

    fn stream_down(&mut self, reason: DownReason) {
        self.up = false;
        self.down = Some(reason.clone());
        self.report(Report::StreamDown(reason));
        for host in 0..self.hosts.len() {
            self.detach(host);
        }
    }

    fn configure(&mut self, now: Timestamp, settings: Settings) {
        let fresh = self.hosts.configure(&settings.hosts);
        for host in 0..self.hosts.len() {
            if !self.hosts[host].configured {
                self.detach(host);
            }
        }
        self.settings = settings;
        if self.up {
            fresh.into_iter().for_each(|host| self.open_link(now, host));
        }
    }

    pub(super) fn invalidate(&mut self, owner: &BareJid) {
        self.cache.forget(owner);
        if let Some(host) = self.hosts.find(owner.domain().as_str()) {
            self.state_user(host, owner, true);
        }
    }

    fn operator(&mut self, id: OperatorId, request: OperatorRequest) {
        match request {
            OperatorRequest::Status => {
                let reply = OperatorReply::Status(self.status());
                self.actions.push_back(Action::Operator { id, reply });
            }
            OperatorRequest::Drain => {
                self.draining = Some(id);
                self.say_bye();
                self.abandon();
            }
        }
    }

    fn finish_draining(&mut self) {
        if self.actions.is_empty() && self.is_idle() {
            let reply = OperatorReply::Drained;
            let done = self
                .draining
                .take()
                .map(|id| Action::Operator { id, reply });
            self.actions.extend(done);
        }
    }

    /// What adapters will tell again after our restart is let go of without acknowledgement.
    fn abandon(&mut self) {
        let mut tickets = self.lanes.abandon();
        tickets.extend(self.publishes.abandon());
        tickets
            .into_iter()
            .for_each(|ticket| self.tickets.forget(ticket));
    }

    fn status(&self) -> Status {
        let status = |host: &hosts::Host| HostStatus {
            host: host.domain.to_string(),
            adapter: host.software.clone().filter(|_| host.is_attached()),
            delegated: host.delegated,
            identity: host.identity,
        };
        Status {
            up: self.up,
            down: self.down.clone(),
            hosts: self.hosts.iter().map(status).collect(),
            waiting: self.waiting(),
            in_flight: self.publishes.in_flight(),
        }
    }

    /// Missed messages and requests waiting for the store, publishes waiting for their turn.
    fn waiting(&self) -> usize {
        self.lanes.waiting() + self.publishes.waiting()
    }

    fn policy(&self) -> &Policy {
        &self.settings.policy
    }

    fn report(&mut self, report: Report) {
        self.actions.push_back(Action::Report(report));
    }
}

/// A word nobody can guess: 64 bits in hexadecimal.
fn token(rng: &mut ChaCha8Rng) -> String {
    format!("{:016x}", rng.next_u64())
}
