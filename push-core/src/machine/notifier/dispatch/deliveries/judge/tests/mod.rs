mod sudden;

use super::*;
use crate::JidPattern;
use crate::machine::sample::{NOW, host, queued};
use crate::profile::{Profile, Profiles};
use crate::registration::Trouble;
use crate::xep::error::ErrorType;
use std::sync::Arc;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

/// A judge, and what is asked of it by the test.
struct Court {
    judge: Judge,
    policy: Policy,
    now: Timestamp,
    is_healthy: bool,
    identities: (Identity, Identity),
}

impl Court {
    fn new() -> Self {
        Self {
            judge: Judge::new(Seeded::new(1, 2)),
            policy: Policy::default(),
            now: NOW,
            is_healthy: true,
            identities: (Identity::Server, Identity::Server),
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now.after(time);
    }

    /// Returns the finding about the registration of a user that has this status.
    fn judge(&mut self, name: &str, status: Status, outcome: &DeliveryOutcome) -> Option<Finding> {
        let mut delivery = queued(name, "n", 1).delivery;
        let registration = crate::Registration {
            status,
            ..(*delivery.registration).clone()
        };
        delivery.registration = Arc::new(registration);
        let attempt = Attempt {
            host: host(0),
            delivery: &delivery,
            identity: self.identities.0,
            accepted: self.identities.1,
            is_healthy: self.is_healthy,
        };
        self.judge.judge(self.now, attempt, outcome, &self.policy)
    }

    fn active(&mut self, name: &str, outcome: &DeliveryOutcome) -> Option<Finding> {
        self.judge(name, Status::Active, outcome)
    }

    fn accepts(&mut self, name: &str) {
        assert_eq!(self.active(name, &DeliveryOutcome::Accepted), None);
    }
}

fn error(kind: ErrorType, condition: DefinedCondition) -> StanzaError {
    StanzaError::new(kind, condition)
}

fn refused(condition: DefinedCondition) -> DeliveryOutcome {
    DeliveryOutcome::Refused(error(ErrorType::Cancel, condition))
}

fn gone() -> DeliveryOutcome {
    refused(DefinedCondition::Gone)
}

fn bad() -> DeliveryOutcome {
    refused(DefinedCondition::BadRequest)
}

fn over(is_sudden: bool) -> Finding {
    Finding::Over {
        condition: DefinedCondition::Gone,
        is_sudden,
    }
}

fn counts(doubted_at: Timestamp) -> Finding {
    Finding::Refused {
        condition: DefinedCondition::BadRequest,
        doubted_at,
        is_sudden: false,
    }
}

fn trouble(refusals: u32) -> Trouble {
    Trouble {
        since: NOW,
        last: NOW,
        days: 1,
        refusals,
    }
}

#[test]
fn only_the_push_service_itself_ends_a_registration() {
    let mut court = Court::new();
    assert_eq!(court.active("alice", &gone()), Some(over(false)));
    let error = error(ErrorType::Cancel, DefinedCondition::Gone);
    for outcome in [
        DeliveryOutcome::Accepted,
        DeliveryOutcome::Undeliverable(error.clone()),
        DeliveryOutcome::NotSent(error),
        DeliveryOutcome::Foreign,
        DeliveryOutcome::TimedOut,
    ] {
        assert_eq!(court.active("alice", &outcome), None, "{outcome:?}");
    }
}

#[test]
fn an_error_under_another_identity_says_nothing() {
    let mut court = Court::new();
    court.accepts("bob");
    for identities in [
        (Identity::Component, Identity::Server),
        (Identity::Server, Identity::Component),
    ] {
        court.identities = identities;
        assert_eq!(court.active("alice", &gone()), None);
        assert_eq!(court.active("alice", &bad()), None);
    }
    court.identities = (Identity::User, Identity::User);
    assert_eq!(court.active("alice", &gone()), Some(over(false)));
    // It may be the user's server that does not allow it.
    assert_eq!(
        court.active("alice", &refused(DefinedCondition::NotAllowed)),
        None
    );
    court.identities = (Identity::Server, Identity::Server);
    assert!(
        court
            .active("alice", &refused(DefinedCondition::NotAllowed))
            .is_some()
    );
}

#[test]
fn the_profile_of_the_push_service_tells_what_its_errors_mean() {
    let mut court = Court::new();
    court.accepts("bob");
    let blocked = refused(DefinedCondition::PolicyViolation);
    assert!(matches!(
        court.active("alice", &blocked),
        Some(Finding::Refused { .. })
    ));
    let fpush = Profile::ALL
        .iter()
        .find(|profile| profile.name == "fpush")
        .unwrap();
    let pattern = JidPattern::read("push.example.net").unwrap();
    court.policy.profiles = Profiles::new(vec![(pattern, fpush)]);
    assert!(matches!(
        court.active("alice", &blocked),
        Some(Finding::Over { .. })
    ));
}

#[test]
fn refusals_count_only_while_others_are_accepted() {
    let mut court = Court::new();
    assert_eq!(
        court.active("alice", &bad()),
        None,
        "nobody is known to be accepted"
    );
    court.accepts("alice");
    assert_eq!(court.active("alice", &bad()), None, "only she herself is");
    let doubted = court.now;
    court.pass(HOUR);
    court.accepts("bob");
    court.accepts("alice");
    assert_eq!(court.active("alice", &bad()), Some(counts(doubted)));
    court.pass(23 * HOUR);
    assert_eq!(court.active("alice", &bad()), Some(counts(doubted)));
    court.pass(HOUR);
    assert_eq!(court.active("alice", &bad()), None, "it is too long ago");
}

#[test]
fn a_push_service_that_refuses_everybody_is_not_judged() {
    let mut court = Court::new();
    court.accepts("bob");
    for user in 0..5 {
        for _ in 0..9 {
            assert!(
                court.active(&format!("u{user}"), &bad()).is_some(),
                "{user}"
            );
        }
    }
    assert_eq!(court.active("alice", &bad()), None);
    assert_eq!(court.active("u0", &bad()), None);
    court.pass(HOUR);
    court.accepts("carol");
    let counts = Some(counts(Timestamp::default()));
    assert_eq!(
        court.active("alice", &bad()),
        counts,
        "for one hour nobody is in doubt"
    );
}

#[test]
fn ten_accounts_that_provoke_errors_are_few_among_many_users() {
    let mut court = Court::new();
    for user in 0..60 {
        court.accepts(&format!("u{user}"));
    }
    for number in 0..10 {
        let poisoner = format!("mallory{number}");
        court.active(&poisoner, &bad());
        court.active(&poisoner, &gone());
    }
    assert_eq!(
        court.active("alice", &bad()),
        Some(counts(Timestamp::default()))
    );
    assert_eq!(court.active("alice", &gone()), Some(over(false)));
}

#[test]
fn nothing_is_judged_while_the_push_service_is_not_healthy() {
    let mut court = Court::new();
    court.accepts("bob");
    court.is_healthy = false;
    assert_eq!(court.active("alice", &bad()), None);
    assert_eq!(court.active("alice", &gone()), None);
    let doubted = court.now;
    court.is_healthy = true;
    assert_eq!(court.active("alice", &bad()), Some(counts(doubted)));
    assert_eq!(court.active("alice", &gone()), Some(over(false)));
}

#[test]
fn an_acceptance_makes_active_what_was_not() {
    let mut court = Court::new();
    for status in [
        Status::Failing(trouble(1)),
        Status::Failing(trouble(0)),
        Status::Quarantined(trouble(3)),
    ] {
        let found = court.judge("alice", status, &DeliveryOutcome::Accepted);
        assert_eq!(found, Some(Finding::Accepted));
    }
}

#[test]
fn any_answer_shows_that_the_push_service_can_be_reached() {
    let mut court = Court::new();
    let busy = error(ErrorType::Wait, DefinedCondition::ResourceConstraint);
    let busy = DeliveryOutcome::Refused(busy);
    let unreachable = Status::Failing(trouble(0));
    assert_eq!(
        court.judge("alice", unreachable, &busy),
        Some(Finding::Answered)
    );
    assert_eq!(
        court.judge("alice", Status::Failing(trouble(1)), &busy),
        None
    );
    assert_eq!(
        court.judge("alice", Status::Quarantined(trouble(1)), &busy),
        None
    );
}

#[test]
fn a_push_service_is_unreachable_after_a_day_in_which_it_answered_nobody() {
    let silent = [
        DeliveryOutcome::TimedOut,
        DeliveryOutcome::Undeliverable(error(
            ErrorType::Cancel,
            DefinedCondition::RemoteServerNotFound,
        )),
        refused(DefinedCondition::RemoteServerTimeout),
    ];
    for outcome in silent {
        let mut court = Court::new();
        court.accepts("bob");
        let reached_at = court.now;
        court.pass(90 * HOUR);
        assert_eq!(court.active("alice", &outcome), None, "{outcome:?}");
        court.pass(23 * HOUR);
        assert_eq!(court.active("alice", &outcome), None, "{outcome:?}");
        court.pass(HOUR);
        let unreachable = Some(Finding::Unreachable { reached_at });
        assert_eq!(court.active("alice", &outcome), unreachable);
        court.is_healthy = false;
        let left_alone = court.active("alice", &outcome);
        assert_eq!(left_alone, unreachable, "the breaker is open for ever");
        court.is_healthy = true;
        court.accepts("bob");
        assert_eq!(court.active("alice", &outcome), None);
    }
}

#[test]
fn what_is_known_of_push_services_is_bounded_and_the_one_in_use_is_kept() {
    let mut court = Court::new();
    for n in 0..3 * MAX_DOMAINS {
        if n % 5_000 == 0 {
            court.accepts("bob");
        }
        court.judge.domain(host(0), &format!("d{n}.example.net"));
    }
    assert!(court.active("alice", &bad()).is_some());
}

#[test]
fn what_one_host_s_users_met_says_nothing_about_another_s() {
    let mut court = Court::new();
    court.accepts("bob");
    let name = "push.example.net";
    let whose = Whose::new(1, 1);
    let domain = court.judge.domain(host(1), name);
    assert!(!domain.accepts_others(NOW, whose));
    let domain = court.judge.domain(host(0), name);
    assert!(domain.accepts_others(NOW, whose));
}
