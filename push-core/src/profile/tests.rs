use super::*;
use crate::Timestamp;
use crate::registration::{Finding, Next, Status, StatusPolicy, Trouble};
use crate::xep::error::{DefinedCondition, ErrorType, StanzaError};
use DefinedCondition as Condition;

const TYPES: [ErrorType; 5] = [
    ErrorType::Auth,
    ErrorType::Cancel,
    ErrorType::Continue,
    ErrorType::Modify,
    ErrorType::Wait,
];

const AT: Timestamp = Timestamp::from_millis(1_790_000_000_000);

/// One letter for each type, in the order of [`TYPES`]: `E`nds, `C`ounts or passes (`.`).
fn letters(profile: &Profile, condition: Condition) -> String {
    let letter = |kind: &ErrorType| match profile.verdict(&StanzaError::new(*kind, condition)) {
        Verdict::Ends => 'E',
        Verdict::Counts => 'C',
        Verdict::Passes => '.',
    };
    TYPES.iter().map(letter).collect()
}

fn profile(name: &str) -> &'static Profile {
    let mut all = Profile::ALL.iter();
    all.find(|profile| profile.name == name).unwrap()
}

/// Applies where the table of a profile says nothing else.
fn usual(condition: Condition) -> &'static str {
    match condition {
        Condition::ItemNotFound
        | Condition::Gone
        | Condition::Forbidden
        | Condition::NotAuthorized => "EE.E.",
        Condition::RemoteServerNotFound
        | Condition::RemoteServerTimeout
        | Condition::ResourceConstraint => ".....",
        _ => "CC.C.",
    }
}

/// The conditions of each profile that differ.
fn different(name: &str, condition: Condition) -> Option<&'static str> {
    match (name, condition) {
        ("fpush", Condition::PolicyViolation) => Some("CE.C."),
        ("p2", Condition::RecipientUnavailable)
        | (
            "tigase",
            Condition::BadRequest | Condition::InternalServerError | Condition::ServiceUnavailable,
        ) => Some("....."),
        ("mongooseim", Condition::NotAcceptable) => Some("CE.C."),
        ("mongooseim", Condition::Forbidden) => Some("CE.E."),
        ("reference", _) => Some(".E..."),
        _ => None,
    }
}

#[test]
fn every_condition_of_every_type_by_every_profile() {
    let names = Profile::ALL.iter().map(|profile| profile.name);
    let names: Vec<_> = names.collect();
    assert_eq!(
        names,
        [
            "xep-default",
            "fpush",
            "p2",
            "mod_push_appserver",
            "tigase",
            "mongooseim",
            "reference"
        ]
    );
    for profile in Profile::ALL {
        for &condition in Condition::ALL {
            let expected = different(profile.name, condition).unwrap_or(usual(condition));
            let found = letters(profile, condition);
            assert_eq!(found, expected, "{} {condition:?}", profile.name);
        }
    }
}

/// The first letter of what becomes of each status at a verdict: `E`nds, `F`ailing, `Q`uarantined or the same (`.`).
#[test]
fn every_verdict_on_every_status() {
    let trouble = Trouble {
        since: AT,
        last: AT,
        days: 1,
        refusals: 1,
    };
    let unreachable = Trouble {
        refusals: 0,
        ..trouble
    };
    let statuses = [
        Status::Active,
        Status::Failing(trouble),
        Status::Failing(unreachable),
        Status::Quarantined(trouble),
    ];
    let next_day = AT.after(std::time::Duration::from_secs(24 * 60 * 60));
    for profile in Profile::ALL {
        for &condition in Condition::ALL {
            for kind in TYPES {
                let verdict = profile.verdict(&StanzaError::new(kind, condition));
                let finding = match verdict {
                    Verdict::Ends => Finding::Over {
                        condition,
                        is_sudden: false,
                    },
                    Verdict::Counts => Finding::Refused {
                        condition,
                        doubted_at: Timestamp::default(),
                        is_sudden: false,
                    },
                    Verdict::Passes => Finding::Answered,
                };
                let policy = StatusPolicy::default();
                let next = statuses.map(|status| match status.next(finding, next_day, &policy) {
                    Next::Ends => 'E',
                    Next::Becomes(Status::Active) => 'A',
                    Next::Becomes(Status::Failing(_)) => 'F',
                    Next::Becomes(Status::Quarantined(_)) => 'Q',
                    Next::Stays => '.',
                    Next::Counts(_) => '?',
                });
                let expected = match verdict {
                    Verdict::Ends => "EEEE",
                    Verdict::Counts => "FFFQ",
                    Verdict::Passes => "..A.",
                };
                let next: String = next.iter().collect();
                assert_eq!(next, expected, "{} {kind:?} {condition:?}", profile.name);
            }
        }
    }
}

#[test]
fn a_text_tells_where_nothing_else_does() {
    let error = StanzaError::new(ErrorType::Modify, Condition::NotAcceptable);
    let default = profile("xep-default");
    assert_eq!(default.verdict(&error), Verdict::Counts);
    let told = error.clone().with_text("406 device-not-registered");
    assert_eq!(default.verdict(&told), Verdict::Ends);
    let waiting = StanzaError {
        kind: ErrorType::Wait,
        ..told
    };
    assert_eq!(default.verdict(&waiting), Verdict::Passes);
}

#[test]
fn a_push_service_has_the_profile_of_the_first_pattern_that_fits() {
    let pattern = |text| JidPattern::read(text).unwrap();
    let profiles = Profiles::new(vec![
        (pattern("a.example.net"), profile("fpush")),
        (pattern("*.example.net"), profile("p2")),
        (pattern("a.example.net"), profile("tigase")),
    ]);
    for (service, name) in [
        ("a.example.net", "fpush"),
        ("b.example.net", "p2"),
        ("example.net", "xep-default"),
    ] {
        let service = BareJid::new(service).unwrap();
        assert_eq!(profiles.of(&service).name, name);
    }
}

#[test]
fn only_two_are_known_to_wake_without_showing() {
    let silent = Profile::ALL.iter().filter(|known| known.understands_silent);
    let names: Vec<_> = silent.map(|known| known.name).collect();
    assert_eq!(names, ["p2", "mod_push_appserver"]);
}
