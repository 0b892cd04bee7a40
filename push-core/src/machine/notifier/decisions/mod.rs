//! Decisions: which missed messages are worth a notification, and which registrations are told.

mod keys;
mod remembered;
#[cfg(test)]
mod tests;
mod told;
mod tries;

use crate::delivery::{Delivery, Notification};
use crate::hash::Seeded;
use crate::ids::TraceId;
use crate::link::MissedMessage;
use crate::machine::values::{
    Arrival, Attempts, Decided, MessageKey, Pending, Queued, Registrations, Retry,
};
use crate::plugin::{Choice, Missed, Plugin, Reason, Situation, Verdict};
use crate::registration::{Registration, Target};
use crate::report::{Decision, PassedOver};
use crate::xep::message::{Message, MessageType};
use crate::xep::summary::Summary;
use crate::{Policy, Timestamp};
use jid::BareJid;
use keys::Keys;
use std::sync::Arc;
use told::Told;
use tries::Tries;

/// Why a registration in quarantine is not told.
const QUARANTINED: &str = "quarantined: one delivery a day";

/// Asks the plugin, and remembers which registrations were told of which messages.
#[derive(Debug)]
pub(super) struct Decisions {
    keys: Keys,
    told: Told,
    tries: Tries,
    last_trace: u64,
}

/// The user a message is for, the plugin that decides, and the time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    plugin: &'a dyn Plugin,
    owner: &'a BareJid,
    now: Timestamp,
}

impl<'a> Context<'a> {
    pub(super) fn new(plugin: &'a dyn Plugin, owner: &'a BareJid, now: Timestamp) -> Self {
        Self { plugin, owner, now }
    }

    /// Returns the domain of the user's server.
    fn host(&self) -> &'a str {
        self.owner.domain().as_str()
    }
}

impl Decisions {
    pub(super) fn new(hash: Seeded) -> Self {
        Self {
            keys: Keys::new(hash),
            told: Told::new(hash),
            tries: Tries::new(hash),
            last_trace: 0,
        }
    }

    /// Names one more missed message.
    pub(super) fn trace(&mut self) -> TraceId {
        self.last_trace += 1;
        TraceId::new(self.last_trace)
    }

    /// Decides whether a missed message is worth a notification: what is pending then, or why it is not.
    pub(super) fn consider(
        &mut self,
        by: Context<'_>,
        arrival: Arrival,
        arrived: MissedMessage<'_>,
    ) -> Result<Pending, Box<(Verdict, Option<Retry>)>> {
        let outer = arrived.message.and_then(Message::read);
        let message = outer.and_then(Message::unwrapped);
        if arrived.message.is_some() && message.is_none_or(|of| of.kind == MessageType::Error) {
            let verdict = Verdict::skip("the user's own, or a bounce");
            return Err(Box::new((verdict, arrival.retry)));
        }
        let missed = Missed {
            host: by.host(),
            resource: arrived.resource,
            sessions: &arrived.sessions,
            message,
            count: arrived.count,
            missed_at: arrived.first.unwrap_or(by.now),
            ..Missed::new(by.owner, arrived.cause, by.now)
        };
        let verdict = by.plugin.should_publish(&missed);
        if !verdict.is_publish() {
            return Err(Box::new((verdict, arrival.retry)));
        }
        let keys = self.keys.of(by.owner, &arrived, outer.zip(message));
        let last = arrived.last.or(arrived.first);
        Ok(Pending {
            trace: arrival.trace,
            host: arrival.host,
            cause: arrived.cause,
            resource: arrived.resource.map(str::to_owned),
            notification: by
                .plugin
                .prepare_notification(&missed.with_reason(verdict.reason())),
            verdict,
            missed_at: missed.missed_at,
            last_missed_at: last.unwrap_or(by.now),
            is_replay: arrived.was.is_some(),
            keys,
            holds: Vec::from_iter(arrival.event),
            retry: arrival.retry,
            sessions: arrived.sessions,
        })
    }

    /// Decides which of the registrations are told. What is to be delivered counts as told from now on.
    pub(super) fn decide(
        &mut self,
        by: Context<'_>,
        pending: &Pending,
        registrations: &Registrations,
        policy: &Policy,
    ) -> Decided {
        let mut decided = Decided::default();
        let situation = Situation {
            host: by.host(),
            resource: pending.resource.as_deref(),
            sessions: &pending.sessions,
            reason: Some(pending.verdict.reason()),
            ..Situation::new(by.owner, pending.cause, registrations, by.now)
        };
        let content = Arc::new(pending.notification.content.clone());
        for registration in registrations.iter() {
            let Some(attempts) = attempts(pending, registration) else {
                continue;
            };
            let notification = &pending.notification;
            let choice = by
                .plugin
                .publish_notification(&situation, notification, registration);
            let (notification, content) = match &choice {
                Choice::Skip(reason) => {
                    decided.pass_over(registration, reason.clone());
                    continue;
                }
                Choice::Publish => (notification, content.clone()),
                Choice::PublishInstead(other) => (&**other, Arc::new(other.content.clone())),
            };
            let news = self.told.news(pending, registration);
            if news.is_empty() && !pending.keys.is_empty() {
                self.told.learn(pending, registration, &news);
                decided.told_before.push(registration.clone());
            } else if self.tries.may_get(by.now, registration) {
                let queued = delivery(by, pending, registration, notification, content, policy);
                decided.deliveries.push(queued.with(attempts, news));
            } else {
                decided.pass_over(registration, QUARANTINED.into());
            }
        }
        for queued in &decided.deliveries {
            let registration = &queued.delivery.registration;
            self.told.learn(pending, registration, &queued.keys);
            self.tries.mark(by.now, registration);
        }
        decided
    }

    /// The registration at `target` was not told of these messages after all.
    pub(super) fn unsent(&mut self, keys: &[MessageKey], target: &Target) {
        self.told.forget(keys, target);
    }

    /// The registration at `target` has yet to be told of these messages: the delivery waits at its adapter.
    pub(super) fn deferred(&mut self, keys: &[MessageKey], target: &Target) {
        self.told.defer(keys, target);
    }

    /// A delivery was given up before it was sent.
    pub(super) fn given_up(&mut self, queued: &Queued) {
        let registration = &queued.delivery.registration;
        self.unsent(&queued.keys, &registration.target);
        self.tries.unmark(registration);
    }

    /// Forgets what was told longer ago than the policy says, or is over its bound.
    pub(super) fn tick(&mut self, now: Timestamp, policy: &Policy) {
        let (window, entries) = (policy.dedupe_window, policy.dedupe_entries);
        self.told.age(now, window, entries);
        self.keys.age(now, window, entries);
    }
}

fn delivery(
    by: Context<'_>,
    pending: &Pending,
    registration: &Arc<Registration>,
    notification: &Notification,
    content: Arc<Summary>,
    policy: &Policy,
) -> Queued {
    let expires_after = notification.expires_after;
    let expires_at = expires_after.map(|after| pending.missed_at.after(after));
    let worthless_at = pending.last_missed_at.after(policy.wakeup_ttl);
    Queued {
        host: pending.host,
        delivery: Delivery {
            trace: pending.trace,
            owner: by.owner.clone(),
            registration: registration.clone(),
            class: notification.class,
            content,
            expires_at: expires_at.map_or(worthless_at, |at| at.min(worthless_at)),
        },
        attempts: Attempts::default(),
        keys: pending.keys.clone(),
        holds: pending.holds.clone(),
        echoes: Vec::new(),
        missed_at: pending.last_missed_at,
        since: by.now,
    }
}

/// Returns how the attempts at the delivery to a registration have gone; none if the message is deferred for others only.
fn attempts(pending: &Pending, registration: &Registration) -> Option<Attempts> {
    let retry = pending.retry.as_ref();
    retry.map_or(Some(Attempts::default()), |retry| {
        retry.attempts(registration)
    })
}

impl Decided {
    fn pass_over(&mut self, registration: &Arc<Registration>, reason: Reason) {
        self.passed_over.push(PassedOver {
            registration: registration.clone(),
            reason,
        });
    }

    /// Returns the decision in one word, for reports.
    pub(super) fn decision(&self) -> Decision {
        match (self.deliveries.len(), self.told_before.len()) {
            (0, 0) => Decision::NotConcerned,
            (0, _) => Decision::Duplicate,
            (count, _) => Decision::Notify(count),
        }
    }
}
