//! The store fails, answers late or not at all, and others write to it.

use super::*;

#[test]
fn a_failing_commit_refuses_requests_and_asks_the_rest_again() {
    let mut users = Users::knowing_alice(&["a"]);
    users.push("alice", enable("b", 1));
    users.push("alice", Item::Forget(event(2)));
    users.push("alice", enable("c", 3));
    assert_eq!(
        users.fails(),
        [
            "failed",
            "refuse 1 ServiceUnavailable",
            "refuse 3 ServiceUnavailable"
        ]
    );
    assert_eq!(users.accounts.waiting(), 1);
    assert_eq!(
        users.wait(1),
        ["load alice@example.org"],
        "nothing is known of an account whose commit may have happened"
    );
    assert_eq!(users.loads(&["a"]), ["commit alice@example.org"]);
    let done = users.commits(&[Committed::Removed(1)]);
    assert_eq!(done, ["done forget 2"]);
    assert!(users.accounts.is_empty());
}

#[test]
fn a_store_that_will_not_take_a_request_is_not_one_that_is_away() {
    let mut users = Users::knowing_alice(&["a"]);
    users.push("alice", enable("b", 1));
    let reason = "no".to_owned();
    let refused = users.answer(Err(StoreError::Refused { reason }));
    assert_eq!(refused, ["failed", "refuse 1 InternalServerError"]);
    assert!(users.accounts.is_empty(), "there is nothing to ask again");
}

#[test]
fn the_pause_after_a_failure_doubles_up_to_half_a_minute() {
    let mut users = Users::new();
    users.missed("alice", 1);
    for pause in [1, 2, 4, 8, 16, 30, 30] {
        assert_eq!(users.fails(), ["failed"]);
        let due = users.accounts.next_deadline().unwrap();
        assert_eq!(due.since(users.now), Duration::from_secs(pause));
        assert_eq!(users.wait_until(due), ["load alice@example.org"]);
    }
    users.loads(&[]);
    users.accounts.forget(&owner("alice"));
    users.missed("alice", 2);
    users.fails();
    let due = users.accounts.next_deadline().unwrap();
    assert_eq!(
        due.since(users.now),
        Duration::from_secs(1),
        "it begins anew"
    );
}

#[test]
fn a_request_ends_the_pause_at_once_and_its_timer_with_it() {
    let mut users = Users::new();
    users.missed("alice", 1);
    users.fails();
    assert_eq!(
        users.push("alice", enable("a", 2)),
        ["load alice@example.org"]
    );
    users.fails();
    assert!(users.wait(1).is_empty(), "the first pause is over");
    assert_eq!(users.wait(1), ["load alice@example.org"]);
}

#[test]
fn a_question_without_an_answer_in_time_has_failed() {
    let mut users = Users::new();
    users.missed("alice", 1);
    assert!(users.wait(9).is_empty());
    assert_eq!(users.wait(1), ["failed"]);
    assert_eq!(users.wait(1), ["load alice@example.org"]);
}

#[test]
fn a_late_answer_to_a_commit_distrusts_the_account() {
    let mut users = Users::knowing_alice(&["a"]);
    users.push("alice", enable("b", 1));
    assert_eq!(users.wait(10), ["failed", "refuse 1 ServiceUnavailable"]);
    let known = users.missed("alice", 2);
    assert_eq!(known, ["load alice@example.org"]);
    let late = users.commits(&[Committed::Enabled]);
    assert_eq!(late, ["distrust alice@example.org"]);
}

#[test]
fn a_removal_is_repeated_when_no_earlier_commit_can_undo_it_any_more() {
    let mut users = Users::knowing_alice(&["a"]);
    users.push("alice", enable("b", 1));
    users.fails();
    users.push("alice", Item::Forget(event(2)));
    users.loads(&["a"]);
    users.commits(&[Committed::Removed(1)]);
    assert_eq!(
        users.wait(20),
        ["distrust alice@example.org", "commit alice@example.org"]
    );
    let done = users.commits(&[Committed::Removed(1)]);
    assert_eq!(done, ["done 1 removals again"]);
}

#[test]
fn an_account_that_the_store_finds_otherwise_is_forgotten() {
    let mut users = Users::knowing_alice(&["a"]);
    users.push("alice", end("a"));
    let gone_already = users.commits(&[Committed::Removed(0)]);
    assert_eq!(gone_already, ["done found 9"]);
    assert_eq!(users.missed("alice", 1), ["load alice@example.org"]);
}

#[test]
fn where_others_write_a_change_is_made_after_a_load() {
    let mut users = Users::with(Policy {
        cache_ttl: Some(Duration::from_secs(60)),
        ..Policy::default()
    });
    users.missed("alice", 1);
    users.loads(&[]);
    assert_eq!(
        users.push("alice", enable("a", 2)),
        ["load alice@example.org"]
    );
    assert_eq!(users.loads(&[]), ["commit alice@example.org"]);
}

#[test]
fn a_removal_is_repeated_after_the_last_of_several_uncertain_commits() {
    let mut users = Users::knowing_alice(&["a"]);
    users.push("alice", enable("b", 1));
    users.fails();
    users.wait(15);
    users.push("alice", enable("b", 2));
    users.loads(&["a"]);
    users.fails();
    users.wait(10);
    users.push("alice", Item::Forget(event(3)));
    users.loads(&["a"]);
    users.commits(&[Committed::Removed(1)]);
    let again = users.wait(10);
    assert_eq!(
        again,
        ["distrust alice@example.org", "commit alice@example.org"]
    );
}

#[test]
fn an_account_that_somebody_has_changed_meanwhile_is_loaded_once_more() {
    let mut users = Users::new();
    assert_eq!(users.missed("alice", 1), ["load alice@example.org"]);
    users.accounts.forget(&owner("alice"));
    assert_eq!(users.loads(&[]), ["load alice@example.org"]);
    assert_eq!(users.loads(&["a"]), ["decide 1 of 1"]);
}
