//! The Machine's end of the link: attaching, acknowledging, statements about users.

use super::hosts::{Host, LinkState};
use super::{Due, Machine, token};
use crate::Timestamp;
use crate::action::{Action, Outbound};
use crate::lease::Fence;
use crate::link::{FromAdapter, Hello, LinkMessage, Outcome, Ranges, ToAdapter, VERSION, read};
use crate::registration::Identity;
use crate::report::Report;
use crate::xml::{ElementRef, Namespace};
use jid::BareJid;
use std::sync::Arc;

/// The kinds and contents the built-in plugins read.
const WANT: &str = "offline queued unacked lost archived removed created";
/// Elements per message, and bytes of texts in them: Prosody ends a stream with a stanza over 512 kB, and an escaped
/// character may take six bytes.
const ITEMS: usize = 50;
const BYTES: usize = 64 << 10;
/// Statements per element.
const STATEMENTS: usize = 500;
/// Unanswered pings after which the adapter is gone.
const PINGS: u32 = 2;

impl Machine {
    /// Greets the adapter of a host; repeated until it answers.
    pub(super) fn open_link(&mut self, now: Timestamp, host: usize) {
        if self.draining.is_some() || !self.hosts[host].configured {
            return;
        }
        // A hello that is not answered yet stays the same one: a knock may cross it.
        let open = self.hosts[host].session.take();
        let session = open.unwrap_or_else(|| token(&mut self.rng));
        let window = self.policy().max_queue / self.hosts.configured();
        let hello = ToAdapter::Hello {
            session: session.clone(),
            instance: self.hosts.instance.clone(),
            window: window.max(1) as u64,
            users: self.hosts[host].statements_sent,
            fence: self.settings.fence.map(Fence::as_u64),
            want: WANT,
        };
        let due = now.after(self.policy().hello_interval);
        self.hosts[host].session = Some(session);
        self.hosts[host].outbox.push(hello);
        self.next_due(host, due, Due::Hello(host));
    }

    /// Either greets again or asks again: a host has one deadline at a time.
    fn next_due(&mut self, host: usize, at: Timestamp, due: Due) {
        let key = self.deadlines.set(at, due);
        if let Some(before) = self.hosts[host].due.replace(key) {
            self.deadlines.cancel(before);
        }
    }

    pub(super) fn hello_due(&mut self, now: Timestamp, host: usize) {
        if self.up {
            self.open_link(now, host);
        }
    }

    pub(super) fn ping_due(&mut self, now: Timestamp, host: usize) {
        if !self.hosts[host].is_attached() {
            return;
        }
        self.hosts[host].pings += 1;
        if self.hosts[host].pings > PINGS {
            self.detach(host);
            return self.open_link(now, host);
        }
        self.hosts[host].outbox.push(ToAdapter::Ping);
        self.next_due(
            host,
            now.after(self.policy().ping_interval),
            Due::Ping(host),
        );
    }

    /// What an adapter sent; the sender is known to be the adapter of `host`.
    pub(super) fn link_message(&mut self, now: Timestamp, host: usize, message: ElementRef<'_>) {
        self.hosts[host].pings = 0;
        self.hosts[host].heard_at = now;
        for element in message.children().filter_map(read) {
            match element {
                FromAdapter::Knock => self.open_link(now, host),
                FromAdapter::Hello(hello) => self.attach(now, host, &hello),
                FromAdapter::Outcome { number, outcome } => {
                    self.outcome(now, host, number, &outcome);
                }
                FromAdapter::Event(event) if self.hosts[host].is_attached() => {
                    self.event(now, host, event);
                }
                FromAdapter::Request(request) if self.hosts[host].is_attached() => {
                    self.link_request(now, host, &request);
                }
                FromAdapter::Withdraw { epoch, numbers } => self.withdraw(host, epoch, &numbers),
                FromAdapter::Event(_) | FromAdapter::Request(_) | FromAdapter::Pong => {}
            }
        }
    }

    /// A message of ours to the adapter's address came back.
    pub(super) fn no_adapter(&mut self, now: Timestamp, host: usize) {
        self.detach(host);
        self.next_due(
            host,
            now.after(self.policy().hello_interval),
            Due::Hello(host),
        );
        if std::mem::replace(&mut self.hosts[host].link, LinkState::Absent) != LinkState::Absent {
            let host = self.hosts[host].domain.to_string();
            self.report(Report::NoAdapter { host });
        }
    }

    fn attach(&mut self, now: Timestamp, host: usize, hello: &Hello<'_>) {
        let domain = self.hosts[host].domain.to_string();
        if self.hosts[host].session.as_deref() != Some(hello.session) {
            return;
        }
        if hello.version != VERSION {
            return self.report(Report::WrongVersion {
                host: domain,
                version: hello.version,
            });
        }
        if hello.dropped > 0 {
            self.report(Report::AdapterDropped {
                host: domain.clone(),
                count: hello.dropped,
            });
        }
        let state = &mut self.hosts[host];
        state.session = None;
        state.software = Some(hello.software.to_owned());
        if state.epoch.as_deref() != Some(hello.epoch) {
            enter_epoch(state, hello.epoch);
        }
        state.link = LinkState::Attached;
        self.next_due(
            host,
            now.after(self.policy().ping_interval),
            Due::Ping(host),
        );
        self.report(Report::Attached {
            host: domain,
            software: hello.software.to_owned(),
        });
        self.offer_identity(host, Identity::Server);
        let instance = &self.hosts.instance;
        let got = hello
            .got
            .filter(|(of, _)| of == instance)
            .map_or(0, |(_, got)| got);
        self.publish_again(now, host, got);
        self.pump_all(now);
    }

    /// The link is down: what was not sent is void. The adapter sends its part again, and so do we.
    pub(super) fn detach(&mut self, host: usize) {
        let state = &mut self.hosts[host];
        state.session = None;
        state.pings = 0;
        if let Some(due) = state.due.take() {
            self.deadlines.cancel(due);
        }
        state.done.clear();
        state.outbox.clear();
        if !state.statements.is_empty() || std::mem::take(&mut state.reset) {
            // The number differs from the adapter's now: it will forget what it believes.
            state.statements_sent += 1;
            state.statements.clear();
        }
        if state.is_attached() {
            state.link = LinkState::Detached;
            let host = state.domain.to_string();
            self.report(Report::Detached { host });
        }
    }

    fn withdraw(&mut self, host: usize, epoch: &str, numbers: &Ranges) {
        let state = &self.hosts[host];
        if state.epoch.as_deref() != Some(epoch) {
            return;
        }
        for (_, &ticket) in state
            .pending
            .iter()
            .filter(|(number, _)| numbers.contains(**number))
        {
            self.tickets.withdraw(ticket);
        }
    }

    fn outcome(&mut self, now: Timestamp, host: usize, number: u64, outcome: &Outcome) {
        if let Some(id) = self.hosts[host].unanswered.remove(&number) {
            self.published(now, id, outcome);
        }
    }

    /// Tells the adapter of the owner's host whether the owner has registrations.
    pub(super) fn state_user(&mut self, host: usize, owner: &BareJid, some: bool) {
        let Some(user) = owner.node() else { return };
        let host = &mut self.hosts[host];
        // An adapter that is being greeted has read the hello before it reads this.
        if host.is_attached() || some && host.session.is_some() {
            host.statements.push((user.as_str().to_owned(), some));
        } else if some {
            // The number differs from the adapter's now: it will forget what it believes.
            host.statements_sent += 1;
        }
    }

    pub(super) fn say_bye(&mut self) {
        for host in 0..self.hosts.len() {
            if self.hosts[host].is_attached() {
                self.hosts[host].outbox.push(ToAdapter::Bye);
            }
        }
    }

    /// Sends what has gathered for the adapters.
    pub(super) fn flush_hosts(&mut self) {
        for host in 0..self.hosts.len() {
            let state = &mut self.hosts[host];
            let mut items = gathered(state);
            if items.is_empty() {
                continue;
            }
            let from: Arc<str> = self.settings.component.as_str().into();
            while !items.is_empty() && self.up {
                let rest = items.split_off(portion(&items));
                let message = LinkMessage {
                    from: from.clone(),
                    host: state.domain.clone(),
                    items,
                };
                self.actions
                    .push_back(Action::Send(Outbound::Link(message)));
                items = rest;
            }
        }
    }
}

fn enter_epoch(host: &mut Host, epoch: &str) {
    host.epoch = Some(epoch.into());
    host.generation += 1;
    host.highest = 0;
    host.pending.clear();
    host.done.clear();
}

/// How many of `items` go into one message; at least one.
fn portion(items: &[ToAdapter]) -> usize {
    let mut bytes = 0;
    let fits = |item: &&ToAdapter| {
        bytes += item.text_bytes();
        bytes <= BYTES
    };
    items.iter().take(ITEMS).take_while(fits).count().max(1)
}

/// Statements first: they hold for the answers that follow. Acknowledgements last.
fn gathered(host: &mut Host) -> Vec<ToAdapter> {
    let mut items = Vec::new();
    if std::mem::take(&mut host.reset) {
        host.statements_sent += 1;
        items.push(ToAdapter::Users {
            number: host.statements_sent,
            reset: true,
            users: Vec::new(),
        });
    }
    let statements = std::mem::take(&mut host.statements);
    for users in statements.chunks(STATEMENTS) {
        host.statements_sent += 1;
        items.push(ToAdapter::Users {
            number: host.statements_sent,
            reset: false,
            users: users.to_vec(),
        });
    }
    items.append(&mut host.outbox);
    if let (Some(epoch), false) = (&host.epoch, host.done.is_empty()) {
        let numbers = Ranges::joined(std::mem::take(&mut host.done));
        items.push(ToAdapter::Ack {
            epoch: epoch.clone(),
            numbers,
        });
    }
    items
}

/// The host part of `HOST/xmpp-push`, if that is the shape of an address.
pub(super) fn adapter_host(address: &str) -> Option<&str> {
    address
        .strip_suffix(crate::link::RESOURCE)?
        .strip_suffix('/')
}

/// Whether a message holds anything of the link.
pub(super) fn is_link(message: ElementRef<'_>) -> bool {
    message
        .children()
        .any(|child| child.namespace() == Namespace::Link)
}
