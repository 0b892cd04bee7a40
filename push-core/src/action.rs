//! What the Machine wants of the world.

use crate::ids::{OperatorId, QueryId};
use crate::link::LinkMessage;
use crate::registration::{Identity, Registration};
use crate::report::Report;
use crate::store::Change;
use crate::transport::DownReason;
use crate::xep::delegation::DelegatedAnswer;
use crate::xep::iq::IqAnswer;
use crate::xep::privilege::PrivilegedIq;
use crate::xep::pubsub::Publish;
use crate::xep::summary::Summary;
use crate::xml::{ElementSink, Namespace, WriteXml};
use jid::BareJid;
use std::sync::Arc;

/// Something to do, in order.
#[derive(Debug)]
#[non_exhaustive]
pub enum Action {
    /// Send this on the stream.
    Send(Outbound),
    /// Ask the store; answered by `Event::Stored`.
    Store {
        /// Repeated in the answer.
        id: QueryId,
        /// The question.
        query: Query,
    },
    /// Answer the operator.
    Operator {
        /// The request's id.
        id: OperatorId,
        /// The answer.
        reply: OperatorReply,
    },
    /// Tell whoever watches.
    Report(Report),
}

/// A question at the store. Questions of different owners may be batched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// One account.
    Load(BareJid),
    /// Changes of one account, in order.
    Commit(Vec<Change>),
}

/// A stanza to send.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Outbound {
    /// To an adapter.
    Link(LinkMessage),
    /// The component's answer to somebody.
    Answer(IqAnswer),
    /// An answer to a delegated request.
    Delegated(DelegatedAnswer),
    /// A notification under an identity of our own.
    Publish(OwnPublish),
}

/// A publish that does not go through an adapter.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnPublish {
    /// The component.
    pub component: Arc<str>,
    /// In this user's name (XEP-0356); as the component when there is none.
    pub user: Option<BareJid>,
    /// The id, of both IQs where there are two.
    pub id: String,
    /// Where to, and with which options.
    pub registration: Arc<Registration>,
    /// What it says.
    pub summary: Arc<Summary>,
}

impl WriteXml for Outbound {
    fn write_xml(&self, sink: &mut dyn ElementSink) {
        match self {
            Self::Link(message) => message.write_xml(sink),
            Self::Answer(answer) => answer.write_xml(sink),
            Self::Delegated(answer) => answer.write_xml(sink),
            Self::Publish(publish) => publish.write_xml(sink),
        }
    }
}

impl WriteXml for OwnPublish {
    fn write_xml(&self, sink: &mut dyn ElementSink) {
        let to = self.registration.target.service.as_str();
        let payload = Publish {
            registration: &self.registration,
            summary: &self.summary,
        };
        if let Some(user) = &self.user {
            let user = user.as_str();
            let (from, id) = (&*self.component, &*self.id);
            return PrivilegedIq {
                from,
                user,
                to,
                id,
                payload: &payload,
            }
            .write_xml(sink);
        }
        sink.start("iq", Namespace::Component);
        sink.attribute("type", "set");
        sink.attribute("from", &self.component);
        sink.attribute("to", to);
        sink.attribute("id", &self.id);
        payload.write_xml(sink);
        sink.end();
    }
}

/// An answer to the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OperatorReply {
    /// How things stand.
    Status(Status),
    /// Nothing is in work any more.
    Drained,
}

/// How things stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Whether the stream is up.
    pub up: bool,
    /// Why it is not, if that is known.
    pub down: Option<DownReason>,
    /// Each configured host.
    pub hosts: Vec<HostStatus>,
    /// How much there is to do.
    pub load: Load,
}

/// How much there is to do, in numbers of messages or of what tells of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Missed messages and requests that wait for a decision, and notifications that wait for their publish.
    pub waiting: usize,
    /// Missed messages that wait at their adapters for push services.
    pub deferred: usize,
    /// Notifications that wait in memory for their next attempt, because no adapter keeps their messages.
    pub retries_in_memory: usize,
    /// Publishes waiting for their answer.
    pub in_flight: usize,
}

/// What a host's server offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostStatus {
    /// The host.
    pub host: String,
    /// The server's software, when an adapter is attached.
    pub adapter: Option<String>,
    /// Whether `urn:xmpp:push:0` is delegated to us (XEP-0355).
    pub delegated: bool,
    /// Who publishes for its users are from; `None` while nothing is known.
    pub identity: Option<Identity>,
}
