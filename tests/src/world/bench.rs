//! The Machine with a clock and a store: stanzas in, stanzas out.

use super::store::{FakeStore, Mood};
use super::{START, xml};
use push_core::transport::DownReason;
use push_core::{
    Action, Event, Machine, OperatorId, OperatorReply, OperatorRequest, Report, Settings, Timestamp,
};
use std::time::Duration;

/// The Machine in virtual time.
#[derive(Debug)]
pub struct Bench {
    /// The one that is tested.
    pub machine: Machine,
    /// What it asks.
    pub store: FakeStore,
    /// What it said on the stream and nobody has taken yet.
    pub sent: Vec<String>,
    /// What it reported and nobody has taken yet.
    pub reports: Vec<Report>,
    /// What it answered the operator.
    pub replies: Vec<(OperatorId, OperatorReply)>,
    now: Timestamp,
}

impl Bench {
    /// At the beginning of time, with a seed that is always the same.
    pub fn new(settings: Settings) -> Self {
        Self::seeded(settings, 7)
    }

    /// With the Machine's seed.
    pub fn seeded(settings: Settings, seed: u8) -> Self {
        Self {
            machine: Machine::new(settings, [seed; 32]),
            store: FakeStore::default(),
            sent: Vec::new(),
            reports: Vec::new(),
            replies: Vec::new(),
            now: Timestamp::from_millis(START),
        }
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Something happens; everything that follows at the same moment is done.
    pub fn tell(&mut self, event: Event) {
        self.tell_all([event]);
    }

    /// Several things happen before the Machine is asked what to do.
    pub fn tell_all(&mut self, events: impl IntoIterator<Item = Event>) {
        for event in events {
            self.machine.handle(self.now, event);
        }
        while let Some(action) = self.machine.poll_action() {
            self.act(action);
        }
    }

    /// The stream comes up.
    pub fn up(&mut self) {
        self.tell(Event::Up);
    }

    /// The stream is lost.
    pub fn down(&mut self) {
        self.tell(Event::Down(DownReason::Lost("cut".to_owned())));
    }

    /// Stanzas come in, as one read of the socket.
    pub fn hear(&mut self, text: &str) {
        let events = xml::read(text);
        assert!(events.is_some(), "not well-formed: {text}");
        self.tell_all(events.unwrap_or_default().into_iter().map(Event::from));
    }

    /// The operator asks.
    pub fn ask(&mut self, request: OperatorRequest) -> Option<OperatorReply> {
        let id = OperatorId(self.replies.len() as u64);
        self.tell(Event::Operator { id, request });
        let reply = self.replies.iter().find(|(of, _)| *of == id);
        reply.map(|(_, reply)| reply.clone())
    }

    /// From now on the store answers so.
    pub fn store(&mut self, mood: Mood) {
        self.store.set_mood(mood);
    }

    /// When something happens next by itself.
    pub fn next_moment(&self) -> Option<Timestamp> {
        let moments = [self.machine.next_deadline(), self.store.due()];
        moments.into_iter().flatten().min()
    }

    /// Jumps to `moment`; what is due there happens.
    pub fn jump(&mut self, moment: Timestamp) {
        self.now = self.now.max(moment);
        let late = self.store.late(self.now);
        self.tell_all(late.into_iter().chain([Event::Tick]));
        // Deadlines are due at their very moment: else time would stand still.
        let next = self.machine.next_deadline();
        assert!(
            next.is_none_or(|next| next > self.now),
            "a deadline was passed over"
        );
    }

    /// Time passes, from one interesting moment to the next.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now.after(time);
        while let Some(moment) = self.next_moment().filter(|moment| *moment <= end) {
            self.jump(moment);
        }
        self.jump(end);
    }

    /// How many publishes wait for their answer.
    pub fn in_flight(&mut self) -> usize {
        match self.ask(OperatorRequest::Status) {
            Some(OperatorReply::Status(status)) => status.load.in_flight,
            _ => 0,
        }
    }

    /// What was said since the last call.
    pub fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.sent)
    }

    /// What was reported since the last call.
    pub fn take_reports(&mut self) -> Vec<Report> {
        std::mem::take(&mut self.reports)
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Send(outbound) => self.sent.push(xml::written(&outbound)),
            Action::Store { id, query } => {
                if let Some(answer) = self.store.ask(self.now, id, query) {
                    self.machine.handle(self.now, answer);
                }
            }
            Action::Report(report) => self.reports.push(report),
            Action::Operator { id, reply } => self.replies.push((id, reply)),
            other => unreachable!("an action the kit does not know: {other:?}"),
        }
    }
}
