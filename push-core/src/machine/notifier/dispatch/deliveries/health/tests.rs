use super::*;
use crate::machine::sample::{NOW, host};
use std::time::Duration;

const SERVICE: ServiceKey = ServiceKey(1);
const OK: Evidence = Evidence::Accepted(Identity::Server);

struct Ward {
    health: Health,
    policy: Policy,
    now: Timestamp,
}

impl Ward {
    fn new() -> Self {
        Self {
            health: Health::new(Seeded::new(1, 2)),
            policy: Policy::default(),
            now: NOW,
        }
    }

    fn pass(&mut self, millis: u64) {
        self.now = self.now.after(Duration::from_millis(millis));
    }

    fn room_at(&mut self, service: ServiceKey) -> Room {
        self.health.room(self.now, host(0), service, &self.policy)
    }

    fn room(&mut self) -> Room {
        self.room_at(SERVICE)
    }

    /// Returns the next one that waits for a place, if there is one.
    fn starved(&mut self) -> Option<ServiceKey> {
        let next = self.health.next_starved(self.now, &self.policy)?;
        Some(next.1)
    }

    /// Begins so many deliveries. Returns the places they take of push services that have proved nothing.
    fn begin(&mut self, service: ServiceKey, count: usize) -> Vec<Key> {
        let begun = (0..count).map(|_| self.health.begin(self.now, service, &self.policy));
        begun.flatten().collect()
    }

    fn end(&mut self, place: Option<Key>, evidence: Evidence) -> Option<HealthChange> {
        self.health
            .end(self.now, SERVICE, place, evidence, 0, &self.policy)
    }

    /// So many are accepted, one after the other.
    fn accept(&mut self, count: usize) {
        for _ in 0..count {
            let place = self.begin(SERVICE, 1).pop();
            self.pass(1);
            self.end(place, OK);
        }
    }

    /// The deliveries of so many users fail, a second apart. Returns the last change.
    fn fail(&mut self, users: u64) -> Option<HealthChange> {
        let mut last = None;
        for user in 0..users {
            let place = self.begin(SERVICE, 1).pop();
            self.pass(1_000);
            last = self.end(place, Evidence::Failed(user));
        }
        last
    }
}

#[test]
fn what_a_push_service_may_have_doubles_with_each_round_it_accepts() {
    let mut ward = Ward::new();
    assert_eq!(ward.room(), Room::Few(8));
    ward.accept(1);
    assert_eq!(ward.room(), Room::For(8));
    ward.accept(8);
    assert_eq!(ward.room(), Room::For(16));
    ward.accept(16 + 32 + 64 + 128 + 256 + 512 + 1_024);
    assert_eq!(ward.room(), Room::For(1_000), "the policy's bound");
    ward.begin(SERVICE, 1_000);
    assert_eq!(ward.room(), Room::None);
}

#[test]
fn one_that_is_silent_has_to_prove_itself_anew() {
    let mut ward = Ward::new();
    ward.accept(100);
    ward.begin(SERVICE, 5);
    ward.pass(1_999);
    assert!(matches!(ward.room(), Room::For(_)));
    ward.pass(1);
    assert_eq!(ward.room(), Room::Few(3));
    let better = HealthChange::Better { was_open: false };
    assert_eq!(ward.end(None, OK), Some(better));
    assert_eq!(ward.room(), Room::For(4), "it begins with few again");
}

#[test]
fn all_that_have_proved_nothing_share_their_places_and_get_them_in_turns() {
    let mut ward = Ward::new();
    ward.policy.in_flight_unproven = 10;
    let mut places = ward.begin(SERVICE, 8);
    assert_eq!(places.len(), 8);
    let [other, third] = [2, 3].map(ServiceKey);
    assert_eq!(ward.room_at(other), Room::Few(2));
    ward.begin(other, 2);
    let room = (ward.room_at(third), ward.room_at(third));
    assert_eq!(room, (Room::None, Room::None));
    assert_eq!(ward.starved(), None);
    ward.end(places.pop(), Evidence::Answered);
    assert_eq!(ward.starved(), Some(third));
    assert_eq!(ward.starved(), None, "it waits once");
}

#[test]
fn those_that_are_silent_make_room_for_those_that_may_answer() {
    let mut ward = Ward::new();
    ward.policy.in_flight_unproven = 10;
    ward.begin(SERVICE, 8);
    ward.begin(ServiceKey(2), 2);
    let fresh = ServiceKey(3);
    assert_eq!(ward.room_at(fresh), Room::None);
    assert_eq!(
        ward.health.next_deadline(),
        Some(NOW.after(ward.policy.unproven_after))
    );
    ward.pass(2_000);
    ward.health.tick(ward.now);
    assert_eq!(ward.health.places(&ward.policy), 1);
    assert_eq!(ward.starved(), Some(fresh));
    assert_eq!(ward.room_at(fresh), Room::Few(8));
    assert_eq!(ward.room_at(ServiceKey(2)), Room::None, "it is silent");
}

#[test]
fn the_breaker_opens_on_the_word_of_several_users_over_some_time() {
    let mut ward = Ward::new();
    ward.accept(10);
    assert_eq!(ward.fail(2), None);
    assert!(ward.health.is_well(SERVICE));
    ward.accept(1);
    let worse = HealthChange::Worse {
        pause: ward.policy.breaker_pause,
    };
    assert_eq!(ward.fail(3), Some(worse));
    assert!(!ward.health.is_well(SERVICE));
    let Room::Probes(places, until) = ward.room() else {
        unreachable!("{:?}", ward.room())
    };
    assert_eq!(places, 8, "those for whom nothing has failed");
    assert!(until >= ward.now.after(ward.policy.breaker_pause));
    assert_eq!(ward.room_at(ServiceKey(2)), Room::Few(8), "another one");
}

#[test]
fn one_user_cannot_open_it_nor_can_many_at_one_moment() {
    let mut ward = Ward::new();
    for _ in 0..100 {
        let place = ward.begin(SERVICE, 1).pop();
        ward.pass(1_000);
        assert_eq!(ward.end(place, Evidence::Failed(7)), None);
    }
    let mut ward = Ward::new();
    ward.accept(1);
    for user in 0..100 {
        let place = ward.begin(SERVICE, 1).pop();
        assert_eq!(ward.end(place, Evidence::Failed(user)), None);
    }
}

#[test]
fn the_more_users_there_are_the_more_must_fail() {
    let mut ward = Ward::new();
    for user in 0..=26 {
        let place = ward.begin(SERVICE, 1).pop();
        ward.pass(1_000);
        let failed = Evidence::Failed(user);
        let change = ward
            .health
            .end(ward.now, SERVICE, place, failed, 100, &ward.policy);
        assert_eq!(change.is_some(), user == 25, "{user}");
    }
}

#[test]
fn pauses_double_and_one_acceptance_ends_them() {
    let mut ward = Ward::new();
    ward.fail(3);
    for seconds in [10, 20, 40, 80, 160, 300, 300] {
        let Room::Probes(_, until) = ward.room() else {
            unreachable!("{:?}", ward.room())
        };
        ward.now = until;
        assert_eq!(ward.room(), Room::Few(8), "half-open");
        let place = ward.begin(SERVICE, 1).pop();
        ward.end(place, Evidence::Failed(1));
        let Room::Probes(_, next) = ward.room() else {
            unreachable!("{:?}", ward.room())
        };
        let pause = next.since(ward.now);
        let least = Duration::from_secs(seconds);
        assert!(pause >= least && pause <= least * 5 / 4, "{pause:?}");
    }
    let place = ward.begin(SERVICE, 1).pop();
    let better = HealthChange::Better { was_open: true };
    assert_eq!(ward.end(place, OK), Some(better));
    assert_eq!(ward.room(), Room::For(8));
}

#[test]
fn one_that_goes_on_accepting_is_known_among_ten_thousands() {
    let mut ward = Ward::new();
    for number in 0..3 * MAX_SERVICES as u64 {
        if number % 1_000 == 0 {
            ward.accept(1);
        }
        ward.begin(ServiceKey(10 + number), 1);
        assert_eq!(ward.health.accepted(SERVICE), Some(Identity::Server));
    }
}

#[test]
fn a_push_service_gets_half_of_the_adapter_s_places() {
    let mut ward = Ward::new();
    ward.health.set_places(host(0), Some(10));
    ward.accept(100);
    assert_eq!(ward.room(), Room::For(5));
}

#[test]
fn one_failure_at_a_quiet_push_service_is_no_outage() {
    let mut ward = Ward::new();
    ward.accept(10);
    let room = ward.room();
    for _ in 0..2 {
        let place = ward.begin(SERVICE, 1).pop();
        assert_eq!(ward.end(place, Evidence::Failed(7)), None);
        ward.pass(3_600_000);
        let place = ward.begin(SERVICE, 1).pop();
        assert_eq!(ward.end(place, OK), None, "nobody else was in trouble");
    }
    assert_eq!(ward.room(), room, "it keeps what it had");
}

#[test]
fn one_that_fails_enough_users_at_one_moment_is_well_again_with_the_next_acceptance() {
    let mut ward = Ward::new();
    ward.accept(1);
    for user in 0..3 {
        let place = ward.begin(SERVICE, 1).pop();
        assert_eq!(ward.end(place, Evidence::Failed(user)), None);
    }
    ward.pass(5_000);
    let place = ward.begin(SERVICE, 1).pop();
    let better = HealthChange::Better { was_open: false };
    assert_eq!(ward.end(place, OK), Some(better));
}

#[test]
fn one_that_left_a_delivery_without_an_answer_is_better_when_it_accepts_the_next() {
    let mut ward = Ward::new();
    ward.accept(1);
    let place = ward.begin(SERVICE, 1).pop();
    ward.pass(40_000);
    assert_eq!(ward.end(place, Evidence::Unanswered(7)), None);
    assert_eq!(ward.room(), Room::Few(8));
    let place = ward.begin(SERVICE, 1).pop();
    let better = HealthChange::Better { was_open: false };
    assert_eq!(ward.end(place, OK), Some(better));
}

#[test]
fn one_that_refuses_is_not_silent() {
    let mut ward = Ward::new();
    ward.accept(1);
    ward.begin(SERVICE, 2);
    for _ in 0..10 {
        ward.pass(1_500);
        ward.end(None, Evidence::Failed(7));
        ward.begin(SERVICE, 1);
        assert!(matches!(ward.room(), Room::For(_)), "{:?}", ward.room());
    }
}

#[test]
fn one_that_was_not_asked_after_all_owes_no_answer() {
    let mut ward = Ward::new();
    ward.accept(1);
    let place = ward.begin(SERVICE, 1).pop();
    ward.end(place, Evidence::Nothing);
    ward.pass(10_000);
    assert_eq!(ward.room(), Room::For(8));
}

#[test]
fn a_thousand_silent_ones_that_wait_are_not_in_the_way_of_one_that_may_answer() {
    let mut ward = Ward::new();
    ward.policy.in_flight_unproven = 8;
    for service in 0..1_000 {
        ward.begin(ServiceKey(10_000 + service), 1);
    }
    ward.pass(2_000);
    ward.health.tick(ward.now);
    for service in 0..1_000 {
        assert_eq!(ward.room_at(ServiceKey(10_000 + service)), Room::None);
    }
    ward.begin(ServiceKey(2), 8);
    assert_eq!(ward.room(), Room::None);
    ward.pass(2_000);
    ward.health.tick(ward.now);
    assert_eq!(ward.health.places(&ward.policy), 1);
    assert_eq!(ward.starved(), Some(SERVICE));
}
