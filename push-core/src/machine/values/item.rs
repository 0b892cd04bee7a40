//! Things to do for one user.

use super::notification::Pending;
use crate::Timestamp;
use crate::delivery::Delivery;
use crate::ids::{EventHold, HostId, TraceId};
use crate::registration::{
    Finding, Identity, Next, Registration, Revision, Status, StatusPolicy, Target,
};
use crate::store::{Change, Guard};
use crate::xep::delegation::DelegatedAnswer;
use crate::xep::push::{Request, RequestError};
use jid::BareJid;
use std::sync::Arc;

/// A client's request as it came, which may be refused at once.
#[derive(Debug)]
pub(in crate::machine) struct Asked {
    pub(in crate::machine) owner: BareJid,
    pub(in crate::machine) resource: Option<String>,
    pub(in crate::machine) request: Result<Request, RequestError>,
    pub(in crate::machine) reply: ReplyTo,
}

/// Something to do for one user, in order.
#[derive(Debug)]
pub(in crate::machine) enum Item {
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
pub(in crate::machine) struct Found {
    pub(in crate::machine) trace: TraceId,
    pub(in crate::machine) target: Target,
    /// A later enable is another registration.
    pub(in crate::machine) revision: Revision,
    pub(in crate::machine) finding: Finding,
    pub(in crate::machine) at: Timestamp,
}

impl Found {
    pub(in crate::machine) fn new(at: Timestamp, delivery: &Delivery, finding: Finding) -> Self {
        Self {
            trace: delivery.trace,
            target: delivery.registration.target.clone(),
            revision: delivery.registration.revision,
            finding,
            at,
        }
    }

    /// Returns what becomes of the registration.
    pub(in crate::machine) fn next(
        &self,
        registration: &Registration,
        policy: &StatusPolicy,
    ) -> Next {
        registration.status.next(self.finding, self.at, policy)
    }

    /// Returns the change of a status.
    pub(in crate::machine) fn settle(&self, owner: &BareJid, status: Status) -> Change {
        Change::Settle {
            owner: owner.clone(),
            target: self.target.clone(),
            revision: self.revision,
            status,
        }
    }

    /// Returns the removal of the registration.
    pub(in crate::machine) fn end(&self, owner: &BareJid) -> Change {
        Change::Remove {
            owner: owner.clone(),
            target: self.target.clone(),
            guard: Guard::Exactly(self.revision),
        }
    }
}

impl Item {
    /// Returns the changes it stands for, if those do not depend on the account.
    pub(in crate::machine) fn changes(&self) -> Option<Vec<Change>> {
        match self {
            Self::Revoked { change, .. } => Some(vec![change.clone()]),
            Self::RemoveAgain(changes) => Some(changes.clone()),
            Self::Request(_) | Self::Pending(_) | Self::Forget(_) | Self::Found(_) => None,
        }
    }

    /// Returns whether its changes have a revision of their own.
    pub(in crate::machine) fn draws_revision(&self) -> bool {
        matches!(self, Self::Request(_) | Self::Forget(_))
    }

    /// Returns what follows the missed message in it.
    pub(in crate::machine) fn trace(&self) -> Option<TraceId> {
        match self {
            Self::Pending(pending) => Some(pending.trace),
            _ => None,
        }
    }
}

/// A client's enable or disable.
#[derive(Debug)]
pub(in crate::machine) struct ClientRequest {
    pub(in crate::machine) request: Request,
    pub(in crate::machine) resource: Option<String>,
    /// Who publishes for this user are from.
    pub(in crate::machine) identity: Identity,
    pub(in crate::machine) reply: ReplyTo,
    /// An enable replaces the registration of the same target.
    pub(in crate::machine) replaces: bool,
}

impl ClientRequest {
    pub(in crate::machine) fn new(
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
pub(in crate::machine) enum ReplyTo {
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
pub(in crate::machine) type Registrations = Arc<Vec<Arc<Registration>>>;
