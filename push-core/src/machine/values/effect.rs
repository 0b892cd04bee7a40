//! Effects that the parts ask of the Machine, and events that it tells them.

use super::item::ReplyTo;
use super::sending::Sending;
use crate::action::Query;
use crate::ids::{EventHold, HostId, QueryId};
use crate::link::Recipient;
use crate::registration::Identity;
use crate::report::Report;
use crate::settings::IdentityChoice;
use crate::xep::error::StanzaError;
use jid::BareJid;

/// A change of what is connected, or of what it offers.
#[derive(Clone, Copy, Debug)]
pub(in crate::machine) enum RouteEvent<'a> {
    StreamUp,
    StreamDown,
    Attached(AttachedRoute),
    Detached(HostId),
    /// Something came from the adapter of a host.
    Heard(HostId),
    /// A host, with this domain, lets us publish under an identity.
    Offered(HostId, &'a str, Identity),
    /// The operator has chosen.
    Chosen(IdentityChoice),
}

/// The adapter of a host is attached.
#[derive(Clone, Copy, Debug)]
pub(in crate::machine) struct AttachedRoute {
    pub(in crate::machine) host: HostId,
    /// Which of its epochs this is.
    pub(in crate::machine) generation: u32,
    /// Up to which number it has what was published in this run.
    pub(in crate::machine) got: u64,
    /// Events it can keep for push services; 0 if it can keep none.
    pub(in crate::machine) deferred: u64,
    /// Publishes it lets be in flight, if it says so.
    pub(in crate::machine) places: Option<u64>,
}

/// Something that follows from what has happened; effects are carried out in order.
#[derive(Debug)]
pub(in crate::machine) enum Effect {
    /// Ask the store.
    Ask(QueryId, Query),
    /// Send a delivery.
    Send(Sending),
    /// Nothing is left to do for these events.
    Acknowledge(Vec<EventHold>),
    /// An event waits for a push service that cannot take notifications now.
    Defer(Deferral),
    /// These deferred events of a host are to be told again.
    Resume(HostId, Vec<u64>),
    /// This user has registrations now (or may have), or has none.
    User(BareJid, bool),
    /// Answer a client's request.
    Answer(ReplyTo, Result<(), StanzaError>),
    Report(Report),
}

/// An event that waits for a push service at its adapter.
#[derive(Debug)]
pub(in crate::machine) struct Deferral {
    pub(in crate::machine) event: EventHold,
    /// The deferred event of the same user that it joins.
    pub(in crate::machine) into: Option<EventHold>,
    pub(in crate::machine) recipients: Vec<Recipient>,
}

/// The event that tells of a missed message.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::machine) struct Told {
    /// Acknowledged when nothing is left to do for it; none if nobody waits for that.
    pub(in crate::machine) event: Option<EventHold>,
    /// The deferred event that it was.
    pub(in crate::machine) was: Option<EventHold>,
    /// It was deferred, and nothing is known of that any more.
    pub(in crate::machine) is_again: bool,
}

/// Events that their adapter has ended.
#[derive(Debug, Default)]
pub(in crate::machine) struct Withdrawn {
    pub(in crate::machine) in_work: Vec<EventHold>,
    pub(in crate::machine) deferred: Vec<EventHold>,
}
