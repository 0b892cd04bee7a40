//! The Machine told anything in any order.

use super::super::random::Dice;
use super::super::{START, settings, xml};
use super::session_of;
use crate::store::registration;
use push_core::store::{Change, Committed, Loaded, StoreError};
use push_core::transport::DownReason;
use push_core::{
    Account, Action, BareJid, Event, Machine, OperatorId, OperatorReply, OperatorRequest, Query,
    QueryId, Settings, StoreAnswer, Timestamp,
};
use std::time::Duration;

/// The Machine told anything in any order.
pub struct Anything {
    machine: Machine,
    now: Timestamp,
    session: String,
    asked: Vec<(QueryId, Query)>,
    answered: Vec<QueryId>,
    number: u64,
    /// How many stanzas it published notifications with.
    pub publishes: usize,
}

impl Anything {
    /// A Machine nobody has told anything.
    pub fn new(seed: u8) -> Self {
        let mut settings = settings();
        settings.policy.in_flight_per_service = 2;
        settings.policy.max_queue = 5;
        settings.policy.workers = 2;
        settings.policy.dedupe_entries = 20;
        settings.policy.cache_bytes = 2_000;
        Self {
            machine: Machine::new(settings, [seed; 32]),
            now: Timestamp::from_millis(START),
            session: String::new(),
            asked: Vec::new(),
            answered: Vec::new(),
            number: 0,
            publishes: 0,
        }
    }

    /// Something happens; `stanzas` are what may be heard.
    pub fn step(&mut self, dice: &mut Dice, stanzas: &[String]) {
        let event = self.event(dice, stanzas);
        self.machine.handle(self.now, event);
        // Drivers hand over events in batches.
        if dice.once_in(2) {
            self.act();
        }
    }

    fn event(&mut self, dice: &mut Dice, stanzas: &[String]) -> Event {
        match dice.below(24) {
            0 => Event::Up,
            1 if dice.once_in(4) => Event::Down(DownReason::Silent),
            2 => Event::Skipped(1 << 20),
            3 if dice.once_in(10) => Event::Configure(Box::new(Self::other_settings(dice))),
            4 => {
                let owner = *dice.pick(&["alice@example.org", "bob@example.org", "example.com"]);
                Event::Invalidate(BareJid::new(owner).unwrap())
            }
            5 if dice.once_in(100) => Event::Operator {
                id: OperatorId(1),
                request: OperatorRequest::Drain,
            },
            6..=8 => {
                let longest = 1 << dice.below(20);
                let time = Duration::from_millis(dice.below(longest) as u64);
                self.now = self.now.after(time);
                Event::Tick
            }
            9..=13 => self.stored(dice).unwrap_or(Event::Tick),
            _ => {
                let text = self.fresh(dice.pick::<String>(stanzas));
                let heard = xml::read(&text).and_then(|mut events| events.pop());
                heard.map_or(Event::Tick, Event::from)
            }
        }
    }

    /// Mostly of the newest session, with a number and an id nobody has had.
    fn fresh(&mut self, text: &str) -> String {
        self.number += 1;
        text.replace("SESSION-A", &self.session)
            .replace(" n='1'", &format!(" n='{}'", self.number))
            .replace(" id='m1'", &format!(" id='{}'", self.number))
    }

    /// An answer of the store: to what was asked or not, fitting or not, once or again.
    fn stored(&mut self, dice: &mut Dice) -> Option<Event> {
        if dice.once_in(6) && !self.answered.is_empty() {
            let id = *dice.pick(&self.answered);
            let result = Ok(StoreAnswer::Committed(Vec::new()));
            return Some(Event::Stored { id, result });
        }
        if self.asked.is_empty() {
            return None;
        }
        let (id, query) = self.asked.swap_remove(dice.below(self.asked.len()));
        self.answered.push(id);
        let result = match query {
            _ if dice.once_in(6) => Err(StoreError::Unavailable {
                reason: "told to".into(),
            }),
            Query::Load(owner) if !dice.once_in(9) => {
                let mut account = Account::empty(owner);
                for node in 0..dice.below(3) as u64 {
                    let registration = registration("push.example.net", "n", node);
                    let owner = account.owner.clone();
                    account.apply(&Change::Enable {
                        owner,
                        registration,
                    });
                }
                Ok(StoreAnswer::Loaded(Loaded {
                    accounts: vec![account],
                    corrupt: dice.below(2),
                }))
            }
            Query::Load(_) => Ok(StoreAnswer::Loaded(Loaded::default())),
            Query::Commit(changes) => {
                let odd = dice.once_in(9);
                let done = changes.iter().map(|change| match change {
                    Change::Enable { .. } if !odd => Committed::Enabled,
                    _ => Committed::Removed(dice.below(2)),
                });
                Ok(StoreAnswer::Committed(done.collect()))
            }
        };
        Some(Event::Stored { id, result })
    }

    fn other_settings(dice: &mut Dice) -> Settings {
        let mut settings = settings();
        if dice.once_in(3) {
            settings.hosts.push("example.com".to_owned());
        }
        if dice.once_in(5) {
            settings.hosts.remove(0);
        }
        settings.policy.max_queue = 1 + dice.below(10);
        settings.policy.workers = 1 + dice.below(3);
        settings.policy.in_flight_per_service = 1 + dice.below(3);
        settings.policy.registrations_per_user = dice.below(3);
        settings
    }

    fn act(&mut self) {
        while let Some(action) = self.machine.poll_action() {
            match action {
                Action::Send(outbound) => {
                    let text = xml::written(&outbound);
                    if let Some(session) = session_of(&text) {
                        self.session = session;
                    }
                    self.publishes += usize::from(text.contains("<publish"));
                    assert!(xml::read(&text).is_some(), "not well-formed: {text}");
                }
                Action::Store { id, query } => self.asked.push((id, query)),
                _ => {}
            }
        }
    }

    /// What must hold at any time.
    pub fn check(&mut self) {
        self.act();
        let request = OperatorRequest::Status;
        let id = OperatorId(2);
        self.machine
            .handle(self.now, Event::Operator { id, request });
        while let Some(action) = self.machine.poll_action() {
            let Action::Operator {
                reply: OperatorReply::Status(status),
                ..
            } = action
            else {
                continue;
            };
            assert!(
                status.load.in_flight == 0 || self.machine.next_deadline().is_some(),
                "in flight without a deadline"
            );
            assert!(
                status.load.in_flight + status.load.waiting == 0 || !self.machine.is_idle(),
                "idle with something in work"
            );
        }
        assert!(
            self.machine
                .next_deadline()
                .is_none_or(|due| due > self.now),
            "a deadline was passed over"
        );
    }
}
