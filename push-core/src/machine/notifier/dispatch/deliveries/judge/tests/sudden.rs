//! A push service that ends many at once is not believed.

use super::*;

#[test]
fn few_users_may_lose_their_registrations_at_once_were_they_all_there_are() {
    let mut court = Court::new();
    for user in 0..5 {
        assert_eq!(
            court.active(&format!("u{user}"), &gone()),
            Some(over(false)),
            "{user}"
        );
    }
    assert_eq!(court.active("alice", &gone()), Some(over(true)));
    assert_eq!(court.active("bob", &gone()), Some(over(true)));
}

#[test]
fn a_fifth_of_the_users_may_end_within_an_hour() {
    let mut court = Court::new();
    for user in 0..100 {
        court.accepts(&format!("u{user}"));
    }
    for user in 0..20 {
        assert_eq!(
            court.active(&format!("u{user}"), &gone()),
            Some(over(false)),
            "{user}"
        );
        court.accepts("u99");
    }
    assert_eq!(court.active("u20", &gone()), Some(over(true)));
    court.accepts("u99");
    court.pass(HOUR);
    assert_eq!(court.active("u20", &gone()), Some(over(false)));
}

#[test]
fn one_user_has_one_vote() {
    let mut court = Court::new();
    for _ in 0..100 {
        assert_eq!(court.active("mallory", &gone()), Some(over(false)));
    }
    assert_eq!(court.active("alice", &gone()), Some(over(false)));
}

#[test]
fn one_that_was_suspected_ends_only_when_the_push_service_accepts_others() {
    let mut court = Court::new();
    let suspected = Status::Quarantined(trouble(1));
    court.pass(24 * HOUR);
    assert_eq!(court.judge("alice", suspected, &gone()), None);
    court.accepts("bob");
    assert_eq!(court.judge("alice", suspected, &gone()), Some(over(false)));
}

#[test]
fn refusals_that_would_end_too_many_do_not() {
    let mut court = Court::new();
    let last = Status::Quarantined(Trouble {
        days: 20,
        refusals: 20,
        ..trouble(20)
    });
    court.pass(20 * 24 * HOUR);
    for user in 0..6 {
        court.accepts("other");
        let found = court.judge(&format!("u{user}"), last, &bad());
        let Some(Finding::Refused { is_sudden, .. }) = found else {
            unreachable!("{found:?}")
        };
        assert_eq!(is_sudden, user == 5, "{user}");
    }
}
