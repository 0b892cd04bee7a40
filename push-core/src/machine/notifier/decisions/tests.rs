use super::*;
use crate::delivery::Class;
use crate::machine::sample::{NOW, event, host, key, later, owner, pending, registrations, target};
use crate::plugin::{DefaultPlugin, Verdict};
use crate::session::{Cause, Session};
use crate::xml::Namespace;
use crate::xml::sample::{Sample, element};
use std::time::Duration;

/// Tells the registration `call` of a call, `silent` of nothing, and everyone else of the message.
#[derive(Debug)]
struct Picky;

impl Plugin for Picky {
    fn name(&self) -> &'static str {
        "picky"
    }

    fn should_publish(&self, missed: &Missed<'_>) -> Verdict {
        if missed.count > 9 {
            Verdict::skip("too many")
        } else {
            Verdict::publish("few")
        }
    }

    fn publish_notification(
        &self,
        _: &Situation<'_>,
        notification: &Notification,
        registration: &Registration,
    ) -> Choice {
        match registration.target.node.as_str() {
            "call" => Choice::PublishInstead(Box::new(Notification {
                class: Class::Call,
                expires_after: Some(Duration::from_secs(30)),
                ..notification.clone()
            })),
            "silent" => Choice::skip("silent"),
            _ => Choice::Publish,
        }
    }
}

fn decisions() -> Decisions {
    Decisions::new(Seeded::new(1, 2))
}

/// Decides about messages with the keys of `pending` for alice's registrations.
fn decide(decisions: &mut Decisions, pending: &Pending, nodes: &[&str]) -> Decided {
    let owner = owner("alice");
    let by = Context::new(&Picky, &owner, NOW);
    decisions.decide(by, pending, &registrations(nodes), &Policy::default())
}

fn consider(plugin: &dyn Plugin, message: Option<&Sample>, count: u64) -> Result<Pending, Reason> {
    let stanza = message.map(Sample::stanza);
    let missed = MissedMessage {
        resource: Some("phone"),
        count,
        first: Some(later(0)),
        message: stanza.as_ref().map(crate::xml::Stanza::root),
        ..MissedMessage::new(Cause::Offline)
    };
    let owner = owner("alice");
    let by = Context::new(plugin, &owner, later(5));
    let arrival = Arrival {
        host: host(0),
        trace: TraceId::new(1),
        event: Some(event(1)),
        retry: None,
    };
    let considered = decisions().consider(by, arrival, missed);
    considered.map_err(|skipped| skipped.0.reason().clone())
}

fn message(kind: &str) -> Sample {
    element("message", Namespace::Client)
        .with("type", kind)
        .with("from", "bob@example.com/x")
        .with("id", "m")
        .child(element("body", Namespace::Client).text("hello"))
}

#[test]
fn a_message_that_is_worth_it_is_pending_with_what_is_known_of_it() {
    let pending = consider(&Picky, Some(&message("chat")), 3).unwrap();
    assert_eq!(pending.verdict.reason().as_str(), "few");
    assert_eq!(pending.missed_at, later(0));
    assert_eq!(pending.resource.as_deref(), Some("phone"));
    assert_eq!(pending.notification.content.message_count, Some(3));
    assert_eq!(
        (pending.keys.len(), &pending.holds[..]),
        (1, &[event(1)][..])
    );
}

#[test]
fn one_that_is_not_carries_the_plugin_s_reason() {
    let reason = consider(&Picky, Some(&message("chat")), 10).unwrap_err();
    assert_eq!(reason.as_str(), "too many");
}

#[test]
fn a_bounce_is_never_worth_it_whatever_the_plugin_says() {
    assert!(consider(&Picky, Some(&message("error")), 1).is_err());
}

#[test]
fn messages_without_content_are_pending_and_cannot_be_told_apart() {
    let plugin = DefaultPlugin::default();
    let pending = consider(&plugin, None, 2).unwrap();
    assert!(pending.keys.is_empty());
    let mut decisions = decisions();
    for _ in 0..2 {
        let decided = decide(&mut decisions, &pending, &["a"]);
        assert_eq!(decided.decision(), Decision::Notify(1));
    }
}

#[test]
fn what_is_delivered_counts_as_told() {
    let mut decisions = decisions();
    let first = decide(&mut decisions, &pending(1), &["a", "b"]);
    assert_eq!(first.decision(), Decision::Notify(2));
    let again = decide(&mut decisions, &pending(1), &["a", "b"]);
    assert_eq!(again.decision(), Decision::Duplicate);
    assert_eq!(again.told_before.len(), 2);
    let another = decide(&mut decisions, &pending(2), &["a"]);
    assert_eq!(another.decision(), Decision::Notify(1));
}

#[test]
fn a_registration_that_was_not_told_yet_is_told_alone() {
    let mut decisions = decisions();
    decide(&mut decisions, &pending(1), &["a"]);
    let decided = decide(&mut decisions, &pending(1), &["a", "b"]);
    assert_eq!(decided.decision(), Decision::Notify(1));
    let registration = &decided.deliveries[0].delivery.registration;
    assert_eq!(registration.target, target("b"));
    assert_eq!(decided.told_before[0].target, target("a"));
}

#[test]
fn a_notification_with_news_in_it_is_not_a_duplicate() {
    let mut decisions = decisions();
    decide(&mut decisions, &pending(1), &["a"]);
    let mut both = pending(1);
    both.absorb(pending(2));
    let decided = decide(&mut decisions, &both, &["a"]);
    assert_eq!(decided.decision(), Decision::Notify(1));
    assert_eq!(decided.deliveries[0].keys, [key(2)], "what is news");
    let content = &decided.deliveries[0].delivery.content;
    assert_eq!(content.message_count, Some(1));
    assert_eq!(decided.deliveries[0].holds, [event(1), event(2)]);
}

#[test]
fn what_was_not_sent_after_all_is_told_again() {
    let mut decisions = decisions();
    decide(&mut decisions, &pending(1), &["a", "b"]);
    decisions.unsent(&[key(1)], &target("a"));
    let again = decide(&mut decisions, &pending(1), &["a", "b"]);
    assert_eq!(again.decision(), Decision::Notify(1));
    assert_eq!(again.told_before[0].target, target("b"));
}

/// Decides about one message for alice's phone.
fn decide_for_phone(decisions: &mut Decisions, told: (Cause, &str), is_replay: bool) -> Decision {
    let (cause, resource) = told;
    let mut phone = crate::machine::sample::registration("a", 1);
    phone.resource = Some("phone".to_owned());
    let pending = Pending {
        cause,
        resource: (!resource.is_empty()).then(|| resource.to_owned()),
        is_replay,
        ..pending(1)
    };
    let (owner, have) = (owner("alice"), Arc::new(vec![Arc::new(phone)]));
    let by = Context::new(&Picky, &owner, NOW);
    let decided = decisions.decide(by, &pending, &have, &Policy::default());
    decided.decision()
}

#[test]
fn a_message_that_waits_in_the_device_s_own_session_once_more_was_missed_once_more() {
    use Cause::{Archived, Lost, Offline, Queued, Unacked};
    for (before, next, is_told) in [
        ((Archived, ""), (Queued, "phone"), false),
        ((Queued, "laptop"), (Queued, "phone"), false),
        ((Queued, "phone"), (Archived, ""), false),
        ((Queued, "phone"), (Lost, "phone"), false),
        ((Lost, "phone"), (Offline, ""), false),
        ((Offline, ""), (Offline, ""), false),
        ((Offline, ""), (Queued, "laptop"), false),
        ((Queued, "phone"), (Unacked, "phone"), true),
        ((Lost, "phone"), (Lost, "phone"), true),
        ((Lost, "phone"), (Unacked, "phone"), true),
        ((Offline, ""), (Unacked, "phone"), true),
    ] {
        let mut decisions = decisions();
        let first = decide_for_phone(&mut decisions, before, false);
        assert_eq!(first, Decision::Notify(1));
        let expected = if is_told {
            Decision::Notify(1)
        } else {
            Decision::Duplicate
        };
        let got = decide_for_phone(&mut decisions, next, false);
        assert_eq!(got, expected, "{before:?}, {next:?}");
        let replayed = decide_for_phone(&mut decisions, next, true);
        assert_eq!(replayed, Decision::Duplicate, "told again: {next:?}");
    }
}

#[test]
fn what_is_deferred_is_told_when_it_comes_again_and_not_by_another_cause() {
    let mut decisions = decisions();
    decide(&mut decisions, &pending(1), &["a"]);
    decisions.deferred(&[key(1)], &target("a"));
    let other = decide(&mut decisions, &pending(1), &["a"]);
    assert_eq!(other.decision(), Decision::Duplicate);
    let again = || Pending {
        retry: Some(Retry::default()),
        ..pending(1)
    };
    let resumed = decide(&mut decisions, &again(), &["a"]);
    assert_eq!(resumed.decision(), Decision::Notify(1));
    let twice = decide(&mut decisions, &again(), &["a"]);
    assert_eq!(twice.decision(), Decision::Duplicate, "joined with another");
}

#[test]
fn registrations_that_are_passed_over_carry_their_reason_and_count_as_not_told() {
    let mut decisions = decisions();
    let decided = decide(&mut decisions, &pending(1), &["silent"]);
    assert_eq!(decided.decision(), Decision::NotConcerned);
    let [passed_over] = &decided.passed_over[..] else {
        panic!("{decided:?}")
    };
    assert_eq!(passed_over.registration.target, target("silent"));
    assert_eq!(passed_over.reason.as_str(), "silent");
    let again = decide(&mut decisions, &pending(1), &["silent"]);
    assert_eq!(again.decision(), Decision::NotConcerned);
}

#[test]
fn one_registration_may_be_told_something_else_that_expires() {
    let mut decisions = decisions();
    let decided = decide(&mut decisions, &pending(1), &["a", "call"]);
    let told = decided.deliveries.iter().map(|queued| {
        let delivery = &queued.delivery;
        (delivery.class, delivery.expires_at)
    });
    let told: Vec<_> = told.collect();
    let week = NOW.after(Policy::default().wakeup_ttl);
    assert_eq!(told, [(Class::Message, week), (Class::Call, later(30))]);
}

#[test]
fn the_default_rule_sees_the_sessions_at_the_time_of_the_message() {
    let mut missed = pending(1);
    missed.sessions = vec![Session {
        resource: "phone".to_owned(),
        priority: Some(0),
        hibernated: false,
        client_state: None,
        enabled: false,
    }];
    let mut phone = crate::machine::sample::registration("a", 1);
    phone.resource = Some("phone".to_owned());
    let have = Arc::new(vec![Arc::new(phone)]);
    let (plugin, owner) = (DefaultPlugin::default(), owner("alice"));
    let by = Context::new(&plugin, &owner, NOW);
    let decided = decisions().decide(by, &missed, &have, &Policy::default());
    assert_eq!(decided.decision(), Decision::NotConcerned);
}

#[test]
fn what_was_told_is_forgotten_after_twice_the_window() {
    let policy = Policy {
        dedupe_window: Duration::from_secs(10),
        ..Policy::default()
    };
    let mut decisions = decisions();
    decisions.tick(NOW, &policy);
    decide(&mut decisions, &pending(1), &["a"]);
    decisions.tick(later(10), &policy);
    let known = decide(&mut decisions, &pending(1), &["a"]);
    assert_eq!(known.decision(), Decision::Duplicate);
    decisions.tick(later(20), &policy);
    let forgotten = decide(&mut decisions, &pending(1), &["a"]);
    assert_eq!(forgotten.decision(), Decision::Notify(1));
}
