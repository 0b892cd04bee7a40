//! The meaning of a push service's answer for the registration.

use crate::delivery::DeliveryOutcome;
use crate::registration::Identity;
use crate::xep::error::{DefinedCondition, ErrorType, StanzaError};

/// Returns the condition that ends a registration, if the outcome of a delivery made under `identity` does. `accepted` is the
/// identity under which the push service last accepted one, else that of the enable.
///
/// Only the push service itself can end a registration, and only when it spoke to the identity it knows: a push service that
/// sees another domain answers item-not-found.
pub(super) fn ends_registration(
    outcome: &DeliveryOutcome,
    identity: Identity,
    accepted: Identity,
) -> Option<DefinedCondition> {
    match outcome {
        DeliveryOutcome::Refused(error) if identity == accepted => {
            ends(error, identity).then_some(error.condition)
        }
        _ => None,
    }
}

fn ends(error: &StanzaError, identity: Identity) -> bool {
    use DefinedCondition as Condition;
    match (error.kind, error.condition) {
        (ErrorType::Wait, _) => false,
        (
            _,
            Condition::RemoteServerNotFound
            | Condition::RemoteServerTimeout
            | Condition::ServiceUnavailable,
        ) => false,
        // Prosody's own bounce when it has no s2s; only an adapter can tell it from the push service's.
        (_, Condition::NotAllowed) if identity != Identity::Server => false,
        (
            _,
            Condition::ItemNotFound
            | Condition::Gone
            | Condition::Forbidden
            | Condition::NotAuthorized,
        ) => true,
        (ErrorType::Cancel, _) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(outcome: &DeliveryOutcome, identity: Identity, accepted: Identity) -> bool {
        ends_registration(outcome, identity, accepted).is_some()
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
                let outcome = DeliveryOutcome::Refused(StanzaError::new(kind, condition));
                let found = ends_registration(&outcome, Identity::Server, Identity::Server);
                assert_eq!(found, ends.then_some(condition), "{kind:?} {condition:?}");
            }
        }
    }

    #[test]
    fn only_the_push_service_itself_ends_a_registration() {
        let error = StanzaError::new(ErrorType::Cancel, DefinedCondition::ItemNotFound);
        let others = [
            DeliveryOutcome::Accepted,
            DeliveryOutcome::Undeliverable(error.clone()),
            DeliveryOutcome::NotSent(error),
            DeliveryOutcome::Foreign,
            DeliveryOutcome::TimedOut,
        ];
        for outcome in others {
            assert!(
                !ends(&outcome, Identity::Server, Identity::Server),
                "{outcome:?}"
            );
        }
    }

    #[test]
    fn an_error_under_another_identity_ends_nothing() {
        let error = StanzaError::new(ErrorType::Cancel, DefinedCondition::ItemNotFound);
        let outcome = DeliveryOutcome::Refused(error);
        assert!(!ends(&outcome, Identity::Component, Identity::Server));
        assert!(!ends(&outcome, Identity::Server, Identity::Component));
        assert!(ends(&outcome, Identity::User, Identity::User));
    }
}
