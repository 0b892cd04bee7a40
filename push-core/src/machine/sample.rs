//! Records for the unit tests of the parts.

use super::values::{
    Attempts, ClientRequest, Item, MessageKey, Pending, Queued, Registrations, ReplyTo,
};
use crate::delivery::{Class, Delivery, Notification};
use crate::ids::{EventHold, HostId, TraceId};
use crate::plugin::Verdict;
use crate::registration::{
    Identity, PublishOptions, PubsubNode, Registration, Revision, Status, Target,
};
use crate::session::Cause;
use crate::xep::push::Request;
use crate::xep::summary::Summary;
use crate::{Account, Timestamp};
use jid::BareJid;
use std::sync::Arc;
use std::time::Duration;

/// The moment at which tests begin.
pub(super) const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

/// Returns a moment so many seconds after the beginning.
pub(super) fn later(seconds: u64) -> Timestamp {
    NOW.after(Duration::from_secs(seconds))
}

pub(super) fn host(index: usize) -> HostId {
    HostId::new(index)
}

fn jid(text: &str) -> BareJid {
    BareJid::new(text).unwrap_or_else(|error| unreachable!("{text}: {error}"))
}

pub(super) fn owner(name: &str) -> BareJid {
    jid(&format!("{name}@example.org"))
}

/// Returns `node` of the push service `push.example.net`; another service can be written as `service/node`.
pub(super) fn target(node: &str) -> Target {
    let (service, node) = node.split_once('/').unwrap_or(("push.example.net", node));
    Target {
        service: jid(service),
        node: PubsubNode::new(node),
    }
}

/// Returns a registration that was enabled at the revision of this number.
pub(super) fn registration(node: &str, revision: u64) -> Registration {
    Registration {
        target: target(node),
        options: PublishOptions::default(),
        revision: Revision::new(revision),
        status: Status::Active,
        resource: None,
        identity: Identity::Server,
        enabled_at: NOW,
    }
}

/// Returns registrations at revision 1.
pub(super) fn registrations(nodes: &[&str]) -> Registrations {
    let mut all: Vec<_> = nodes.iter().map(|node| registration(node, 1)).collect();
    all.sort_by(|one, other| one.target.cmp(&other.target));
    Arc::new(all.into_iter().map(Arc::new).collect())
}

pub(super) fn account(name: &str, nodes: &[&str]) -> Account {
    let registrations = registrations(nodes);
    Account {
        owner: owner(name),
        registrations: registrations.iter().map(|have| (**have).clone()).collect(),
    }
}

pub(super) fn event(number: u64) -> EventHold {
    EventHold {
        host: host(0),
        generation: 1,
        number,
    }
}

pub(super) fn key(number: u64) -> MessageKey {
    MessageKey(number)
}

fn content() -> Summary {
    Summary {
        message_count: Some(1),
        ..Summary::default()
    }
}

/// Returns one missed message; trace, key and event have this number.
pub(super) fn pending(number: u64) -> Pending {
    Pending {
        trace: TraceId::new(number),
        host: host(0),
        cause: Cause::Offline,
        resource: None,
        sessions: Vec::new(),
        notification: Notification::new(content()),
        verdict: Verdict::publish("test"),
        missed_at: NOW,
        last_missed_at: NOW,
        is_replay: false,
        keys: vec![key(number)],
        holds: vec![event(number)],
        retry: None,
    }
}

/// Returns a delivery of one message to `node` of a user; trace, key and event have this number.
pub(super) fn queued(name: &str, node: &str, number: u64) -> Queued {
    Queued {
        host: host(0),
        delivery: Delivery {
            trace: TraceId::new(number),
            owner: owner(name),
            registration: Arc::new(registration(node, 1)),
            class: Class::Message,
            content: Arc::new(content()),
            expires_at: later(7 * 24 * 3600),
        },
        attempts: Attempts::default(),
        keys: vec![key(number)],
        holds: vec![event(number)],
        echoes: Vec::new(),
        missed_at: NOW,
        since: NOW,
    }
}

/// Returns a client's request to enable `node`, whose answer has this number.
pub(super) fn enable(node: &str, number: u64) -> Item {
    let request = Request::Enable {
        target: target(node),
        options: PublishOptions::default(),
    };
    let reply = ReplyTo::Adapter {
        host: host(0),
        generation: 1,
        number,
    };
    Item::Request(ClientRequest::new(request, None, Identity::Server, reply))
}
