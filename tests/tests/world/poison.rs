//! Users who provoke every error at a push service that they share with others.

use push_core::registration::Status;
use push_core::xep::error::DefinedCondition;
use push_core::{Report, Timestamp};
use push_tests::world::service::Notification;
use push_tests::world::telling;
use push_tests::world::{Manner, World, settings};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);
const TYPES: [&str; 5] = ["auth", "cancel", "continue", "modify", "wait"];
const OTHERS: usize = 60;
/// The one among the others whose registration the push service refuses.
const DEAD: usize = 7;

/// The fate of the others, in the order of their numbers.
#[derive(Debug, PartialEq)]
struct Met {
    /// How their registrations fare.
    statuses: Vec<Vec<Status>>,
    notifications: Vec<Vec<Notification>>,
    /// When the push service was left alone, and when no longer.
    breaker: Vec<Report>,
}

/// Every error, in an order in which those of a kind are apart.
fn errors() -> Vec<Manner> {
    let of_type = |kind| {
        let conditions = DefinedCondition::ALL.iter();
        conditions.map(move |condition| Manner::Refuses(kind, condition.as_str()))
    };
    let silent = [Manner::Silent, Manner::Foreign, Manner::Unreachable];
    TYPES.into_iter().flat_map(of_type).chain(silent).collect()
}

fn other(number: usize) -> String {
    format!("u{number}")
}

fn missed(world: &mut World, user: &str) {
    let body = format!("{user} {}", world.now().as_millis());
    world.missed("offline", user, None, &body);
}

/// Five days of many users, of whom one has a dead registration, beside so many accounts that provoke errors.
fn days_beside(poisoners: usize) -> Met {
    let mut settings = telling(settings());
    settings.policy.ping_interval = DAY;
    let mut world = World::attached_with(settings);
    for number in 0..OTHERS {
        world.enable(&other(number), "phone", &other(number));
    }
    let dead = Manner::Refuses("cancel", "bad-request");
    world.service().by_node.insert(other(DEAD), dead);
    let mut errors = errors().into_iter().cycle();
    let begin = world.now();
    for day in 0..5 {
        for poisoner in 0..poisoners {
            for node in 0..20 {
                let (user, node) = (format!("mallory{poisoner}"), format!("{poisoner}-{node}"));
                world.enable(&user, "phone", &node);
                let error = errors.next().unwrap();
                world.service().by_node.insert(node, error);
            }
        }
        // However long that took, everybody's day begins at the same time.
        let morning = begin.after(day * DAY + Duration::from_secs(60));
        world.pass(morning.since(world.now()));
        for number in 0..OTHERS {
            missed(&mut world, &other(number));
            if number % 6 == 1 {
                (0..poisoners)
                    .for_each(|poisoner| missed(&mut world, &format!("mallory{poisoner}")));
            }
            world.pass(Duration::from_secs(1));
        }
        let evening = begin.after((day + 1) * DAY);
        world.pass(evening.since(world.now()));
    }
    met(&mut world)
}

fn met(world: &mut World) -> Met {
    let received = world.service().take();
    let statuses = |user: &String| {
        let owner = format!("{user}@example.org");
        let have = world.bench.store.registrations(&owner).into_iter();
        have.map(|have| have.status).collect()
    };
    let notifications = |user: &String| {
        let told = received.iter().filter(|one| one.node == *user);
        told.cloned().collect()
    };
    let users: Vec<String> = (0..OTHERS).map(other).collect();
    let (statuses, notifications) = (
        users.iter().map(statuses).collect(),
        users.iter().map(notifications).collect(),
    );
    let mut breaker = world.reports();
    breaker.retain(is_of_breaker);
    Met {
        statuses,
        notifications,
        breaker,
    }
}

fn is_of_breaker(report: &Report) -> bool {
    matches!(
        report,
        Report::BreakerOpened { .. } | Report::BreakerClosed { .. }
    )
}

#[test]
fn neither_one_account_nor_ten_change_what_others_meet() {
    let alone = days_beside(0);
    assert_eq!(alone.statuses[DEAD][0].as_str(), "quarantined");
    assert_eq!(alone.statuses[DEAD + 1], [Status::Active]);
    for poisoners in [1, 10] {
        assert_eq!(days_beside(poisoners), alone, "beside {poisoners}");
    }
}

/// When Alice, whom the push service refuses, is tried within half a minute, while Bob is accepted every three seconds.
fn attempts_for_one_refused(mallory: Manner) -> Vec<Timestamp> {
    let mut world = World::attached_with(telling(settings()));
    for user in ["alice", "bob", "mallory"] {
        world.enable(user, "phone", user);
    }
    missed(&mut world, "bob");
    world.settle();
    let refuses = Manner::Refuses("cancel", "bad-request");
    let by_node = &mut world.service().by_node;
    by_node.insert("alice".to_owned(), refuses);
    by_node.insert("mallory".to_owned(), mallory);
    for user in ["mallory", "alice"] {
        missed(&mut world, user);
    }
    for _ in 0..9 {
        missed(&mut world, "bob");
        world.pass(Duration::from_secs(3));
    }
    let mut received = world.service().take();
    received.retain(|one| one.node == "alice");
    received.iter().map(|one| one.at).collect()
}

#[test]
fn a_registration_that_is_not_answered_hastens_no_attempt_for_somebody_else() {
    let alone = attempts_for_one_refused(Manner::Accepts);
    assert_eq!(alone.len(), 1, "the pause is half a minute");
    assert_eq!(attempts_for_one_refused(Manner::Silent), alone);
}
