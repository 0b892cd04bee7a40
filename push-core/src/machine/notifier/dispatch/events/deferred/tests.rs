use super::*;
use crate::hash::Seeded;
use crate::link::RecipientId;
use crate::machine::sample::{NOW, event, host, key, later, queued, registration, target};
use crate::machine::values::Attempts;

const HASH: Seeded = Seeded::new(1, 2);

fn deferred() -> Deferred {
    Deferred::new(HASH)
}

/// Returns the record of a delivery of message `number` to `node` of a user, to be tried again so many seconds later.
fn parked(name: &str, node: &str, number: u64, seconds: u64) -> Parked {
    let attempts = Attempts {
        failed: 1,
        not_before: later(seconds),
        is_behind: false,
    };
    queued(name, node, number).parked(HASH, attempts)
}

fn service(node: &str) -> ServiceKey {
    queued("x", node, 1).service(HASH)
}

fn nodes(parked: &[Parked]) -> Vec<String> {
    let nodes = parked
        .iter()
        .map(|of| of.registration.target.node.as_str().to_owned());
    nodes.collect()
}

#[test]
fn an_event_joins_one_for_the_same_registrations_and_no_other() {
    let mut deferred = deferred();
    let two = || vec![parked("alice", "a", 1, 30), parked("alice", "b", 1, 30)];
    assert_eq!(deferred.insert(event(1), two()).into, None);
    let second = vec![parked("alice", "b", 2, 60), parked("alice", "a", 2, 60)];
    let joined = deferred.insert(event(2), second);
    assert_eq!((joined.event, joined.into), (event(2), Some(event(1))));
    assert_eq!(joined.recipients.len(), 2);
    for (number, others) in [
        (3, vec![parked("alice", "a", 3, 30)]),
        (
            4,
            vec![parked("bob", "a", 4, 30), parked("bob", "b", 4, 30)],
        ),
    ] {
        assert_eq!(deferred.insert(event(number), others).into, None);
    }
    let parked = deferred.end(event(1));
    assert_eq!(parked.len(), 2);
    let tells_of_both = |parked: &Parked| parked.keys == [key(1), key(2)];
    assert!(parked.iter().all(tells_of_both));
    assert_eq!(deferred.len(), 2);
}

#[test]
fn an_event_that_is_on_its_way_is_joined_by_none() {
    let mut deferred = deferred();
    deferred.insert(event(1), vec![parked("alice", "a", 1, 0)]);
    assert_eq!(deferred.resume(NOW, service("a"), 1), [event(1)]);
    let newer = deferred.insert(event(2), vec![parked("alice", "a", 2, 0)]);
    assert_eq!(newer.into, None);
}

#[test]
fn events_are_asked_for_when_they_are_due_and_as_many_as_there_is_room_for() {
    let mut deferred = deferred();
    for (number, seconds) in [(1, 30), (2, 10), (3, 20), (4, 90)] {
        let name = format!("u{number}");
        deferred.insert(event(number), vec![parked(&name, "a", number, seconds)]);
    }
    let a = service("a");
    assert_eq!(deferred.next_deadline(), Some(later(10)));
    assert_eq!(deferred.wake(later(10)), Some((host(0), a)));
    assert_eq!(deferred.resume(later(60), a, 2), [event(2), event(3)]);
    assert!(
        deferred.resume(later(60), a, 2).is_empty(),
        "two are on their way"
    );
    deferred.take(later(60), event(2));
    assert!(
        deferred.resume(later(60), a, 2).is_empty(),
        "it is not decided on"
    );
    deferred.arrived(host(0), a);
    assert_eq!(deferred.resume(later(60), a, 2), [event(1)]);
}

#[test]
fn one_event_with_many_registrations_at_a_push_service_is_asked_for_once() {
    let mut deferred = deferred();
    let many = (0..20).map(|n| parked("alice", &format!("n{n}"), 1, n));
    deferred.insert(event(1), many.collect());
    let all = service("n0");
    assert_eq!(deferred.resume(later(60), all, 8), [event(1)]);
    let retry = deferred.take(later(60), event(1)).unwrap();
    assert_eq!(retry.asked_for, [(host(0), all)]);
    assert_eq!(retry.recipients.unwrap().len(), 20);
}

#[test]
fn what_is_due_within_a_second_is_done_with_what_is_due() {
    let mut deferred = deferred();
    let soon = parked("alice", "b", 1, 1);
    let late = parked("alice", "c", 1, 2);
    deferred.insert(event(1), vec![parked("alice", "a", 1, 0), soon, late]);
    let retry = deferred.take(NOW, event(1)).unwrap();
    let not_before = |node: &str| {
        let id = RecipientId::of(&target(node));
        let recipients = retry.recipients.iter().flatten();
        let mut found = recipients.filter(|(of, _)| *of == id);
        found.next().unwrap().1.not_before
    };
    assert_eq!(["a", "b", "c"].map(not_before), [NOW, NOW, later(2)]);
}

#[test]
fn an_adapter_that_is_away_is_asked_again_and_one_that_says_nothing_is_not_waited_for() {
    let mut deferred = deferred();
    deferred.insert(event(1), vec![parked("alice", "a", 1, 0)]);
    let a = service("a");
    deferred.resume(NOW, a, 1);
    deferred.detach(host(0));
    assert_eq!(deferred.resume(NOW, a, 1), [event(1)]);
    assert!(deferred.give_up(later(59)).is_none());
    while deferred.give_up(later(60)).is_some() {}
    assert_eq!(deferred.len(), 0);
    deferred.insert(event(2), vec![parked("bob", "a", 2, 0)]);
    assert_eq!(deferred.resume(NOW, a, 1), [event(2)], "there is room");
}

#[test]
fn what_waits_behind_another_delivery_of_its_user_follows_it() {
    let mut deferred = deferred();
    let behind = |name: &str, number| {
        let attempts = Attempts::default().not_before(later(45), true);
        queued(name, "a", number).parked(HASH, attempts)
    };
    let (alice, bob) = (behind("alice", 1), behind("bob", 2));
    let owner = alice.slot.owner;
    deferred.insert(event(1), vec![alice]);
    deferred.insert(event(2), vec![bob]);
    assert_eq!(deferred.let_follow(NOW, owner), [service("a")].into());
    assert_eq!(deferred.resume(NOW, service("a"), 9), [event(1)]);
    deferred.let_all_follow(NOW, service("a"));
    assert_eq!(deferred.resume(NOW, service("a"), 9), [event(2)]);
}

#[test]
fn registrations_are_taken_off_and_an_event_for_nobody_is_over() {
    let mut deferred = deferred();
    let both = vec![parked("alice", "a", 1, 0), parked("alice", "b", 1, 0)];
    let owner = both[0].slot.owner;
    deferred.insert(event(1), both);
    let of = |node: &'static str| move |have: &Registration| have.target == target(node);
    for (node, is_last) in [("a", false), ("b", true)] {
        let taken = deferred.withdraw(owner, of(node));
        let [taken] = &taken[..] else {
            unreachable!("{taken:?}")
        };
        assert_eq!((taken.event, taken.is_over), (event(1), is_last));
        assert_eq!(nodes(&taken.parked), [node]);
    }
    assert_eq!(deferred.len(), 0);
}

#[test]
fn an_event_expires_with_the_last_of_its_deliveries() {
    let mut deferred = deferred();
    let until = |node: &str, seconds| Parked {
        expires_at: later(seconds),
        ..parked("alice", node, 1, 0)
    };
    deferred.insert(event(1), vec![until("a", 10), until("b", 20)]);
    assert!(deferred.expire(later(19)).is_none());
    let expired = deferred.expire(later(20)).unwrap();
    assert_eq!((expired.event, expired.parked.len()), (event(1), 2));
    assert!(expired.is_over && deferred.expire(later(20)).is_none());
}

#[test]
fn events_of_another_epoch_are_forgotten() {
    let mut deferred = deferred();
    deferred.insert(event(1), vec![parked("alice", "a", 1, 0)]);
    let newer = EventHold {
        generation: 2,
        ..event(1)
    };
    deferred.insert(newer, vec![parked("alice", "a", 1, 0)]);
    assert_eq!(nodes(&deferred.forget(host(0), Some(2))), ["a"]);
    assert_eq!(deferred.len(), 1);
    assert!(deferred.take(NOW, newer).is_some());
}

#[test]
fn over_half_of_the_bound_the_oldest_is_dropped_however_it_fared() {
    let mut deferred = deferred();
    deferred.set_bound(host(0), 4);
    for (number, seconds) in [(1, 900), (2, 1), (3, 30)] {
        let name = format!("u{number}");
        deferred.insert(event(number), vec![parked(&name, "a", number, seconds)]);
    }
    deferred.insert(event(9), vec![parked("u9", "other.example/b", 9, 0)]);
    let dropped = deferred.drop_one(host(0), service("a")).unwrap();
    assert_eq!((dropped.event, dropped.is_over), (event(1), true));
    assert!(deferred.drop_one(host(0), service("a")).is_none());
}

#[test]
fn what_is_dropped_for_one_push_service_waits_for_the_others_still() {
    let mut deferred = deferred();
    deferred.set_bound(host(0), 2);
    let at_both = vec![
        parked("alice", "a", 1, 30),
        parked("alice", "other.example/b", 1, 30),
    ];
    deferred.insert(event(1), at_both);
    deferred.insert(event(2), vec![parked("bob", "a", 2, 30)]);
    let dropped = deferred.drop_one(host(0), service("a")).unwrap();
    assert_eq!((dropped.event, dropped.is_over), (event(1), false));
    assert_eq!(nodes(&dropped.parked), ["a"]);
    let other = service("other.example/b");
    assert_eq!(deferred.resume(later(60), other, 1), [event(1)]);
}

#[test]
fn one_that_is_over_while_it_is_asked_for_makes_room_for_the_next() {
    let a = service("a");
    let ends: [fn(&mut Deferred); 3] = [
        |deferred| drop(deferred.end(event(1))),
        |deferred| drop(deferred.give_up(later(60))),
        |deferred| drop(deferred.withdraw(parked("alice", "a", 1, 0).slot.owner, |_| true)),
    ];
    for end in ends {
        let mut deferred = deferred();
        deferred.insert(event(1), vec![parked("alice", "a", 1, 0)]);
        deferred.insert(event(2), vec![parked("bob", "a", 2, 0)]);
        assert_eq!(deferred.resume(NOW, a, 1), [event(1)]);
        while deferred.wake(NOW).is_some() {}
        end(&mut deferred);
        assert_eq!(
            deferred.wake(NOW),
            Some((host(0), a)),
            "its turn comes at once"
        );
        assert_eq!(deferred.resume(NOW, a, 1), [event(2)]);
    }
}

#[test]
fn an_earlier_deadline_is_not_that_of_a_later_question() {
    let mut deferred = deferred();
    deferred.insert(event(1), vec![parked("alice", "a", 1, 0)]);
    let a = service("a");
    assert_eq!(deferred.resume(NOW, a, 1), [event(1)]);
    deferred.detach(host(0));
    assert_eq!(deferred.resume(later(50), a, 1), [event(1)]);
    assert!(deferred.give_up(later(60)).is_none());
    assert!(deferred.give_up(later(110)).is_some());
}

#[test]
fn one_that_is_told_again_too_early_is_still_behind_the_other() {
    let mut deferred = deferred();
    let attempts = Attempts::default().not_before(later(45), true);
    let behind = queued("alice", "a", 1).parked(HASH, attempts);
    deferred.insert(
        event(1),
        vec![behind, parked("alice", "other.example/b", 1, 0)],
    );
    let retry = deferred.take(NOW, event(1)).unwrap();
    let known = retry.attempts(&registration("a", 1)).unwrap();
    assert_eq!((known.is_behind, known.not_before), (true, later(45)));
}
