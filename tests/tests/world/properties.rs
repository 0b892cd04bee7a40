//! What holds whatever happens: seeded courses of messages, requests and faults.

use super::course::{Course, Faults};
use push_tests::world::random::every_seed;

/// Courses per kind of faults; some seconds all together.
const CASES: u64 = 30;
/// Things that happen in one.
const STEPS: usize = 150;

fn every_course(faults: Faults, check: impl Fn(u64)) {
    every_seed(&format!("{faults:?}"), 0..CASES, check);
}

#[test]
fn with_a_store_that_fails_each_message_is_told_once() {
    every_course(Faults::Store, |seed| {
        let mut course = Course::run(Faults::Store, seed, STEPS);
        course.end();
        course.all_told();
        course.none_told_twice();
        course.every_publish_ended_once();
        course.requests_were_answered_in_order();
    });
}

#[test]
fn with_streams_cut_and_servers_restarted_no_message_is_lost() {
    every_course(Faults::Streams, |seed| {
        let mut course = Course::run(Faults::Streams, seed, STEPS);
        course.end();
        course.all_told();
        course.every_publish_ended_once();
        course.requests_were_answered_in_order();
    });
}

#[test]
fn with_the_service_killed_no_message_is_lost() {
    every_course(Faults::Kills, |seed| {
        let mut course = Course::run(Faults::Kills, seed, STEPS);
        course.end();
        course.all_told();
        course.requests_were_answered_in_order();
    });
}

#[test]
fn the_same_seed_does_the_same() {
    for seed in 0..4 {
        let run = || Course::run(Faults::Kills, seed, STEPS).record();
        let (first, second) = (run(), run());
        let differs = first
            .iter()
            .zip(&second)
            .position(|(one, other)| one != other);
        assert_eq!(differs, None, "seed {seed}");
        assert_eq!(first.len(), second.len(), "seed {seed}");
    }
}
