//! Users of push services that work are told at once, however many others fare badly; and nothing that waits for those is lost.

#[path = "isolation/town.rs"]
mod town;

use push_tests::world::{Manner, Mood};
use std::time::Duration;
use town::{PACE, Town, small};

/// Events that the adapter may have outstanding: far fewer than wait for the sick. All bounds are a hundredth of the defaults.
const WINDOW: usize = 100;
/// How long it goes on.
const LONG: Duration = Duration::from_secs(60);
/// Event to publish.
const AT_ONCE: Duration = Duration::from_millis(100);

/// How push services fare badly.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    /// They all do so.
    Of(Manner),
    /// They cannot be reached, work, cannot be reached …
    ComeAndGo,
}

impl Trouble {
    /// Returns towns with one, two, or a thousand push services, each of which users have chosen.
    fn towns(self) -> [(usize, usize, usize); 3] {
        let window = match self {
            // Each of them has one in flight before it is known to be silent.
            Self::Of(_) => 5 * WINDOW,
            Self::ComeAndGo => WINDOW,
        };
        [(200, 1, WINDOW), (200, 2, WINDOW), (2_000, 1_000, window)]
    }
}

impl Town {
    /// Messages for a while, in which the push services have this trouble.
    fn suffer(&mut self, trouble: Trouble, time: Duration) {
        match trouble {
            Trouble::Of(manner) => {
                self.fare(manner);
                self.messages(time);
            }
            Trouble::ComeAndGo => {
                for turn in 0..6 {
                    self.fare([Manner::Unreachable, Manner::Accepts][turn % 2]);
                    self.messages(time / 6);
                }
            }
        }
    }
}

fn nobody_waits((users, sick, window): (usize, usize, usize), trouble: Trouble, mood: Mood) {
    let mut town = Town::with_window(users, sick, window);
    let case = format!("{sick} push services: {trouble:?}, {mood:?}");
    town.world.store(mood);
    town.messages(Duration::from_secs(5));
    town.suffer(trouble, LONG);
    let longest = town.longest();
    assert!(longest <= AT_ONCE, "{case}: {longest:?}");
    let outstanding = town.world.adapter().outstanding();
    assert!(outstanding < window, "{case}: {outstanding} outstanding");
    town.fare(Manner::Accepts);
    town.messages(Duration::from_secs(5));
    let longest = town.longest();
    assert!(longest <= AT_ONCE, "{case}, on return: {longest:?}");
    town.world.pass(Duration::from_secs(2 * 3600));
    town.all_told_once();
}

/// The same with an adapter that cannot defer: everybody waits.
fn everybody_waits((users, sick, window): (usize, usize, usize), trouble: Trouble) {
    let mut town = Town::with_window(users, sick, window);
    town.world.adapter().max_deferred = 0;
    town.world.cut();
    town.world.connect();
    town.messages(Duration::from_secs(5));
    town.suffer(trouble, LONG);
    let longest = town.longest();
    let case = format!("{sick} push services: {trouble:?}");
    assert!(
        longest > 20 * AT_ONCE,
        "{case}: {longest:?} without deferring"
    );
}

/// Push services with this trouble delay nobody else and lose nothing; but for deferring, they would delay everybody.
fn only_their_users_wait(trouble: Trouble) {
    for town in trouble.towns() {
        for mood in [Mood::Works, Mood::Slow(Duration::from_millis(20))] {
            nobody_waits(town, trouble, mood);
        }
        everybody_waits(town, trouble);
    }
}

#[test]
fn push_services_that_are_silent_delay_nobody_else_and_lose_nothing() {
    only_their_users_wait(Trouble::Of(Manner::Silent));
}

#[test]
fn nor_do_those_that_answer_after_20_seconds() {
    only_their_users_wait(Trouble::Of(Manner::Slow(Duration::from_secs(20))));
}

#[test]
fn nor_do_those_that_answer_wait() {
    only_their_users_wait(Trouble::Of(Manner::Refuses("wait", "resource-constraint")));
}

#[test]
fn nor_do_those_that_answer_with_an_error_of_their_own() {
    only_their_users_wait(Trouble::Of(Manner::Refuses(
        "cancel",
        "internal-server-error",
    )));
}

#[test]
fn nor_do_those_that_the_server_cannot_reach() {
    only_their_users_wait(Trouble::Of(Manner::Unreachable));
}

#[test]
fn nor_do_those_that_come_and_go() {
    only_their_users_wait(Trouble::ComeAndGo);
}

#[test]
fn a_thousand_that_have_never_answered_anybody_hold_up_few_messages() {
    let mut town = Town::with_window(2_000, 1_000, WINDOW);
    town.fare(Manner::Silent);
    town.messages(LONG);
    let longest = town.longest();
    assert!(longest <= AT_ONCE, "{longest:?}");
    let in_flight = town.world.bench.in_flight();
    // One may be at the push service that is well.
    assert!(in_flight <= WINDOW / 4 + 1, "{in_flight} in flight");
}

#[test]
fn answers_that_come_too_late_delay_nobody_else_and_nothing_is_lost() {
    let mut town = Town::new(200, 1);
    town.messages(Duration::from_secs(5));
    town.fare(Manner::Slow(Duration::from_secs(90)));
    town.messages(LONG);
    let longest = town.longest();
    assert!(longest <= AT_ONCE, "{longest:?}");
    town.fare(Manner::Accepts);
    town.world.pass(Duration::from_secs(2 * 3600));
    assert!(town.counts().iter().all(|(told, missed)| told >= missed));
    assert_eq!(town.world.adapter().kept(), 0);
}

/// An adapter need not give each user a share of the window.
#[test]
fn a_thousand_messages_at_once_for_one_account_fill_no_window() {
    let mut town = Town::with_window(40, 1, WINDOW);
    for node in 0..20 {
        let service = format!("silent{node}.example.net");
        town.world.service_at(&service).manner = Manner::Silent;
        let enable = format!("<enable xmlns='urn:xmpp:push:0' jid='{service}' node='n'/>");
        town.world.ask("mallory", "phone", &enable);
    }
    town.messages(Duration::from_secs(2));
    for number in 0..1_000 {
        let body = format!("m{number}");
        town.world.missed("offline", "mallory", None, &body);
    }
    town.messages(Duration::from_secs(5));
    let longest = town.longest();
    assert!(longest <= AT_ONCE, "{longest:?}");
}

#[test]
fn ten_thousand_users_wait_for_no_push_service_but_their_own() {
    let mut town = Town::with_window(10_000, 2, 10 * WINDOW);
    town.pace = PACE / 10;
    town.messages(Duration::from_secs(2));
    town.fare(Manner::Silent);
    town.messages(Duration::from_secs(8));
    let longest = town.longest();
    assert!(longest <= AT_ONCE, "{longest:?}");
    town.fare(Manner::Accepts);
    town.world.pass(Duration::from_secs(2 * 3600));
    town.all_told_once();
}

#[test]
fn accounts_with_many_silent_addresses_stop_nobody_also_after_a_restart() {
    let mut town = Town::with_window(40, 1, 10 * WINDOW);
    for account in 0..20 {
        let user = format!("mallory{account}");
        for node in 0..20 {
            let service = format!("silent{account}-{node}.example.net");
            town.world.service_at(&service).manner = Manner::Silent;
            let enable = format!("<enable xmlns='urn:xmpp:push:0' jid='{service}' node='n'/>");
            town.world.ask(&user, "phone", &enable);
            town.world.pass(Duration::from_millis(10));
        }
    }
    town.world.restart_service(small(10 * WINDOW), 9);
    town.world.connect();
    town.world.settle();
    for account in 0..20 {
        let user = format!("mallory{account}");
        town.world.missed("offline", &user, None, "all");
    }
    town.world.settle();
    for _ in 0..10 {
        for account in 0..20 {
            let user = format!("mallory{account}");
            let body = format!("{:?}", town.world.now());
            town.world.missed("offline", &user, None, &body);
        }
        town.messages(Duration::from_secs(3));
    }
    let longest = town.longest();
    assert!(longest <= AT_ONCE, "{longest:?}");
}

#[test]
fn what_is_deferred_outlives_the_service_and_an_orderly_restart_of_the_server() {
    for kill in [false, true] {
        let mut town = Town::new(100, 1);
        town.messages(Duration::from_secs(5));
        town.fare(Manner::Silent);
        town.messages(Duration::from_secs(20));
        assert!(town.world.adapter().deferred() > 0);
        if kill {
            town.world.restart_service(small(WINDOW), 9);
        } else {
            town.world.restart_server("example.org");
        }
        town.world.connect();
        town.messages(Duration::from_secs(20));
        town.fare(Manner::Accepts);
        town.world.pass(Duration::from_secs(2 * 3600));
        let lost = town.counts().iter().any(|(told, missed)| told < missed);
        assert!(!lost, "killed: {kill}");
        assert_eq!(town.world.adapter().kept(), 0);
    }
}

#[test]
fn what_waits_fills_no_window_when_it_is_told_to_another_service() {
    let mut town = Town::new(400, 4);
    town.messages(Duration::from_secs(5));
    town.fare(Manner::Silent);
    town.messages(LONG);
    let deferred = town.world.adapter().deferred();
    assert!(deferred > WINDOW, "{deferred} deferred");
    let mut settings = small(WINDOW);
    // So that the one that is well finds a place to prove it.
    settings.policy.in_flight_unproven = 40;
    town.world.restart_service(settings, 9);
    town.world.connect();
    town.messages(Duration::from_secs(20));
    let longest = town.longest();
    assert!(longest <= AT_ONCE, "{longest:?}");
    town.fare(Manner::Accepts);
    town.world.pass(Duration::from_secs(2 * 3600));
    let lost = town.counts().iter().any(|(told, missed)| told < missed);
    assert!(!lost);
    assert_eq!(town.world.adapter().kept(), 0);
}
