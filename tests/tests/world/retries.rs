//! Notifications that are tried again where no adapter keeps the message, or wait behind something else.

use push_core::report::{PublishEnd, Report};
use push_core::{OperatorReply, OperatorRequest, Settings, Status};
use push_tests::world::telling;
use push_tests::world::{Bench, Manner, World, settings};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// A server without an adapter, which delegates requests and forwards what is stored offline; the push service is played.
struct Plain {
    bench: Bench,
    /// The user and the id of each publish that was not answered yet.
    open: Vec<(String, String)>,
    drawn: usize,
}

impl Plain {
    fn new(settings: Settings, users: usize) -> Self {
        let mut bench = Bench::new(settings);
        bench.up();
        bench.hear("<message type='error' from='example.org/xmpp-push' to='push.example.org'/>");
        let mut plain = Self {
            bench,
            open: Vec::new(),
            drawn: 0,
        };
        for user in 0..users {
            plain.enable(&format!("u{user}"));
        }
        plain.bench.take();
        plain
    }

    /// Returns what the server is answered.
    fn enable(&mut self, user: &str) -> String {
        self.bench.hear(&format!(
            "<iq type='set' from='example.org' to='push.example.org' id='o'><delegation xmlns='urn:xmpp:delegation:2'>\
             <forwarded xmlns='urn:xmpp:forward:0'><iq xmlns='jabber:client' type='set' from='{user}@example.org/p' id='i'>\
             <enable xmlns='urn:xmpp:push:0' jid='push.example.net' node='{user}'/></iq></forwarded></delegation></iq>"
        ));
        self.bench.pass(SECOND);
        self.bench.take().concat()
    }

    fn missed(&mut self, user: &str) {
        self.drawn += 1;
        let id = self.drawn;
        self.bench.hear(&format!(
            "<message from='example.org' to='push.example.org/offline'><forwarded xmlns='urn:xmpp:forward:0'>\
             <message xmlns='jabber:client' type='chat' from='bob@example.com/x' to='{user}@example.org' id='m{id}'>\
             <body>hi</body></message></forwarded></message>"
        ));
        self.read();
    }

    fn pass(&mut self, time: Duration) {
        self.bench.pass(time);
        self.read();
    }

    fn read(&mut self) {
        for stanza in self.bench.take() {
            let value = |of: &str| Some(stanza.split(of).nth(1)?.split('\'').next()?.to_owned());
            self.open.extend(value("node='").zip(value(" id='")));
        }
    }

    /// Answers all that is published. Returns to whom, with the number of messages.
    fn answer(&mut self, answer: &str) -> Vec<String> {
        let open = std::mem::take(&mut self.open);
        for (_, id) in &open {
            self.bench.hear(&answer.replace("ID", id));
        }
        self.read();
        open.into_iter().map(|(user, _)| user).collect()
    }

    fn refuse(&mut self) -> Vec<String> {
        self.answer(
            "<iq type='error' from='push.example.net' to='push.example.org' id='ID'><error type='wait'>\
             <resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
        )
    }

    fn accept(&mut self) -> Vec<String> {
        self.answer("<iq type='result' from='push.example.net' to='push.example.org' id='ID'/>")
    }

    fn status(&mut self) -> Status {
        match self.bench.ask(OperatorRequest::Status) {
            Some(OperatorReply::Status(status)) => status,
            other => unreachable!("{other:?}"),
        }
    }
}

#[test]
fn a_newer_message_is_told_at_once_with_the_one_that_failed() {
    let mut plain = Plain::new(settings(), 1);
    plain.missed("u0");
    for pause in [38, 75, 150, 300] {
        assert_eq!(plain.refuse(), ["u0"]);
        plain.pass(pause * SECOND);
    }
    assert_eq!(plain.refuse(), ["u0"]);
    plain.pass(SECOND);
    assert!(plain.open.is_empty());
    plain.missed("u0");
    assert_eq!(plain.accept(), ["u0"]);
    plain.pass(60 * MINUTE);
    assert!(plain.open.is_empty(), "both are told");
}

#[test]
fn retries_in_memory_fill_no_queue_and_keep_no_service_from_stopping() {
    let mut settings = settings();
    settings.policy.max_queue = 20;
    settings.policy.retries_in_memory = 50;
    let mut plain = Plain::new(settings, 60);
    for user in 0..60 {
        plain.missed(&format!("u{user}"));
        plain.refuse();
    }
    while !plain.open.is_empty() {
        plain.refuse();
        plain.pass(SECOND);
    }
    let status = plain.status();
    assert!(status.load.retries_in_memory <= 50, "{status:?}");
    assert!(status.load.retries_in_memory > 20, "{status:?}");
    let reports = plain.bench.take_reports();
    let dropped = reports.iter().filter(|report| {
        let end = match report {
            Report::Published { end, .. } => *end,
            _ => return false,
        };
        end == PublishEnd::Dropped
    });
    let kept = status.load.retries_in_memory + status.load.waiting;
    assert_eq!(dropped.count() + kept, 60, "each is told of");
    assert!(!reports.contains(&Report::Overloaded));
    assert!(plain.enable("late").contains("type='result'"));
    let drained = plain.bench.ask(OperatorRequest::Drain);
    assert_eq!(drained, Some(OperatorReply::Drained));
}

#[test]
fn all_that_wait_for_a_push_service_are_told_when_it_is_well_again() {
    let mut plain = Plain::new(settings(), 20);
    for user in 0..19 {
        plain.missed(&format!("u{user}"));
        plain.refuse();
        plain.pass(SECOND);
    }
    plain.missed("u19");
    let mut told = Vec::new();
    for _ in 0..20 {
        told.extend(plain.accept());
        plain.pass(SECOND / 2);
    }
    told.sort();
    told.dedup();
    assert_eq!(told.len(), 20, "nobody waits for their back-off");
}

#[test]
fn a_second_device_is_told_as_soon_as_the_first_is_answered() {
    let mut world = World::attached_with(telling(settings()));
    for device in ["phone", "tablet"] {
        world.enable("alice", device, device);
    }
    world.service().manner = Manner::Slow(20 * SECOND);
    world.missed("offline", "alice", None, "1");
    world.pass(45 * SECOND);
    let told = std::mem::take(&mut world.service().accepted);
    let [first, second] = &told[..] else {
        unreachable!("{told:?}")
    };
    let between = second.at.since(first.at);
    assert!(between <= 21 * SECOND, "{between:?}");
    assert_eq!(world.adapter().kept(), 0);
}

#[test]
fn a_second_device_is_told_as_soon_as_the_first_is_not_answered() {
    let mut world = World::attached_with(telling(settings()));
    for device in ["phone", "tablet"] {
        world.enable("alice", device, device);
    }
    world.service().manner = Manner::Silent;
    world.missed("offline", "alice", None, "1");
    world.pass(30 * SECOND);
    world.service().manner = Manner::Accepts;
    world.pass(16 * SECOND);
    let told = std::mem::take(&mut world.service().accepted);
    let told: Vec<_> = told.iter().map(|one| one.node.as_str()).collect();
    assert_eq!(told, ["tablet", "phone"]);
}
