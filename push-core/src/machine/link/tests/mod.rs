mod acknowledgements;

use super::*;
use crate::machine::sample::{NOW, host, owner};
use crate::xep::error::{DefinedCondition, ErrorType};
use rand_core::SeedableRng;
use std::time::Duration;

/// Links to the adapters of two hosts, `a` and `b`, which the test plays; its settings have a window of ten events.
struct Ours {
    links: Links,
    settings: Settings,
    now: Timestamp,
    /// The sessions of all hellos, the last one last.
    sessions: Vec<String>,
}

impl Ours {
    /// The stream is up, and both adapters have been greeted.
    fn greeting() -> Self {
        let hosts = ["a", "b"].map(str::to_owned).to_vec();
        let mut settings = Settings::new("push", hosts);
        settings.policy.max_queue = 20;
        let rng = ChaCha8Rng::from_seed([7; 32]);
        let mut ours = Self {
            links: Links::new("run".to_owned(), &settings, rng),
            settings,
            now: NOW,
            sessions: Vec::new(),
        };
        ours.links.stream_up();
        ours.links.open(NOW, host(0), &"a".into());
        ours.links.open(NOW, host(1), &"b".into());
        assert_eq!(ours.sent(), ["a: hello", "b: hello"]);
        ours
    }

    /// The adapter of `a` has answered.
    fn attached() -> Self {
        let mut ours = Self::greeting();
        ours.sessions.truncate(1);
        assert!(ours.answer_hello("epoch"));
        ours
    }

    /// The adapter of `a` answers the last hello. Returns whether it is attached by that.
    fn answer_hello(&mut self, epoch: &str) -> bool {
        let session = self.sessions.last().unwrap().clone();
        self.answer_hello_of(&session, epoch)
    }

    fn answer_hello_of(&mut self, session: &str, epoch: &str) -> bool {
        let hello = Hello {
            version: crate::link::VERSION,
            session,
            epoch,
            software: "server",
            got: None,
            dropped: 0,
            places: None,
            deferred: 0,
        };
        let attached = self.links.attach(self.now, host(0), &hello);
        attached.is_some_and(|attached| attached.is_ok())
    }

    /// Takes an event of the adapter of `a`.
    fn event(&mut self, number: u64) -> Option<EventHold> {
        match self.links.take_event(self.now, host(0), number) {
            Taken::New(event) | Taken::Deferred(event) => Some(event),
            Taken::Known => None,
        }
    }

    fn acknowledge(&mut self, number: u64) {
        let event = self.event(number).unwrap();
        self.links.acknowledge(self.now, vec![event]);
    }

    fn state(&mut self, user: &str, some: bool) {
        self.links.state_user(self.now, host(0), &owner(user), some);
    }

    /// Returns the host whose adapter is found to be gone after so many seconds.
    fn wait(&mut self, seconds: u64) -> Option<HostId> {
        self.now = self.now.after(Duration::from_secs(seconds));
        self.links.tick(self.now)
    }

    /// Returns what is sent once acknowledgements have waited long enough.
    fn sent_soon(&mut self) -> Vec<String> {
        self.now = self.now.after(ACK_DELAY);
        assert_eq!(self.links.tick(self.now), None);
        self.sent()
    }

    /// Returns what is sent, one message each, in words.
    fn sent(&mut self) -> Vec<String> {
        let mut messages = Vec::new();
        while let Some(message) = self.links.next_message("push") {
            let items = message.items.iter().map(|item| self.word(item));
            let items: Vec<_> = items.collect();
            messages.push(format!("{}: {}", message.host, items.join(", ")));
        }
        messages
    }

    fn word(&mut self, item: &ToAdapter) -> String {
        match item {
            ToAdapter::Hello { session, .. } => {
                self.sessions.push(session.clone());
                "hello".to_owned()
            }
            ToAdapter::Bye => "bye".to_owned(),
            ToAdapter::Ping => "ping".to_owned(),
            ToAdapter::Ack { numbers, .. } => format!("ack {numbers}"),
            ToAdapter::Users {
                number,
                reset,
                users,
            } => {
                let users = users.iter().map(|(user, some)| format!(" {user}={some}"));
                let forget = if *reset { " forget" } else { "" };
                format!("users {number}{forget}{}", users.collect::<String>())
            }
            ToAdapter::Answer { number, answer } => format!("answer {number} {}", answer.is_ok()),
            ToAdapter::Publish { number, .. } => format!("publish {number}"),
            ToAdapter::Defer { number, into, .. } => format!("defer {number} into {into:?}"),
            ToAdapter::Resume { numbers, .. } => format!("resume {numbers}"),
        }
    }
}

#[test]
fn a_hello_repeats_the_same_session_until_it_is_answered() {
    let mut ours = Ours::greeting();
    ours.sessions.truncate(1);
    ours.links.greet(NOW, host(0));
    assert_eq!(ours.sent(), ["a: hello"]);
    assert_eq!(ours.sessions[0], ours.sessions[1], "a knock crossed it");
    assert!(ours.answer_hello("epoch"));
    ours.links.greet(NOW, host(0));
    ours.sent();
    assert_ne!(ours.sessions[1], ours.sessions[2]);
}

#[test]
fn an_adapter_that_does_not_answer_is_greeted_again_and_again() {
    let mut ours = Ours::greeting();
    for _ in 0..3 {
        assert_eq!(ours.wait(29), None);
        assert!(ours.sent().is_empty());
        assert_eq!(ours.wait(1), None);
        assert_eq!(ours.sent(), ["a: hello", "b: hello"]);
    }
}

#[test]
fn an_answer_to_a_hello_of_the_past_attaches_nobody() {
    let mut ours = Ours::greeting();
    ours.sessions.truncate(1);
    ours.links.detach(host(0));
    assert!(!ours.answer_hello("epoch"));
    ours.links.greet(NOW, host(0));
    ours.sent();
    let old = ours.sessions[0].clone();
    assert!(!ours.answer_hello_of(&old, "epoch"));
    assert!(ours.answer_hello("epoch"));
}

#[test]
fn an_adapter_of_another_version_is_reported_and_not_attached() {
    let mut ours = Ours::greeting();
    let session = ours.sessions[0].clone();
    let hello = Hello {
        version: 1,
        session: &session,
        epoch: "epoch",
        software: "server",
        got: None,
        dropped: 0,
        places: None,
        deferred: 0,
    };
    let answer = ours.links.attach(NOW, host(0), &hello);
    assert!(matches!(
        answer,
        Some(Err(Report::WrongVersion { version: 1, .. }))
    ));
    assert!(!ours.links.is_attached(host(0)));
}

#[test]
fn an_attached_adapter_is_gone_after_two_unanswered_pings() {
    let mut ours = Ours::attached();
    for _ in 0..2 {
        assert_eq!(ours.wait(30), None);
        assert!(ours.sent().contains(&"a: ping".to_owned()));
    }
    assert_eq!(ours.wait(30), Some(host(0)));
}

#[test]
fn an_adapter_that_says_anything_is_there() {
    let mut ours = Ours::attached();
    for _ in 0..9 {
        assert_eq!(ours.wait(30), None);
        ours.links.heard(host(0));
    }
}

#[test]
fn an_adapter_that_the_server_does_not_know_is_greeted_later() {
    let mut ours = Ours::greeting();
    assert!(ours.links.absent(NOW, host(0)).is_some());
    assert!(ours.links.absent(NOW, host(0)).is_none(), "reported once");
    assert_eq!(ours.wait(30), None);
    assert_eq!(ours.sent(), ["b: hello", "a: hello"]);
}

#[test]
fn an_answer_to_a_request_of_an_earlier_epoch_is_not_sent() {
    let mut ours = Ours::attached();
    let before = ours.links.generation(host(0));
    ours.links.greet(NOW, host(0));
    ours.sent();
    assert!(ours.answer_hello("another epoch"));
    let error = StanzaError::new(ErrorType::Wait, DefinedCondition::ResourceConstraint);
    ours.links.answer(host(0), before, 7, Err(error));
    assert!(ours.sent().is_empty());
}

#[test]
fn nothing_is_sent_after_the_link_is_down() {
    let mut ours = Ours::attached();
    let event = ours.event(1).unwrap();
    ours.acknowledge(2);
    ours.state("alice", true);
    assert!(ours.links.detach(host(0)).is_some());
    ours.links.acknowledge(ours.now, vec![event]);
    ours.links.answer(host(0), 1, 7, Ok(()));
    ours.state("alice", false);
    assert!(ours.sent().is_empty());
    ours.links.greet(NOW, host(0));
    ours.sent();
    assert!(ours.answer_hello("epoch"));
    assert_eq!(ours.event(1), None, "it is done");
    assert_eq!(ours.sent_soon(), ["a: ack 1"], "and acknowledged now");
}

#[test]
fn a_statement_that_was_not_sent_is_missed_by_its_number() {
    let mut ours = Ours::attached();
    ours.links.detach(host(0));
    ours.state("alice", true);
    ours.links.greet(NOW, host(0));
    ours.sent();
    assert!(ours.answer_hello("epoch"));
    ours.state("bob", true);
    assert_eq!(ours.sent(), ["a: users 2 bob=true"]);
}

#[test]
fn closing_a_host_says_bye_and_forgets_its_numbers() {
    let mut ours = Ours::attached();
    let event = ours.event(1).unwrap();
    assert!(ours.links.close(host(0)).is_some());
    ours.links.acknowledge(ours.now, vec![event]);
    assert_eq!(ours.sent(), ["a: bye"]);
    assert!(ours.links.close(host(1)).is_none(), "it was never attached");
    assert!(ours.sent().is_empty());
    assert_eq!(ours.links.next_deadline(), None);
    ours.links.open(NOW, host(0), &"a".into());
    assert_eq!(ours.sent(), ["a: hello"]);
    assert!(ours.answer_hello("epoch"));
    assert!(ours.event(1).is_some(), "told again, it is news");
}

#[test]
fn a_service_that_stops_says_bye_and_greets_nobody() {
    let mut ours = Ours::attached();
    ours.links.stop();
    assert_eq!(ours.sent(), ["a: bye"]);
    ours.links.greet(NOW, host(0));
    assert!(ours.sent().is_empty());
}

#[test]
fn adapters_are_made_to_forget_once_what_others_may_change() {
    let mut ours = Ours::attached();
    ours.settings.policy.cache_ttl = Some(Duration::from_secs(20));
    let settings = ours.settings.clone();
    ours.links.configure(NOW, &settings);
    ours.state("alice", false);
    ours.state("bob", false);
    ours.sent();
    assert_eq!(ours.wait(9), None);
    ours.state("carol", false);
    assert_eq!(ours.sent(), ["a: users 2 carol=false"]);
    assert_eq!(ours.wait(1), None);
    assert_eq!(ours.sent(), ["a: users 3 forget"]);
    assert_eq!(ours.wait(10), None);
    assert!(ours.sent().is_empty(), "one timer, however many users");
}

#[test]
fn the_hosts_take_turns() {
    let mut ours = Ours::greeting();
    for number in 1..=51 {
        let publish = |of: u64| ToAdapter::Answer {
            number: of,
            answer: Ok(()),
        };
        ours.links.push(host(0), publish(number));
        ours.links.push(host(1), publish(number));
    }
    let hosts = ours
        .sent()
        .into_iter()
        .map(|message| message[..1].to_owned());
    assert_eq!(hosts.collect::<String>(), "abab");
}

#[test]
fn new_settings_are_told_only_if_a_hello_says_them() {
    let mut ours = Ours::attached();
    let mut settings = ours.settings.clone();
    settings.policy.ping_interval = Duration::from_secs(7);
    ours.links.configure(NOW, &settings);
    assert!(ours.sent().is_empty());
    settings.policy.max_queue = 40;
    ours.links.configure(NOW, &settings);
    assert_eq!(ours.sent(), ["a: hello"], "only who is attached");
    assert!(ours.links.is_attached(host(0)));
}

#[test]
fn nothing_is_sent_while_the_stream_is_down() {
    let mut ours = Ours::attached();
    ours.links.stream_down();
    ours.links.greet(NOW, host(0));
    ours.links.push(host(0), ToAdapter::Ping);
    assert!(ours.sent().is_empty());
}

#[test]
fn an_attached_adapter_that_does_not_answer_a_new_hello_is_gone_as_well() {
    let mut ours = Ours::attached();
    ours.links.greet(NOW, host(0));
    for _ in 0..2 {
        assert_eq!(ours.wait(30), None);
    }
    assert_eq!(ours.wait(30), Some(host(0)));
    assert!(ours.links.detach(host(0)).is_some());
}
