//! Findings about registrations change their accounts.

use super::*;

#[test]
fn the_first_refusal_of_a_day_is_written_and_a_further_one_is_only_remembered() {
    let mut users = Users::knowing_alice(&["a"]);
    assert_eq!(
        users.push("alice", refused("a")),
        ["commit alice@example.org"]
    );
    assert_eq!(users.commits(&[Committed::Settled]), ["done found 9"]);
    assert!(users.push("alice", refused("a")).is_empty());
    assert_eq!(
        (users.accounts.waiting(), users.accounts.is_empty()),
        (0, true)
    );
    let known = users
        .accounts
        .cache
        .get(&owner("alice"), NOW, None)
        .unwrap();
    assert_eq!(known[0].status.trouble().unwrap().refusals, 2);
}

#[test]
fn a_finding_about_an_account_that_is_not_known_loads_it() {
    let mut users = Users::new();
    assert_eq!(users.push("alice", end("a")), ["load alice@example.org"]);
    assert_eq!(users.loads(&["a"]), ["commit alice@example.org"]);
    assert_eq!(users.commits(&[Committed::Removed(1)]), ["done found 9"]);
    assert!(users.accounts.is_empty());
}

#[test]
fn a_finding_about_a_registration_that_is_gone_or_enabled_anew_does_nothing() {
    let mut users = Users::knowing_alice(&["a"]);
    assert!(users.push("alice", end("b")).is_empty());
    users.push("alice", enable("a", 1));
    users.commits(&[Committed::Enabled]);
    assert!(users.push("alice", end("a")).is_empty());
    assert_eq!(
        (users.accounts.waiting(), users.accounts.is_empty()),
        (0, true)
    );
}

#[test]
fn a_status_that_is_not_stored_is_given_up_and_holds_up_nobody() {
    let mut users = Users::knowing_alice(&["a"]);
    users.push("alice", refused("a"));
    users.missed("alice", 1);
    let steps = users.fails();
    assert_eq!(steps[0], "failed");
    let decided = users.wait(30);
    assert_eq!(decided, ["decide 1 of 1"], "the account is still known");
    assert_eq!(
        (users.accounts.waiting(), users.accounts.is_empty()),
        (0, true)
    );
    assert_eq!(
        users.accounts.next_deadline(),
        None,
        "no late commit is feared"
    );
}

#[test]
fn an_end_that_is_not_stored_is_asked_for_again() {
    let mut users = Users::knowing_alice(&["a"]);
    users.push("alice", end("a"));
    assert_eq!(users.fails(), ["failed"]);
    assert_eq!(users.wait(1), ["load alice@example.org"]);
    assert_eq!(users.loads(&["a"]), ["commit alice@example.org"]);
    assert_eq!(users.commits(&[Committed::Removed(1)]), ["done found 9"]);
}

#[test]
fn a_revocation_removes_what_was_enabled_until_then() {
    let mut users = Users::knowing_alice(&["a"]);
    let change = revocation(&owner("alice"), target("a"), NOW);
    let Change::Remove {
        guard: Guard::UpTo(last),
        ..
    } = change
    else {
        unreachable!()
    };
    let before = Revision::draw(NOW, u64::MAX, []);
    let after = Revision::draw(NOW.after(Duration::from_millis(1)), 0, []);
    assert!(before <= last && last < after);
    let event = event(3);
    let revoked = Item::Revoked { change, event };
    assert_eq!(users.push("alice", revoked), ["commit alice@example.org"]);
    assert_eq!(users.fails(), ["failed"]);
    assert_eq!(users.wait(1), ["commit alice@example.org"]);
    assert_eq!(users.commits(&[Committed::Removed(1)]), ["done revoked 3"]);
}
