//! Users who provoke every error at a push service that they share with others.

use push_core::Timestamp;
use push_core::registration::Status;
use push_core::xep::error::DefinedCondition;
use push_tests::world::stage::telling;
use push_tests::world::{Manner, World, settings};
use std::collections::BTreeMap;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);
const TYPES: [&str; 5] = ["auth", "cancel", "continue", "modify", "wait"];
const OTHERS: usize = 60;

/// The fate of the others: how each of them fares, and when each was notified.
type Met = BTreeMap<String, (Vec<Status>, Vec<Timestamp>)>;

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
    world.service().by_node.insert(other(7), dead);
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
    let received = world.service().take();
    let met = |name: String| {
        let of_them = received.iter().filter(|one| one.node == name);
        let at = of_them.map(|one| one.at).collect();
        let have = world
            .bench
            .store
            .registrations(&format!("{name}@example.org"));
        (name, (have.iter().map(|have| have.status).collect(), at))
    };
    (0..OTHERS).map(other).map(met).collect()
}

#[test]
fn neither_one_account_nor_ten_change_what_others_meet() {
    let alone = days_beside(0);
    assert_eq!(alone[&other(7)].0[0].as_str(), "quarantined");
    assert_eq!(alone[&other(8)].0, [Status::Active]);
    for poisoners in [1, 10] {
        let beside = days_beside(poisoners);
        for number in 0..OTHERS {
            let name = other(number);
            let ((status, at), (status_alone, at_alone)) = (&beside[&name], &alone[&name]);
            assert_eq!(status, status_alone, "{name} beside {poisoners}");
            assert_eq!(at.len(), at_alone.len(), "{name} beside {poisoners}");
            // A further attempt at one that is refused may be made a little later.
            let late = at
                .iter()
                .zip(at_alone)
                .map(|(one, other)| one.since(*other));
            let late = late.max().unwrap_or_default();
            let most = Duration::from_secs(if number == 7 { 5 } else { 0 });
            assert!(late <= most, "{name} beside {poisoners}: {late:?}");
        }
    }
}
