//! Deliveries follow the changes of their accounts.

use super::*;

#[test]
fn what_waits_is_published_with_the_renewed_registration() {
    let mut sent = Sent::new();
    sent.push(queued("alice", "a", 1));
    let change = Change::Enable {
        owner: owner("alice"),
        registration: registration("a", 7),
    };
    let withdrawn = sent
        .deliveries
        .follow(&owner("alice"), &[change], &[Committed::Enabled]);
    assert!(withdrawn.is_empty());
    let turn = sent.turn().unwrap();
    let registration = sent.deliveries.discard(turn).delivery.registration;
    assert_eq!(registration.revision.as_u64(), 7);
}

#[test]
fn what_waits_for_a_removed_registration_is_withdrawn() {
    let mut sent = Sent::new();
    sent.push(queued("alice", "a", 1));
    sent.push(queued("alice", "other.example/a", 2));
    sent.push(queued("bob", "a", 3));
    let change = Change::RemoveService {
        owner: owner("alice"),
        service: target("a").service,
        up_to: Revision::new(1),
    };
    let withdrawn = sent
        .deliveries
        .follow(&owner("alice"), &[change], &[Committed::Removed(1)]);
    assert_eq!(traces(&withdrawn), [1]);
    assert_eq!(sent.send_all(), [3, 2]);
}

#[test]
fn a_removal_does_not_withdraw_what_waits_for_a_later_enable() {
    let mut sent = Sent::new();
    let mut later = queued("alice", "a", 1);
    later.delivery.registration = Arc::new(registration("a", 7));
    sent.push(later);
    let (alice, up_to) = (owner("alice"), Revision::new(6));
    let removals = [
        Change::Remove {
            owner: alice.clone(),
            target: target("a"),
            guard: Guard::UpTo(up_to),
        },
        Change::RemoveService {
            owner: alice.clone(),
            service: target("a").service,
            up_to,
        },
        Change::RemoveOwner {
            owner: alice.clone(),
            up_to,
        },
    ];
    for removal in removals {
        let withdrawn = sent
            .deliveries
            .follow(&alice, &[removal], &[Committed::Removed(0)]);
        assert!(withdrawn.is_empty());
    }
    assert_eq!(sent.send_all(), [1]);
}

#[test]
fn an_enable_that_came_too_late_renews_nothing() {
    let mut sent = Sent::new();
    let mut newer = queued("alice", "a", 1);
    newer.delivery.registration = Arc::new(registration("a", 7));
    sent.push(newer);
    let change = Change::Enable {
        owner: owner("alice"),
        registration: registration("a", 6),
    };
    let superseded = [Committed::Superseded];
    sent.deliveries
        .follow(&owner("alice"), &[change], &superseded);
    let turn = sent.turn().unwrap();
    let registration = sent.deliveries.discard(turn).delivery.registration;
    assert_eq!(registration.revision.as_u64(), 7);
}

#[test]
fn what_is_in_flight_for_a_registration_that_was_removed_is_not_sent_again() {
    for registration in ["removed", "kept"] {
        let mut sent = Sent::new();
        sent.push(queued("alice", registration, 1));
        assert_eq!(sent.send_all(), [1]);
        let removed = target("removed");
        let waiting = sent
            .deliveries
            .withdraw(&owner("alice"), |have| have.target == removed);
        assert!(waiting.is_empty());
        let finished = sent.finish(0, 1, no_room()).unwrap();
        let is_sent_again = finished.next == AfterAttempt::NoRoom;
        assert_eq!(is_sent_again, registration == "kept", "{registration}");
    }
}
