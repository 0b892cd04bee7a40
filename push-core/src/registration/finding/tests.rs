use super::*;

const GONE: DefinedCondition = DefinedCondition::Gone;
const BAD: DefinedCondition = DefinedCondition::BadRequest;
const NEVER: Timestamp = Timestamp::from_millis(0);

/// Noon of a day.
fn day(number: u64) -> Timestamp {
    hour(number * 24)
}

/// So many hours after the noon of the first day.
fn hour(number: u64) -> Timestamp {
    Timestamp::from_millis(1_789_992_000_000 + number * 3_600_000)
}

const fn refused() -> Finding {
    Finding::Refused {
        condition: BAD,
        doubted_at: NEVER,
        is_sudden: false,
    }
}

const fn over(is_sudden: bool) -> Finding {
    Finding::Over {
        condition: GONE,
        is_sudden,
    }
}

const UNREACHABLE: Finding = Finding::Unreachable { reached_at: NEVER };

fn next(status: Status, finding: Finding, at: Timestamp) -> Next {
    status.next(finding, at, &StatusPolicy::default())
}

/// The status after a finding at each of these times; nothing when the registration has ended, at the index given.
fn after(finding: Finding, times: &[Timestamp]) -> Result<Status, usize> {
    let mut status = Status::Active;
    for (index, at) in times.iter().enumerate() {
        match next(status, finding, *at) {
            Next::Stays => {}
            Next::Counts(to) | Next::Becomes(to) => status = to,
            Next::Ends => return Err(index),
        }
    }
    Ok(status)
}

const fn trouble(since: Timestamp, last: Timestamp, days: u32, refusals: u32) -> Trouble {
    Trouble {
        since,
        last,
        days,
        refusals,
    }
}

#[test]
fn the_first_refusal_is_a_failure_and_an_acceptance_is_the_end_of_it() {
    let failing = Status::Failing(trouble(day(0), day(0), 1, 1));
    assert_eq!(
        next(Status::Active, refused(), day(0)),
        Next::Becomes(failing)
    );
    let quarantined = Status::Quarantined(trouble(day(0), day(9), 9, 9));
    for status in [failing, quarantined] {
        let active = Next::Becomes(Status::Active);
        assert_eq!(next(status, Finding::Accepted, day(9)), active);
        assert_eq!(next(status, Finding::Answered, day(9)), Next::Stays);
    }
    assert_eq!(next(Status::Active, Finding::Accepted, day(0)), Next::Stays);
    assert_eq!(next(Status::Active, Finding::Answered, day(0)), Next::Stays);
}

#[test]
fn only_the_first_refusal_of_a_day_is_written_down() {
    let failing = Status::Failing(trouble(day(0), day(0), 1, 1));
    let more = Status::Failing(trouble(day(0), hour(11), 1, 2));
    assert_eq!(next(failing, refused(), hour(11)), Next::Counts(more));
    let another_day = Status::Failing(trouble(day(0), hour(12), 2, 3));
    assert_eq!(next(more, refused(), hour(12)), Next::Becomes(another_day));
}

#[test]
fn refusals_that_go_on_for_three_days_quarantine() {
    let failing = after(refused(), &[day(0), day(1), hour(71)]).unwrap();
    assert_eq!(failing.as_str(), "failing");
    let quarantined = after(refused(), &[day(0), day(1), hour(72)]).unwrap();
    assert_eq!(
        quarantined,
        Status::Quarantined(trouble(day(0), day(3), 3, 3))
    );
}

#[test]
fn a_registration_ends_after_fourteen_days_ten_refusals_and_five_days_with_some() {
    let daily: Vec<_> = (0..20).map(day).collect();
    assert_eq!(after(refused(), &daily), Err(14));
    let nine: Vec<_> = (0..8).map(day).chain([day(30)]).collect();
    assert_eq!(
        after(refused(), &nine).unwrap().trouble().unwrap().refusals,
        9
    );
    let ten: Vec<_> = (0..8).map(day).chain([day(30), day(31)]).collect();
    assert_eq!(after(refused(), &ten), Err(9));
    // Twenty refusals on four days, then one on a fifth.
    let four: Vec<_> = (0..20).map(|n| hour(n % 5 + n / 5 * 24 * 7)).collect();
    assert!(after(refused(), &four).is_ok());
    let five: Vec<_> = four.iter().copied().chain([day(40)]).collect();
    assert_eq!(after(refused(), &five), Err(20));
    let short: Vec<_> = (0..14).map(day).chain([hour(14 * 24 - 1)]).collect();
    assert!(after(refused(), &short).is_ok());
}

#[test]
fn time_in_which_the_push_service_was_in_doubt_does_not_count() {
    let failing = after(refused(), &[day(0), day(1)]).unwrap();
    let doubted = Finding::Refused {
        condition: BAD,
        doubted_at: day(5),
        is_sudden: false,
    };
    // Nine days were not judged: it has been refused for one.
    let expected = Status::Failing(trouble(day(9), day(10), 3, 3));
    assert_eq!(next(failing, doubted, day(10)), Next::Becomes(expected));
}

#[test]
fn what_means_the_end_ends_whatever_the_status() {
    for status in [
        Status::Active,
        Status::Failing(trouble(day(0), day(0), 1, 1)),
        Status::Failing(trouble(day(0), day(0), 1, 0)),
        Status::Quarantined(trouble(day(0), day(3), 3, 3)),
    ] {
        assert_eq!(next(status, over(false), day(4)), Next::Ends);
    }
}

#[test]
fn what_would_end_too_many_quarantines_them() {
    let suspected = Status::Quarantined(trouble(day(4), day(4), 1, 1));
    assert_eq!(
        next(Status::Active, over(true), day(4)),
        Next::Becomes(suspected)
    );
    let again = Status::Quarantined(trouble(day(4), day(5), 2, 2));
    assert_eq!(next(suspected, over(true), day(5)), Next::Becomes(again));
    assert_eq!(next(suspected, over(false), day(5)), Next::Ends);
    let last = Status::Quarantined(trouble(day(0), day(14), 14, 14));
    let sudden = Finding::Refused {
        condition: BAD,
        doubted_at: NEVER,
        is_sudden: true,
    };
    let stays = Status::Quarantined(trouble(day(0), day(15), 15, 15));
    assert_eq!(next(last, sudden, day(15)), Next::Becomes(stays));
    assert_eq!(next(last, refused(), day(15)), Next::Ends);
}

#[test]
fn a_registration_at_a_push_service_that_nobody_reaches_ends_after_sixty_days() {
    let daily: Vec<_> = (0..=60).map(day).collect();
    assert_eq!(after(UNREACHABLE, &daily), Err(60));
    let failing = after(UNREACHABLE, &daily[..60]).unwrap();
    assert_eq!(failing, Status::Failing(trouble(day(0), day(59), 60, 0)));
    // Two outages far apart are not one.
    assert!(after(UNREACHABLE, &[day(0), day(1), day(99), day(100)]).is_ok());
    assert_eq!(next(failing, UNREACHABLE, hour(59 * 24 + 1)), Next::Stays);
}

#[test]
fn a_push_service_that_was_reached_meanwhile_begins_anew() {
    let failing = after(UNREACHABLE, &[day(0), day(1)]).unwrap();
    let reached = Finding::Unreachable {
        reached_at: day(30),
    };
    let anew = Next::Becomes(Status::Failing(trouble(day(60), day(60), 1, 0)));
    assert_eq!(next(failing, reached, day(60)), anew);
    let active = Next::Becomes(Status::Active);
    assert_eq!(next(failing, Finding::Answered, day(2)), active);
    let refusal = Next::Becomes(Status::Failing(trouble(day(2), day(2), 1, 1)));
    assert_eq!(next(failing, refused(), day(2)), refusal);
}

#[test]
fn an_outage_does_not_undo_what_was_refused_before() {
    let quarantined = Status::Quarantined(trouble(day(0), day(3), 3, 3));
    assert_eq!(next(quarantined, UNREACHABLE, day(4)), Next::Stays);
    let anew = Next::Becomes(Status::Failing(trouble(day(17), day(17), 1, 0)));
    assert_eq!(next(quarantined, UNREACHABLE, day(17)), anew);
}
