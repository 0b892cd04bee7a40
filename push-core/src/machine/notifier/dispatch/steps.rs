//! The consequences of what has happened to deliveries, in order.

use super::super::reports;
use super::events::Settled;
use crate::ids::{HostId, ServiceKey};
use crate::machine::values::{Effect, Found, MessageKey, Parked, Queued, TakenOff};
use crate::registration::Registration;
use crate::report::{DeferredEnd, Report};
use jid::BareJid;
use std::collections::VecDeque;
use std::sync::Arc;

/// Something that follows.
#[derive(Debug)]
pub(in super::super) enum Step {
    Effect(Effect),
    /// This registration was not told of these messages after all.
    Untold(Vec<MessageKey>, Arc<Registration>),
    /// This registration has yet to be told of these messages: the delivery waits at its adapter.
    Deferred(Vec<MessageKey>, Arc<Registration>),
    /// This delivery was given up before it was sent.
    GivenUp(Box<Queued>),
    /// Something was found out about a registration of this user.
    Found(BareJid, Found),
}

/// Everything that follows and nobody has taken yet.
#[derive(Debug, Default)]
pub(super) struct Steps(VecDeque<Step>);

impl Steps {
    pub(super) fn push(&mut self, step: Step) {
        self.0.push_back(step);
    }

    pub(super) fn effects(&mut self, effects: impl IntoIterator<Item = Effect>) {
        self.0.extend(effects.into_iter().map(Step::Effect));
    }

    pub(super) fn effect(&mut self, effect: Effect) {
        self.push(Step::Effect(effect));
    }

    pub(super) fn report(&mut self, report: Report) {
        self.effect(Effect::Report(report));
    }

    pub(super) fn untold(&mut self, keys: Vec<MessageKey>, registration: Arc<Registration>) {
        if !keys.is_empty() {
            self.push(Step::Untold(keys, registration));
        }
    }

    pub(super) fn all_untold(&mut self, parked: Vec<Parked>) {
        for parked in parked {
            self.untold(parked.keys, parked.registration);
        }
    }

    /// Takes what has become of events. Returns the push services that some of them wait for now.
    pub(super) fn settle(&mut self, settled: Vec<Settled>) -> Vec<(HostId, ServiceKey)> {
        let (mut done, mut awaited) = (Vec::new(), Vec::new());
        for settled in settled {
            match settled {
                Settled::Done(event) => done.push(event),
                Settled::Deferred(deferral, services) => {
                    let host = deferral.event.host;
                    awaited.extend(services.into_iter().map(|service| (host, service)));
                    self.effect(Effect::Defer(deferral));
                }
                Settled::Dropped(dropped) => self.end_deferred(&dropped, DeferredEnd::Dropped),
            }
        }
        if !done.is_empty() {
            self.effect(Effect::Acknowledge(done));
        }
        awaited
    }

    /// Deferred deliveries are over, and nobody was told.
    pub(super) fn end_deferred(&mut self, taken: &TakenOff, end: DeferredEnd) {
        for parked in &taken.parked {
            self.report(reports::deferred_end(parked, end));
        }
        if taken.is_over {
            self.effect(Effect::Acknowledge(vec![taken.event]));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn pop(&mut self) -> Option<Step> {
        self.0.pop_front()
    }
}
