//! What a push service's answer means for the registration.

use crate::link::Outcome;
use crate::registration::Identity;
use crate::xep::error::{DefinedCondition, ErrorType, StanzaError};

/// What becomes of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It stays.
    Keep,
    /// It has ended.
    Remove,
}

/// Judges the outcome of a publish made under `identity`, for a registration whose push service last accepted (or was
/// enabled under) `accepted`.
///
/// Only the push service itself can end a registration, and only when it spoke to the identity it knows: a push service that sees
/// another domain answers item-not-found.
pub(super) fn judge(outcome: &Outcome, identity: Identity, accepted: Identity) -> Verdict {
    match outcome {
        Outcome::Refused(error) if identity == accepted => refused(error, identity),
        _ => Verdict::Keep,
    }
}

fn refused(error: &StanzaError, identity: Identity) -> Verdict {
    use DefinedCondition as Condition;
    match (error.kind, error.condition) {
        (ErrorType::Wait, _) => Verdict::Keep,
        (
            _,
            Condition::RemoteServerNotFound
            | Condition::RemoteServerTimeout
            | Condition::ServiceUnavailable,
        ) => Verdict::Keep,
        // Prosody's own bounce when it has no s2s; only an adapter can tell it from the push service's.
        (_, Condition::NotAllowed) if identity != Identity::Server => Verdict::Keep,
        (
            _,
            Condition::ItemNotFound
            | Condition::Gone
            | Condition::Forbidden
            | Condition::NotAuthorized,
        ) => Verdict::Remove,
        (ErrorType::Cancel, _) => Verdict::Remove,
        _ => Verdict::Keep,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(kind: ErrorType, condition: DefinedCondition) -> Verdict {
        let outcome = Outcome::Refused(StanzaError::new(kind, condition));
        judge(&outcome, Identity::Server, Identity::Server)
    }

    #[test]
    fn every_condition_and_type() {
        use {DefinedCondition as Condition, ErrorType as Type};
        let gone = [
            Condition::ItemNotFound,
            Condition::Gone,
            Condition::Forbidden,
            Condition::NotAuthorized,
        ];
        let unreachable = [
            Condition::RemoteServerNotFound,
            Condition::RemoteServerTimeout,
            Condition::ServiceUnavailable,
        ];
        for &condition in Condition::ALL {
            for kind in [
                Type::Auth,
                Type::Cancel,
                Type::Continue,
                Type::Modify,
                Type::Wait,
            ] {
                let ends = kind != Type::Wait
                    && !unreachable.contains(&condition)
                    && (kind == Type::Cancel || gone.contains(&condition));
                let expected = if ends { Verdict::Remove } else { Verdict::Keep };
                assert_eq!(verdict(kind, condition), expected, "{kind:?} {condition:?}");
            }
        }
    }

    #[test]
    fn only_the_push_service_itself_ends_a_registration() {
        let error = StanzaError::new(ErrorType::Cancel, DefinedCondition::ItemNotFound);
        let others = [
            Outcome::Done,
            Outcome::Undeliverable(error.clone()),
            Outcome::LinkError(error),
            Outcome::Foreign,
            Outcome::TimedOut,
        ];
        for outcome in others {
            assert_eq!(
                judge(&outcome, Identity::Server, Identity::Server),
                Verdict::Keep,
                "{outcome:?}"
            );
        }
    }

    #[test]
    fn an_error_under_another_identity_ends_nothing() {
        let error = StanzaError::new(ErrorType::Cancel, DefinedCondition::ItemNotFound);
        let outcome = Outcome::Refused(error);
        assert_eq!(
            judge(&outcome, Identity::Component, Identity::Server),
            Verdict::Keep
        );
        assert_eq!(
            judge(&outcome, Identity::Server, Identity::Component),
            Verdict::Keep
        );
        assert_eq!(
            judge(&outcome, Identity::User, Identity::User),
            Verdict::Remove
        );
    }
}
