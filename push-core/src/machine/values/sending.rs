//! Attempts at deliveries.

use super::notification::Queued;
use crate::action::{Outbound, OwnPublish};
use crate::delivery::{Delivery, DeliveryOutcome, Route};
use crate::ids::{DeliveryId, HostId, ServiceKey, Slot};
use crate::link::ToAdapter;
use crate::machine::deadlines::Key;
use crate::registration::{Finding, Identity};
use crate::xep::error::DefinedCondition;
use std::time::Duration;

/// A delivery that is to be written to its route now.
#[derive(Debug)]
pub(in crate::machine) struct Sending {
    pub(in crate::machine) id: DeliveryId,
    pub(in crate::machine) delivery: Delivery,
    pub(in crate::machine) route: Route,
}

impl Sending {
    /// Returns the host whose adapter carries it; none if that is an IQ of our own.
    pub(in crate::machine) fn adapter(&self) -> Option<HostId> {
        match self.id {
            DeliveryId::Adapter(host, _) => Some(host),
            DeliveryId::Own(_) => None,
        }
    }

    /// Returns what the adapter is told, which waits for an answer for `timeout`.
    pub(in crate::machine) fn into_publish(self, timeout: Duration) -> ToAdapter {
        let (DeliveryId::Adapter(_, number) | DeliveryId::Own(number)) = self.id;
        ToAdapter::Publish {
            number,
            timeout: timeout.as_secs(),
            class: self.delivery.class,
            owner: self.delivery.owner,
            registration: self.delivery.registration,
            summary: self.delivery.content,
        }
    }

    /// Returns the IQ of our own; its id begins with the name of this run.
    pub(in crate::machine) fn into_own(self, component: &str, instance: &str) -> Outbound {
        let (DeliveryId::Adapter(_, number) | DeliveryId::Own(number)) = self.id;
        let delivery = self.delivery;
        Outbound::Publish(OwnPublish {
            component: component.into(),
            user: (self.route == Route::Privileged).then_some(delivery.owner),
            id: format!("{instance}-{number}"),
            registration: delivery.registration,
            summary: delivery.content,
        })
    }
}

/// An attempt at a delivery that has an outcome, to be judged.
#[derive(Clone, Copy, Debug)]
pub(in crate::machine) struct Attempt<'a> {
    pub(in crate::machine) host: HostId,
    pub(in crate::machine) delivery: &'a Delivery,
    /// Who it was from.
    pub(in crate::machine) identity: Identity,
    /// The identity under which the push service last accepted one, else that of the enable.
    pub(in crate::machine) accepted: Identity,
    /// Whether its breaker is closed; while it is open, no refusal counts against a registration.
    pub(in crate::machine) is_healthy: bool,
}

/// A push service fares otherwise than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::machine) enum HealthChange {
    /// It works again.
    Better {
        /// It had been left alone.
        was_open: bool,
    },
    /// It is left alone for so long.
    Worse { pause: Duration },
}

/// A delivery that is no longer in flight.
#[derive(Debug)]
pub(in crate::machine) struct Finished {
    pub(in crate::machine) outcome: DeliveryOutcome,
    pub(in crate::machine) queued: Queued,
    /// From handing it to the stream to the end.
    pub(in crate::machine) latency: Duration,
    /// The finding about the registration, if anything follows from it.
    pub(in crate::machine) finding: Option<Finding>,
    pub(in crate::machine) place: Place,
    pub(in crate::machine) health: Option<HealthChange>,
    pub(in crate::machine) next: AfterAttempt,
}

/// The next step for a delivery after an attempt at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::machine) enum AfterAttempt {
    /// It is over.
    Over,
    /// It is sent again: nobody can know whether it was sent.
    Again,
    /// It is sent again in a moment: its route had no room.
    NoRoom,
    /// It is sent again after a pause: it has failed in a way that passes.
    Retry,
}

impl AfterAttempt {
    /// Returns what follows an outcome; `passes` if another attempt may succeed, `is_gone` if the registration is gone.
    pub(in crate::machine) fn of(outcome: &DeliveryOutcome, passes: bool, is_gone: bool) -> Self {
        let busy = DefinedCondition::ResourceConstraint;
        match outcome {
            _ if is_gone => Self::Over,
            DeliveryOutcome::NotSent(error) if error.condition == busy => Self::NoRoom,
            _ if passes => Self::Retry,
            _ => Self::Over,
        }
    }
}

/// The places that an attempt takes up.
#[derive(Clone, Copy, Debug)]
pub(in crate::machine) struct Place {
    pub(in crate::machine) service: ServiceKey,
    pub(in crate::machine) slot: Slot,
    pub(in crate::machine) route: Route,
    /// Of the places of push services that have proved nothing, if it takes one.
    pub(in crate::machine) unproven: Option<Key>,
}

impl Place {
    /// Returns what an attempt takes up of which no more is known.
    pub(in crate::machine) fn new(service: ServiceKey, slot: Slot, route: Route) -> Self {
        Self {
            service,
            slot,
            route,
            unproven: None,
        }
    }
}

impl Finished {
    /// Returns whether it may have reached the push service.
    pub(in crate::machine) fn was_sent(&self) -> bool {
        use DeliveryOutcome::{NotSent, Undeliverable};
        !matches!(self.outcome, NotSent(_) | Undeliverable(_))
    }
}
