//! One adapter: how the link to it stands, what it was told, and what it is to be sent.

use super::numbers::{Numbers, Taken};
use super::outbox::Outbox;
use super::terms::Terms;
use crate::ids::{EventHold, HostId};
use crate::link::{Hello, Ranges, ToAdapter, VERSION};
use crate::machine::values::{AttachedRoute, Deferral, Withdrawn};
use crate::report::Report;
use std::sync::Arc;

/// Unanswered pings and hellos after which an adapter is gone.
const QUESTIONS: u32 = 2;

/// The adapter of one host.
#[derive(Debug)]
pub(super) struct Peer {
    domain: Arc<str>,
    state: State,
    /// The session of our hello that is not answered yet.
    session: Option<String>,
    /// The session of the hello that it answered last.
    attached: Arc<str>,
    /// The server, as its adapter called it.
    software: Option<String>,
    /// `urn:xmpp:push:0` is delegated to us.
    is_delegated: bool,
    numbers: Numbers,
    outbox: Outbox,
    /// Pings and hellos since it was heard last.
    questions: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Detached,
    /// The server has said that nobody is there.
    Absent,
    Attached,
}

/// An adapter is attached.
#[derive(Debug)]
pub(in crate::machine) struct Attached {
    route: AttachedRoute,
    reports: Vec<Report>,
}

impl Attached {
    /// Returns the route over it, and what there is to report.
    pub(in crate::machine) fn into_parts(self) -> (AttachedRoute, Vec<Report>) {
        (self.route, self.reports)
    }
}

impl Peer {
    pub(super) fn new(host: HostId, domain: Arc<str>) -> Self {
        Self {
            domain,
            state: State::Detached,
            session: None,
            attached: "".into(),
            software: None,
            is_delegated: false,
            numbers: Numbers::new(host),
            outbox: Outbox::default(),
            questions: 0,
        }
    }

    pub(super) fn domain(&self) -> &Arc<str> {
        &self.domain
    }

    /// Says hello, with the session of an earlier hello that is not answered yet: a knock may have crossed it.
    pub(super) fn greet(&mut self, fresh: u64, instance: &str, terms: &Terms) {
        let session = self.session.take();
        let session = session.unwrap_or_else(|| format!("{fresh:016x}"));
        self.session = Some(session.clone());
        self.outbox.push(ToAdapter::Hello {
            session,
            instance: instance.to_owned(),
            window: terms.window(),
            users: self.outbox.statements(),
            fence: terms.fence(),
            want: terms.want(),
        });
    }

    /// It answers our hello. Returns a report if it speaks another version; an answer to a hello of the past is ignored.
    pub(super) fn attach(
        &mut self,
        hello: &Hello<'_>,
        instance: &str,
    ) -> Option<Result<Attached, Report>> {
        if self.session.as_deref() != Some(hello.session) {
            return None;
        }
        let host = self.domain.to_string();
        if hello.version != VERSION {
            let version = hello.version;
            return Some(Err(Report::WrongVersion { host, version }));
        }
        let software = hello.software.to_owned();
        self.session = None;
        self.attached = hello.session.into();
        self.software = Some(software.clone());
        self.numbers.enter(hello.epoch);
        self.state = State::Attached;
        let mut reports = vec![Report::Attached {
            host: host.clone(),
            software,
        }];
        if hello.dropped > 0 {
            let count = hello.dropped;
            reports.push(Report::AdapterDropped { host, count });
        }
        let got = hello.got.filter(|(of, _)| *of == instance);
        let got = got.map_or(0, |(_, got)| got);
        let route = AttachedRoute {
            host: self.numbers.host(),
            generation: self.generation(),
            got,
            deferred: hello.deferred,
            places: hello.places,
        };
        Some(Ok(Attached { route, reports }))
    }

    /// The link is down. What was not sent is dropped; both sides send again after the next hello.
    pub(super) fn detach(&mut self) -> Option<Report> {
        self.session = None;
        self.questions = 0;
        self.numbers.forget_done();
        self.outbox.clear();
        if self.state != State::Attached {
            return None;
        }
        self.state = State::Detached;
        let host = self.domain.to_string();
        Some(Report::Detached { host })
    }

    /// The server says that nobody is there.
    pub(super) fn absent(&mut self) -> Option<Report> {
        if self.state == State::Absent {
            return None;
        }
        self.state = State::Absent;
        let host = self.domain.to_string();
        Some(Report::NoAdapter { host })
    }

    /// Its host is no longer served: nothing is remembered of it, and an adapter that is attached is told.
    pub(super) fn dismiss(&mut self) -> Option<Report> {
        let report = self.detach();
        self.numbers.leave();
        self.is_delegated = false;
        if report.is_some() {
            self.outbox.push(ToAdapter::Bye);
        }
        report
    }

    /// The server delegates `urn:xmpp:push:0` to us.
    pub(super) fn delegate(&mut self) -> Option<Report> {
        if std::mem::replace(&mut self.is_delegated, true) {
            return None;
        }
        let host = self.domain.to_string();
        Some(Report::Delegated { host })
    }

    pub(super) fn is_delegated(&self) -> bool {
        self.is_delegated
    }

    pub(super) fn is_attached(&self) -> bool {
        self.state == State::Attached
    }

    /// Returns the server's software, while its adapter is attached.
    pub(super) fn software(&self) -> Option<String> {
        self.software.clone().filter(|_| self.is_attached())
    }

    /// Something came from it.
    pub(super) fn heard(&mut self) {
        self.questions = 0;
    }

    /// It has answered a ping.
    pub(super) fn answered(&mut self) {
        self.numbers.answered();
    }

    /// Asks whether it is there. Returns false when it has not answered the last times.
    pub(super) fn ping(&mut self) -> bool {
        let is_there = self.ask_once_more();
        if is_there {
            self.numbers.pinged();
            self.outbox.push(ToAdapter::Ping);
        }
        is_there
    }

    /// Counts one more question. Returns false when the last ones were not answered.
    pub(super) fn ask_once_more(&mut self) -> bool {
        self.questions += 1;
        self.questions <= QUESTIONS
    }

    /// Returns which of its epochs this is.
    pub(super) fn generation(&self) -> u32 {
        self.numbers.generation()
    }

    /// Takes an event.
    pub(super) fn take_event(&mut self, number: u64, skipped: bool) -> Taken {
        self.numbers.take(number, skipped)
    }

    /// Takes the number under which an event was deferred that is told again.
    pub(super) fn resumed(&mut self, was: (&str, u64)) -> Option<EventHold> {
        self.numbers.resumed(was)
    }

    /// Takes the withdrawal of events. That of another session is ignored.
    pub(super) fn withdraw(&mut self, session: &str, numbers: &Ranges) -> Withdrawn {
        if session != &*self.attached {
            return Withdrawn::default();
        }
        self.numbers.withdraw(numbers)
    }

    /// Defers an event, or lets it join one that is deferred. Nothing to do if the adapter is away or in another epoch: it
    /// tells the event again.
    pub(super) fn defer(&mut self, deferral: Deferral) {
        let (event, into) = (deferral.event, deferral.into);
        if self.numbers.defer(event, into) && self.is_attached() {
            self.outbox.push(ToAdapter::Defer {
                session: self.attached.clone(),
                number: event.number,
                into: into.map(|into| into.number),
                recipients: deferral.recipients,
            });
        }
    }

    /// Asks for deferred events.
    pub(super) fn resume(&mut self, numbers: &[u64]) {
        if self.is_attached() {
            self.outbox.push(ToAdapter::Resume {
                session: self.attached.clone(),
                numbers: Ranges::of(numbers.iter().copied()),
            });
        }
    }

    /// Nothing is left to do for an event; acknowledged if there is somebody to hear it.
    pub(super) fn done(&mut self, event: EventHold) {
        self.numbers.done(event);
        if !self.is_attached() {
            self.numbers.forget_done();
        }
    }

    /// Says whether a user has registrations. One that is being greeted has read the hello before it reads this.
    pub(super) fn state_user(&mut self, user: &str, some: bool) {
        if self.is_attached() || some && self.session.is_some() {
            self.outbox.state(user, some);
        } else if some {
            self.outbox.skip_statement();
        }
    }

    /// Makes it forget what it was told of users.
    pub(super) fn reset_users(&mut self) {
        if self.is_attached() || self.session.is_some() {
            self.outbox.reset();
        } else {
            self.outbox.skip_statement();
        }
    }

    pub(super) fn push(&mut self, item: ToAdapter) {
        self.outbox.push(item);
    }

    /// Returns whether there is more to send than acknowledgements.
    pub(super) fn has_elements(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// Returns whether it is there, and is to be told that something is done.
    pub(super) fn has_acknowledgements(&self) -> bool {
        self.is_attached() && self.numbers.waiting() > 0
    }

    /// Returns whether a good part of the window waits for nothing but acknowledgements.
    pub(super) fn is_short_of_window(&self, window: u64) -> bool {
        self.numbers.waiting() as u64 >= window.div_ceil(4)
    }

    /// Takes what goes into the next message. Acknowledgements come last: they are joined until all else is sent.
    pub(super) fn portion(&mut self) -> Vec<ToAdapter> {
        let mut items = self.outbox.portion();
        if self.outbox.is_empty() && self.is_attached() {
            items.extend(self.numbers.acknowledge(&self.attached));
        }
        items
    }
}
