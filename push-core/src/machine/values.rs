//! Records that travel between the parts. They are plain: whoever holds one may read and change it.

use crate::Timestamp;
use crate::action::{Outbound, OwnPublish, Query};
use crate::delivery::{Delivery, DeliveryOutcome, Notification, Route};
use crate::ids::{DeliveryId, EventHold, HostId, QueryId, TraceId};
use crate::link::ToAdapter;
use crate::plugin::Reason;
use crate::registration::{
    Finding, Identity, Next, Registration, Revision, Status, StatusPolicy, Target,
};
use crate::report::{PassedOver, Report};
use crate::session::{Cause, Session};
use crate::settings::IdentityChoice;
use crate::store::{Change, Guard};
use crate::xep::delegation::DelegatedAnswer;
use crate::xep::error::StanzaError;
use crate::xep::push::{Request, RequestError};
use crate::xep::summary::Summary;
use jid::BareJid;
use std::sync::Arc;
use std::time::Duration;

/// Keys kept of the messages that are joined into one notification; the newest stay.
const MAX_KEYS: usize = 20;

/// A change of what is connected, or of what it offers.
#[derive(Clone, Copy, Debug)]
pub(super) enum RouteEvent<'a> {
    StreamUp,
    StreamDown,
    /// The adapter of a host is attached, and has what was published in this run up to this number.
    Attached(HostId, u64),
    Detached(HostId),
    /// Something came from the adapter of a host.
    Heard(HostId),
    /// A host, with this domain, lets us publish under an identity.
    Offered(HostId, &'a str, Identity),
    /// The operator has chosen.
    Chosen(IdentityChoice),
}

/// Something that follows from what has happened; effects are carried out in order.
#[derive(Debug)]
pub(super) enum Effect {
    /// Ask the store.
    Ask(QueryId, Query),
    /// Send a delivery.
    Send(Sending),
    /// Nothing is left to do for these events.
    Acknowledge(Vec<EventHold>),
    /// This user has registrations now (or may have), or has none.
    User(BareJid, bool),
    /// Answer a client's request.
    Answer(ReplyTo, Result<(), StanzaError>),
    Report(Report),
}

/// A client's request as it came, which may be refused at once.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) owner: BareJid,
    pub(super) resource: Option<String>,
    pub(super) request: Result<Request, RequestError>,
    pub(super) reply: ReplyTo,
}

/// Recognises one message of one user, hashed with a secret key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MessageKey {
    /// The id the owner's archive gave it (XEP-0359), where it has one.
    pub(super) archive: Option<u64>,
    /// Sender, id and type; sender, type and content where there is no id.
    pub(super) sender: u64,
}

/// Missed messages of one user that are worth one notification, until it is decided which registrations get it.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) trace: TraceId,
    pub(super) host: HostId,
    pub(super) cause: Cause,
    pub(super) resource: Option<String>,
    pub(super) sessions: Vec<Session>,
    pub(super) notification: Notification,
    /// Why it is worth one.
    pub(super) rule: Reason,
    pub(super) missed_at: Timestamp,
    pub(super) keys: Vec<MessageKey>,
    pub(super) holds: Vec<EventHold>,
}

impl Pending {
    /// Returns whether `newer` tells of the same session, for the same cause.
    pub(super) fn is_like(&self, newer: &Self) -> bool {
        (self.host, self.cause, self.notification.class)
            == (newer.host, newer.cause, newer.notification.class)
            && self.resource == newer.resource
    }

    /// Takes the newer content and counts the messages of both.
    pub(super) fn absorb(&mut self, newer: Self) {
        let count = counted(&self.notification.content, &newer.notification.content);
        self.notification = newer.notification;
        self.notification.content.message_count = count;
        self.sessions = newer.sessions;
        self.holds.extend(newer.holds);
        self.keys.extend(newer.keys);
        newest(&mut self.keys);
    }
}

/// Who is told of a missed message.
#[derive(Debug, Default)]
pub(super) struct Decided {
    pub(super) deliveries: Vec<Queued>,
    /// Those that were told of it before.
    pub(super) told_before: Vec<Arc<Registration>>,
    pub(super) passed_over: Vec<PassedOver>,
}

/// A delivery with what has to be settled when it ends.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) host: HostId,
    pub(super) delivery: Delivery,
    pub(super) keys: Vec<MessageKey>,
    pub(super) holds: Vec<EventHold>,
    /// When it was decided.
    pub(super) since: Timestamp,
}

impl Queued {
    /// Returns whether one of these messages is among those it tells of.
    pub(super) fn tells_of(&self, messages: &[MessageKey]) -> bool {
        self.keys.iter().any(|told| {
            let is_same = |of: &MessageKey| {
                told.sender == of.sender || told.archive.is_some() && told.archive == of.archive
            };
            messages.iter().any(is_same)
        })
    }

    /// Takes the newer content and registration, and counts the messages of both. Returns the keys that found no room.
    pub(super) fn absorb(&mut self, newer: Self) -> Vec<MessageKey> {
        self.delivery = Delivery {
            trace: self.delivery.trace,
            content: joined(&self.delivery.content, &newer.delivery.content),
            ..newer.delivery
        };
        self.keys.extend(newer.keys);
        self.holds.extend(newer.holds);
        newest(&mut self.keys)
    }
}

/// Returns the newer content with the messages of both counted.
fn joined(older: &Summary, newer: &Arc<Summary>) -> Arc<Summary> {
    let message_count = counted(older, newer);
    Arc::new(Summary {
        message_count,
        ..(**newer).clone()
    })
}

fn counted(older: &Summary, newer: &Summary) -> Option<u64> {
    let both = older.message_count.zip(newer.message_count);
    let sum = both.map(|(older, newer)| older.saturating_add(newer));
    sum.or(newer.message_count)
}

/// Keeps the newest keys. Returns the others.
fn newest(keys: &mut Vec<MessageKey>) -> Vec<MessageKey> {
    let over = keys.len().saturating_sub(MAX_KEYS);
    keys.drain(..over).collect()
}

/// A delivery that is to be written to its route now.
#[derive(Debug)]
pub(super) struct Sending {
    pub(super) id: DeliveryId,
    pub(super) delivery: Delivery,
    pub(super) route: Route,
}

impl Sending {
    /// Returns the host whose adapter carries it; none if that is an IQ of our own.
    pub(super) fn adapter(&self) -> Option<HostId> {
        match self.id {
            DeliveryId::Adapter(host, _) => Some(host),
            DeliveryId::Own(_) => None,
        }
    }

    /// Returns what the adapter is told, which waits for an answer for `timeout`.
    pub(super) fn into_publish(self, timeout: Duration) -> ToAdapter {
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
    pub(super) fn into_own(self, component: &str, instance: &str) -> Outbound {
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
pub(super) struct Attempt<'a> {
    pub(super) host: HostId,
    pub(super) delivery: &'a Delivery,
    /// Who it was from.
    pub(super) identity: Identity,
    /// The identity under which the push service last accepted one, else that of the enable.
    pub(super) accepted: Identity,
    /// Whether the push service is in good health; while it is not, nothing is judged.
    pub(super) is_healthy: bool,
}

/// A delivery that is no longer in flight.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) outcome: DeliveryOutcome,
    pub(super) queued: Queued,
    pub(super) route: Route,
    /// From handing it to the stream to the end.
    pub(super) latency: Duration,
    /// The finding about the registration, if anything follows from it.
    pub(super) finding: Option<Finding>,
    /// It has to be sent again.
    pub(super) again: bool,
    /// Its route has no room for more.
    pub(super) no_room: bool,
}

impl Finished {
    /// Returns whether it may have reached the push service.
    pub(super) fn was_sent(&self) -> bool {
        use DeliveryOutcome::{NotSent, Undeliverable};
        !matches!(self.outcome, NotSent(_) | Undeliverable(_))
    }
}

/// Something to do for one user, in order.
#[derive(Debug)]
pub(super) enum Item {
    /// A client's request.
    Request(ClientRequest),
    /// A missed message.
    Pending(Pending),
    /// The account was deleted or registered anew: everything known of it goes.
    Forget(EventHold),
    /// Something was found out about a registration.
    Found(Found),
    /// A push service has told that it no longer serves a user's registration (XEP-0357 §8).
    Revoked { change: Change, event: EventHold },
    /// Removals that a late commit may have undone.
    RemoveAgain(Vec<Change>),
}

/// Something that was found out about the registration a delivery was for.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) trace: TraceId,
    pub(super) target: Target,
    /// A later enable is another registration.
    pub(super) revision: Revision,
    pub(super) finding: Finding,
    pub(super) at: Timestamp,
}

impl Found {
    pub(super) fn new(at: Timestamp, delivery: &Delivery, finding: Finding) -> Self {
        Self {
            trace: delivery.trace,
            target: delivery.registration.target.clone(),
            revision: delivery.registration.revision,
            finding,
            at,
        }
    }

    /// Returns what becomes of the registration.
    pub(super) fn next(&self, registration: &Registration, policy: &StatusPolicy) -> Next {
        registration.status.next(self.finding, self.at, policy)
    }

    /// Returns the change of a status.
    pub(super) fn settle(&self, owner: &BareJid, status: Status) -> Change {
        Change::Settle {
            owner: owner.clone(),
            target: self.target.clone(),
            revision: self.revision,
            status,
        }
    }

    /// Returns the removal of the registration.
    pub(super) fn end(&self, owner: &BareJid) -> Change {
        Change::Remove {
            owner: owner.clone(),
            target: self.target.clone(),
            guard: Guard::Exactly(self.revision),
        }
    }
}

impl Item {
    /// Returns the changes it stands for, if those do not depend on the account.
    pub(super) fn changes(&self) -> Option<Vec<Change>> {
        match self {
            Self::Revoked { change, .. } => Some(vec![change.clone()]),
            Self::RemoveAgain(changes) => Some(changes.clone()),
            Self::Request(_) | Self::Pending(_) | Self::Forget(_) | Self::Found(_) => None,
        }
    }

    /// Returns whether its changes have a revision of their own.
    pub(super) fn draws_revision(&self) -> bool {
        matches!(self, Self::Request(_) | Self::Forget(_))
    }

    /// Returns what follows the missed message in it.
    pub(super) fn trace(&self) -> Option<TraceId> {
        match self {
            Self::Pending(pending) => Some(pending.trace),
            _ => None,
        }
    }
}

/// A client's enable or disable.
#[derive(Debug)]
pub(super) struct ClientRequest {
    pub(super) request: Request,
    pub(super) resource: Option<String>,
    /// Who publishes for this user are from.
    pub(super) identity: Identity,
    pub(super) reply: ReplyTo,
    /// An enable replaces the registration of the same target.
    pub(super) replaces: bool,
}

impl ClientRequest {
    pub(super) fn new(
        request: Request,
        resource: Option<String>,
        identity: Identity,
        reply: ReplyTo,
    ) -> Self {
        Self {
            request,
            resource,
            identity,
            reply,
            replaces: false,
        }
    }
}

/// Who waits for the answer to a client's request.
#[derive(Debug)]
pub(super) enum ReplyTo {
    /// The adapter of a host.
    Adapter {
        host: HostId,
        /// Which of the adapter's epochs the number belongs to.
        generation: u32,
        number: u64,
    },
    /// A server that delegates; the answer is complete but for what it says.
    Delegation(Box<DelegatedAnswer>),
}

/// The registrations of a user, sorted by target. Cheap to clone.
pub(super) type Registrations = Arc<Vec<Arc<Registration>>>;
