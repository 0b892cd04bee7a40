//! A seeded course of messages, requests and faults, and what must be true of it.

use push_core::report::{PublishEnd, Report, RequestOutcome};
use push_core::{OperatorReply, OperatorRequest, Timestamp};
use push_tests::world::random::Dice;
use push_tests::world::service::Notification;
use push_tests::world::telling;
use push_tests::world::{Manner, Mood, SERVICE, Seat, World, settings};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Faults {
    /// The store, slow push services, adapters without room.
    Store,
    /// And streams and servers.
    Streams,
    /// And the service.
    Kills,
}

/// Users who have a phone and a tablet registered and never come online: those of whom messages are told by one cause…
const AWAY: [&str; 2] = ["u0", "u1"];
/// …and those whose phone is hibernated, told by several.
const HIBERNATED: [&str; 2] = ["u2", "u3"];
/// Users who enable, disable, come, go, are removed and created.
const BUSY: [&str; 2] = ["u4", "u5"];

#[derive(Debug)]
pub(super) struct Course {
    world: World,
    dice: Dice,
    faults: Faults,
    seed: u8,
    /// What each node of the users who are away missed, in order, and when.
    expected: BTreeMap<String, Vec<(String, Timestamp)>>,
    /// Messages that will be told by another cause.
    told_again: Vec<(&'static str, String)>,
    drawn: usize,
    /// Requests that can be carried out, in order, by user.
    asked: Vec<(&'static str, u64)>,
    reports: Vec<Report>,
    /// Stanzas of former runs of the service.
    record: Vec<String>,
}

impl Course {
    /// So many things happen.
    pub(super) fn run(faults: Faults, seed: u64, steps: usize) -> Self {
        let mut settings = telling(settings());
        settings.policy.in_flight_per_service = 3;
        settings.policy.max_queue = 40;
        settings.policy.workers = 3;
        let seed = u8::try_from(seed).unwrap();
        let mut world = World::seeded(settings, seed);
        world.connect();
        world.settle();
        for user in AWAY.iter().chain(&HIBERNATED) {
            for device in ["phone", "tablet"] {
                world.enable(user, device, &format!("{user}-{device}"));
            }
        }
        for user in HIBERNATED {
            world.adapter().arrive(user, Seat::hibernated("phone"));
        }
        world.adapter().told.clear();
        let mut course = Self {
            world,
            dice: Dice::new(seed.into()),
            faults,
            seed,
            expected: BTreeMap::new(),
            told_again: Vec::new(),
            drawn: 0,
            asked: Vec::new(),
            reports: Vec::new(),
            record: Vec::new(),
        };
        for _ in 0..steps {
            course.step();
        }
        course
    }

    fn step(&mut self) {
        match self.dice.below(20) {
            0..=4 => self.away(),
            5..=8 => self.hibernated(),
            9..=11 => self.busy(),
            12 => self.store(),
            13 => self.service(),
            14 => self.fault(),
            15..=17 => self.pass_below(3),
            18 => self.pass_below(20_000),
            _ => self.pass_below(100_000),
        }
        let reports = self.world.reports();
        self.reports.extend(reports);
        self.in_flight_has_a_deadline();
    }

    fn body(&mut self, user: &str) -> String {
        // No two messages are missed at the same moment: which of them is the newest can be seen.
        self.world.pass(Duration::from_millis(1));
        self.drawn += 1;
        format!("{user}-{}", self.drawn)
    }

    fn expect(&mut self, user: &str, device: &str, body: &str) {
        let node = format!("{user}-{device}");
        let missed = (body.to_owned(), self.world.now());
        self.expected.entry(node).or_default().push(missed);
    }

    fn away(&mut self) {
        let user = *self.dice.pick(&AWAY);
        let body = self.body(user);
        self.expect(user, "phone", &body);
        self.expect(user, "tablet", &body);
        self.world.missed("offline", user, None, &body);
    }

    fn hibernated(&mut self) {
        if !self.told_again.is_empty() && self.dice.once_in(2) {
            let at = self.dice.below(self.told_again.len());
            let (user, body) = self.told_again.remove(at);
            self.expect(user, "tablet", &body);
            return self.world.missed("archived", user, None, &body);
        }
        let user = *self.dice.pick(&HIBERNATED);
        let body = self.body(user);
        let kind = *self.dice.pick(&["queued", "unacked"]);
        self.expect(user, "phone", &body);
        self.world.missed(kind, user, Some("phone"), &body);
        self.told_again.push((user, body));
    }

    fn busy(&mut self) {
        let user = *self.dice.pick(&BUSY);
        let resource = *self.dice.pick(&["phone", "laptop"]);
        match self.dice.below(9) {
            0..=2 => {
                let node = self.dice.below(3);
                let payload = format!(
                    "<enable xmlns='urn:xmpp:push:0' jid='{SERVICE}' node='{user}-{node}'/>"
                );
                let number = self.world.ask(user, resource, &payload);
                self.asked.push((user, number));
            }
            3 => {
                let payload = format!("<disable xmlns='urn:xmpp:push:0' jid='{SERVICE}'/>");
                let number = self.world.ask(user, resource, &payload);
                self.asked.push((user, number));
            }
            4 => drop(
                self.world
                    .ask(user, resource, "<enable xmlns='urn:xmpp:push:0'/>"),
            ),
            5 => self.world.adapter().arrive(user, Seat::live(resource, 0)),
            6 => self.world.adapter().leave(user, resource),
            7 => {
                let kind = *self.dice.pick(&["removed", "created"]);
                let now = self.world.now();
                self.world.adapter().account(now, kind, user);
            }
            _ => {
                let body = self.body(user);
                let kind = *self.dice.pick(&["offline", "queued", "archived", "lost"]);
                self.world.missed(kind, user, Some(resource), &body);
            }
        }
        self.world.collect();
    }

    fn store(&mut self) {
        let moods = [
            Mood::Works,
            Mood::Unavailable,
            Mood::Refuses,
            Mood::Silent,
            Mood::Slow(Duration::from_millis(5)),
            Mood::Slow(Duration::from_secs(3)),
            Mood::Slow(Duration::from_secs(15)),
        ];
        let mood = *self.dice.pick(&moods);
        self.world.store(mood);
        if self.dice.once_in(3) {
            for user in 0..6 {
                let owner = push_core::BareJid::new(&format!("u{user}@example.org")).unwrap();
                self.world.bench.tell(push_core::Event::Invalidate(owner));
            }
            self.world.collect();
        }
    }

    fn service(&mut self) {
        let slow = [0, 1, 10, 30].map(|seconds| Manner::Slow(Duration::from_secs(seconds)));
        self.world.service().manner = *self.dice.pick(&slow);
        self.world.adapter().max_in_flight = *self.dice.pick(&[1, 2, 100]);
    }

    fn fault(&mut self) {
        if self.faults == Faults::Store {
            return;
        }
        match self.dice.below(6) {
            0..=1 => self.world.cut(),
            2..=3 => self.world.connect(),
            4 => self.world.restart_server("example.org"),
            _ if self.faults == Faults::Kills => self.kill(),
            _ => {}
        }
    }

    /// The service starts anew with other bounds and what the store has.
    fn kill(&mut self) {
        self.reports.extend(self.world.bench.take_reports());
        self.seed = self.seed.wrapping_add(101);
        let mut settings = telling(settings());
        settings.policy.in_flight_per_service = 1 + self.dice.below(4);
        self.world.restart_service(settings, self.seed);
    }

    fn pass_below(&mut self, millis: usize) {
        let time = self.dice.below(millis) as u64;
        self.world.pass(Duration::from_millis(time));
    }

    /// No fault any more; everything that is left is done.
    pub(super) fn end(&mut self) {
        self.world.store(Mood::Works);
        self.world.service().manner = Manner::Accepts;
        self.world.adapter().max_in_flight = usize::MAX;
        self.world.connect();
        for (user, body) in std::mem::take(&mut self.told_again) {
            self.expect(user, "tablet", &body);
            self.world.missed("archived", user, None, &body);
        }
        self.world.pass(Duration::from_secs(600));
        let reports = self.world.reports();
        self.reports.extend(reports);
        assert_eq!(self.world.adapter().kept(), 0, "not acknowledged");
        assert_eq!(self.world.adapter().asking(), 0, "not answered");
        assert!(self.world.bench.machine.is_idle());
    }

    fn in_flight_has_a_deadline(&mut self) {
        let Some(OperatorReply::Status(status)) = self.world.bench.ask(OperatorRequest::Status)
        else {
            unreachable!()
        };
        if status.load.in_flight > 0 {
            assert!(self.world.bench.machine.next_deadline().is_some());
        }
    }

    /// Each node was told something after it missed its last message; of those told by one cause the very last message, and of
    /// no fewer messages than there were.
    pub(super) fn all_told(&mut self) {
        for (node, missed) in self.expected.clone() {
            let told = self.accepted(&node);
            let (newest, at) = missed.last().unwrap();
            assert!(told.iter().any(|one| one.at >= *at), "{node}: {told:?}");
            if AWAY.iter().any(|user| node.starts_with(user)) {
                let named = |one: &Notification| one.body.as_ref() == Some(newest);
                assert!(told.iter().any(named), "{node}: {newest} of {told:?}");
                let count: u64 = told.iter().map(|one| one.count).sum();
                let missed = missed.len() as u64;
                let enough = match self.faults {
                    Faults::Store => count == missed,
                    _ => count >= missed,
                };
                assert!(enough, "{node}: {count} of {missed}");
            }
        }
    }

    /// No message is told to a registration again. Several told as one may be named after one that was told before and does not
    /// count any more.
    pub(super) fn none_told_twice(&mut self) {
        for (node, missed) in self.expected.clone() {
            let told = self.accepted(&node);
            let count: u64 = told.iter().map(|one| one.count).sum();
            assert_eq!(count, missed.len() as u64, "{node}: {told:?}");
            let one_cause = AWAY.iter().any(|user| node.starts_with(user));
            let mut seen = BTreeSet::new();
            for one in &told {
                let fresh = seen.insert(one.body.as_ref());
                assert!(fresh || !one_cause, "{node}: {told:?}");
            }
        }
    }

    fn accepted(&mut self, node: &str) -> Vec<Notification> {
        let accepted = self.world.service().accepted.iter();
        accepted.filter(|one| one.node == node).cloned().collect()
    }

    /// Each number that was sent has one report.
    pub(super) fn every_publish_ended_once(&self) {
        let sent: BTreeSet<&str> = self
            .world
            .log
            .iter()
            .flat_map(|(_, stanza)| {
                stanza
                    .split("<publish xmlns='urn:x-xmpp-push:link' ref='")
                    .skip(1)
            })
            .map(|publish| publish.split('\'').next().unwrap())
            .collect();
        let ended = self.reports.iter().filter(|report| {
            matches!(report, Report::Published { end, .. } if *end != PublishEnd::Withdrawn)
        });
        assert_eq!(ended.count(), sent.len());
    }

    /// Answers of the service to one user's requests came in the order they were made.
    pub(super) fn requests_were_answered_in_order(&mut self) {
        for user in BUSY {
            let asked: Vec<u64> = self
                .asked
                .iter()
                .filter(|(of, _)| *of == user)
                .map(|(_, number)| *number)
                .collect();
            let told = &self.world.adapter().told;
            let answered: Vec<u64> = told
                .iter()
                .filter(|told| asked.contains(&told.number))
                .map(|told| told.number)
                .collect();
            // Numbers begin anew with an epoch.
            let restarts = answered
                .windows(2)
                .filter(|pair| pair[0] >= pair[1])
                .count();
            assert!(
                restarts == 0 || self.faults != Faults::Store,
                "{user}: {answered:?}"
            );
        }
        let refused = |report: &&Report| {
            matches!(
                report,
                Report::Requested {
                    outcome: RequestOutcome::Refused(_),
                    ..
                }
            )
        };
        assert!(self.reports.iter().any(|report| !refused(&report)));
    }

    /// All that was said and reported.
    pub(super) fn record(mut self) -> Vec<String> {
        let said = self.world.log.iter();
        self.record
            .extend(said.map(|(at, stanza)| format!("{at:?} {stanza}")));
        let reports = self.reports.iter();
        self.record
            .extend(reports.map(|report| format!("{report:?}")));
        self.record
    }
}
