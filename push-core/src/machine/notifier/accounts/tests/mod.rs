mod faults;
mod findings;

use super::*;
use crate::machine::sample::{NOW, account, enable, event, host, owner, pending, target};
use crate::machine::values::{Found, ReplyTo};
use crate::registration::{Finding, PublishOptions};
use crate::store::Guard;
use crate::xep::error::DefinedCondition;
use rand_core::SeedableRng;
use std::time::Duration;

/// Accounts with the store played by the test, which answers the eldest question.
struct Users {
    accounts: Accounts,
    policy: Policy,
    now: Timestamp,
    asked: VecDeque<QueryId>,
}

impl Users {
    fn new() -> Self {
        Self::with(Policy {
            store_timeout: Duration::from_secs(10),
            ..Policy::default()
        })
    }

    fn with(policy: Policy) -> Self {
        Self {
            accounts: Accounts::new(Seeded::new(1, 2), ChaCha8Rng::from_seed([7; 32])),
            policy,
            now: NOW,
            asked: VecDeque::new(),
        }
    }

    /// Users of whom alice is known already.
    fn knowing_alice(nodes: &[&str]) -> Self {
        let mut users = Self::new();
        users.missed("alice", 0);
        users.loads(nodes);
        users
    }

    fn push(&mut self, name: &str, item: Item) -> Vec<String> {
        self.accounts
            .push(self.now, &owner(name), item, &self.policy);
        self.steps()
    }

    fn missed(&mut self, name: &str, number: u64) -> Vec<String> {
        self.push(name, Item::Pending(pending(number)))
    }

    fn answer(&mut self, result: Result<StoreAnswer, StoreError>) -> Vec<String> {
        let id = self.asked.pop_front().unwrap();
        self.accounts.answered(self.now, id, result, &self.policy);
        self.steps()
    }

    /// The store has loaded alice's account.
    fn loads(&mut self, nodes: &[&str]) -> Vec<String> {
        let accounts = vec![account("alice", nodes)];
        let corrupt = 0;
        self.answer(Ok(StoreAnswer::Loaded(Loaded { accounts, corrupt })))
    }

    fn commits(&mut self, done: &[Committed]) -> Vec<String> {
        self.answer(Ok(StoreAnswer::Committed(done.to_vec())))
    }

    fn fails(&mut self) -> Vec<String> {
        let reason = "down".to_owned();
        self.answer(Err(StoreError::Unavailable { reason }))
    }

    fn wait_until(&mut self, now: Timestamp) -> Vec<String> {
        self.now = now;
        self.accounts.tick(now, &self.policy);
        self.steps()
    }

    fn wait(&mut self, seconds: u64) -> Vec<String> {
        self.wait_until(self.now.after(Duration::from_secs(seconds)))
    }

    /// Returns what is to be done, in words.
    fn steps(&mut self) -> Vec<String> {
        let mut words = Vec::new();
        while let Some(step) = self.accounts.next(self.now, &self.policy) {
            words.push(match step {
                Step::Ask(id, query) => {
                    self.asked.push_back(id);
                    match query {
                        Query::Load(of) => format!("load {of}"),
                        Query::Commit(changes) => format!("commit {}", changes[0].owner()),
                    }
                }
                Step::Decide(_, pending, have) => {
                    format!("decide {} of {}", pending.trace, have.len())
                }
                Step::Done { item, .. } => format!("done {}", named(&item)),
                Step::Refuse(_, asked, error) => {
                    let condition = crate::xep::error::StanzaError::from(&error).condition;
                    format!("refuse {} {condition:?}", number(&asked))
                }
                Step::Distrust(of) => format!("distrust {of}"),
                Step::Report(Report::StoreFailed { .. }) => "failed".to_owned(),
                Step::Report(report) => format!("{report:?}"),
            });
        }
        words
    }
}

fn named(item: &Item) -> String {
    match item {
        Item::Request(asked) => format!("request {}", number(asked)),
        Item::Pending(pending) => format!("pending {}", pending.trace),
        Item::Forget(event) => format!("forget {}", event.number),
        Item::Found(found) => format!("found {}", found.trace),
        Item::Revoked { event, .. } => format!("revoked {}", event.number),
        Item::RemoveAgain(changes) => format!("{} removals again", changes.len()),
    }
}

fn number(asked: &ClientRequest) -> u64 {
    match asked.reply {
        ReplyTo::Adapter { number, .. } => number,
        ReplyTo::Delegation(_) => 0,
    }
}

/// The push service has ended a registration of alice.
fn end(node: &str) -> Item {
    found(
        node,
        Finding::Over {
            condition: DefinedCondition::Gone,
            is_sudden: false,
        },
    )
}

/// The push service has refused a delivery to a registration of alice.
fn refused(node: &str) -> Item {
    found(
        node,
        Finding::Refused {
            condition: DefinedCondition::BadRequest,
            doubted_at: Timestamp::default(),
            is_sudden: false,
        },
    )
}

fn found(node: &str, finding: Finding) -> Item {
    Item::Found(Found {
        trace: TraceId::new(9),
        target: target(node),
        revision: Revision::new(1),
        finding,
        at: NOW,
    })
}

#[test]
fn a_message_to_an_unknown_user_is_decided_after_one_load() {
    let mut users = Users::new();
    assert_eq!(users.missed("alice", 1), ["load alice@example.org"]);
    assert_eq!(users.accounts.waiting(), 1);
    assert_eq!(users.loads(&["a", "b"]), ["decide 1 of 2"]);
    assert_eq!(users.accounts.waiting(), 0);
    assert!(users.accounts.is_empty());
    assert_eq!(users.accounts.next_deadline(), None);
}

#[test]
fn a_message_to_a_known_user_asks_nothing() {
    let mut users = Users::knowing_alice(&["a"]);
    assert_eq!(users.missed("alice", 1), ["decide 1 of 1"]);
}

#[test]
fn messages_that_wait_for_the_same_load_are_joined() {
    let mut users = Users::new();
    users.missed("alice", 1);
    let newer = Item::Pending(pending(2));
    let absorbed = users
        .accounts
        .push(NOW, &owner("alice"), newer, &users.policy);
    assert_eq!(absorbed, Some(TraceId::new(1)));
    assert_eq!(users.accounts.waiting(), 1);
    assert_eq!(users.loads(&["a"]), ["decide 1 of 1"]);
}

#[test]
fn a_user_without_registrations_is_known_to_have_none() {
    let mut users = Users::knowing_alice(&[]);
    assert_eq!(users.missed("alice", 1), ["decide 1 of 0"]);
}

#[test]
fn requests_of_one_user_are_done_in_order_each_with_its_own_item() {
    let mut users = Users::knowing_alice(&[]);
    assert_eq!(
        users.push("alice", enable("a", 1)),
        ["commit alice@example.org"]
    );
    assert!(users.push("alice", enable("b", 2)).is_empty());
    assert!(users.push("alice", Item::Forget(event(9))).is_empty());
    assert!(users.missed("alice", 3).is_empty());
    let enabled = [Committed::Enabled];
    assert_eq!(
        users.commits(&enabled),
        ["done request 1", "commit alice@example.org"]
    );
    assert_eq!(
        users.commits(&enabled),
        ["done request 2", "commit alice@example.org"]
    );
    let removed = [Committed::Removed(2)];
    assert_eq!(users.commits(&removed), ["done forget 9", "decide 3 of 0"]);
}

#[test]
fn users_do_not_wait_for_each_other() {
    let mut users = Users::new();
    users.missed("alice", 1);
    assert_eq!(users.missed("bob", 2), ["load bob@example.org"]);
}

#[test]
fn an_enabled_registration_is_known_without_another_load() {
    let mut users = Users::knowing_alice(&["a"]);
    users.push("alice", enable("b", 1));
    users.commits(&[Committed::Enabled]);
    assert_eq!(users.missed("alice", 1), ["decide 1 of 2"]);
}

#[test]
fn a_registration_that_nobody_can_open_is_left_out_and_reported() {
    let mut users = Users::new();
    users.missed("alice", 1);
    let mut account = account("alice", &["a", "b"]);
    account.registrations[0].options = PublishOptions::sealed("?");
    let (accounts, corrupt) = (vec![account], 2);
    let loaded = StoreAnswer::Loaded(Loaded { accounts, corrupt });
    let steps = users.answer(Ok(loaded));
    assert!(steps[0].contains("rows: 3"), "{steps:?}");
    assert_eq!(steps[1], "decide 1 of 1");
}

#[test]
fn taking_the_messages_of_a_user_leaves_everything_else_in_order() {
    let mut users = Users::knowing_alice(&[]);
    users.push("alice", enable("a", 1));
    users.missed("alice", 2);
    users.push("alice", Item::Forget(event(3)));
    users.missed("alice", 4);
    users.push("alice", enable("b", 5));
    users.missed("bob", 6);
    let waiting = users.accounts.waiting();
    let taken = users.accounts.take_pending(&owner("alice"));
    let traces: Vec<_> = taken.iter().map(|pending| pending.trace).collect();
    assert_eq!(traces, [TraceId::new(2), TraceId::new(4)]);
    assert_eq!(users.accounts.waiting(), waiting - 2);
    let next = users.commits(&[Committed::Enabled]);
    assert_eq!(next, ["done request 1", "commit alice@example.org"]);
    users.asked.rotate_left(1);
    let next = users.commits(&[Committed::Removed(1)]);
    assert_eq!(next, ["done forget 3", "commit alice@example.org"]);
}

#[test]
fn taking_the_messages_of_a_host_leaves_those_of_others() {
    let mut users = Users::new();
    users.missed("alice", 1);
    let mut other = pending(2);
    other.host = host(1);
    users.push("bob", Item::Pending(other));
    let taken = users.accounts.take_pending_of(host(1));
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].trace, TraceId::new(2));
    assert_eq!(users.accounts.waiting(), 1);
    assert_eq!(users.loads(&[]), ["decide 1 of 0"]);
}

#[test]
fn an_account_whose_messages_were_taken_while_it_loads_is_done_after_that() {
    let mut users = Users::new();
    users.missed("alice", 1);
    users.accounts.take_pending(&owner("alice"));
    assert!(!users.accounts.is_empty(), "a question is asked");
    assert!(users.loads(&[]).is_empty());
    assert!(users.accounts.is_empty());
}

#[test]
fn abandoning_leaves_what_no_adapter_tells_again() {
    let mut users = Users::new();
    let mut without_event = pending(1);
    without_event.holds.clear();
    users.push("alice", Item::Pending(without_event));
    users.missed("bob", 2);
    assert_eq!(users.accounts.abandon(), [event(2)]);
    assert_eq!(users.accounts.waiting(), 1);
    assert_eq!(users.loads(&["a"]), ["decide 1 of 1"]);
}

#[test]
fn what_is_committed_waits_until_the_store_has_answered() {
    let mut users = Users::knowing_alice(&["a"]);
    users.push("alice", enable("b", 1));
    users.push("alice", enable("c", 2));
    assert_eq!(users.accounts.waiting(), 2);
    users.commits(&[Committed::Enabled]);
    assert_eq!(users.accounts.waiting(), 1);
    users.fails();
    assert_eq!(users.accounts.waiting(), 0);
}

#[test]
fn an_abandoned_pause_does_not_end_the_question_of_a_later_request() {
    let mut users = Users::new();
    users.missed("alice", 1);
    users.fails();
    users.accounts.abandon();
    assert_eq!(users.accounts.next_deadline(), None);
    users.push("alice", enable("a", 2));
    users.push("alice", enable("b", 3));
    assert!(users.wait(1).is_empty(), "asked twice at a time");
}

#[test]
fn what_was_loaded_just_now_is_believed_however_short_the_trust_is() {
    let mut users = Users::with(Policy {
        cache_ttl: Some(Duration::ZERO),
        ..Policy::default()
    });
    users.missed("alice", 1);
    assert_eq!(users.loads(&["a"]), ["decide 1 of 1"]);
}
