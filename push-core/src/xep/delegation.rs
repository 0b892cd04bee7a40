//! XEP-0355: requests a server hands over, and the answers it takes back.

use crate::xep::error::StanzaError;
use crate::xep::forwarding;
use crate::xep::iq::{Answer, IqAnswer, write_answer};
use crate::xml::{ElementRef, ElementSink, Namespace, WriteXml};

/// Whether `namespace` is a version of XEP-0355.
pub fn is_delegation(namespace: Namespace) -> bool {
    matches!(namespace, Namespace::Delegation1 | Namespace::Delegation2)
}

/// The `<delegation/>` of a stanza, in the version its sender speaks.
pub fn delegation(stanza: ElementRef<'_>) -> Option<ElementRef<'_>> {
    stanza
        .children()
        .find(|child| child.name() == "delegation" && is_delegation(child.namespace()))
}

/// The namespaces an announcement says are delegated to us (§4.2).
pub fn delegated(delegation: ElementRef<'_>) -> impl Iterator<Item = Namespace> {
    let delegated = delegation
        .children()
        .filter(|child| child.name() == "delegated");
    delegated.filter_map(|child| child.attribute("namespace").map(Namespace::from_uri))
}

/// The request a server forwards (§4.3).
pub fn forwarded_request(delegation: ElementRef<'_>) -> Option<ElementRef<'_>> {
    forwarding::forwarded(delegation)
}

/// What a disco node of §4.4 asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiscoNode {
    /// Features the server shall list for itself.
    Server,
    /// Features the server shall list for its accounts.
    Account,
}

/// Reads `urn:xmpp:delegation:N::NAMESPACE` and `urn:xmpp:delegation:N:bare:NAMESPACE` for the push namespace.
pub fn disco_node(node: &str) -> Option<DiscoNode> {
    let versions = [Namespace::Delegation1, Namespace::Delegation2];
    let rest = versions
        .iter()
        .find_map(|version| node.strip_prefix(version.uri()))?;
    let (kind, namespace) = match rest.strip_prefix(":bare:") {
        Some(namespace) => (DiscoNode::Account, namespace),
        None => (DiscoNode::Server, rest.strip_prefix("::")?),
    };
    (namespace == Namespace::Push.uri()).then_some(kind)
}

/// An answer to a delegated request. Errors travel inside: servers answer an outer one in the client's place, or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DelegatedAnswer {
    /// The component.
    pub from: String,
    /// The server.
    pub to: String,
    /// The id of the outer request.
    pub id: String,
    /// The version the server spoke.
    pub version: Namespace,
    /// The answer for the client.
    pub inner: IqAnswer,
}

impl DelegatedAnswer {
    /// Returns the same answer, saying this.
    #[must_use]
    pub fn with(mut self, answer: Result<(), StanzaError>) -> Self {
        self.inner.answer = answer.map_or_else(Answer::Error, |()| Answer::Done);
        self
    }
}

impl WriteXml for DelegatedAnswer {
    fn write_xml(&self, sink: &mut dyn ElementSink) {
        sink.start("iq", Namespace::Component);
        sink.attribute("type", "result");
        sink.attribute("from", &self.from);
        sink.attribute("to", &self.to);
        sink.attribute("id", &self.id);
        sink.start("delegation", self.version);
        sink.start("forwarded", Namespace::Forward);
        write_answer(sink, Namespace::Client, &self.inner);
        sink.end();
        sink.end();
        sink.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xep::error::{DefinedCondition, ErrorType, StanzaError};
    use crate::xep::iq::Answer;
    use crate::xml::sample::{element, written};

    #[test]
    fn an_announcement_names_what_is_delegated() {
        for version in [Namespace::Delegation1, Namespace::Delegation2] {
            let announced = element("delegation", version)
                .child(element("delegated", version).with("namespace", "urn:example:x"))
                .child(element("delegated", version).with("namespace", "urn:xmpp:push:0"))
                .child(element("delegated", version))
                .child(element("other", version).with("namespace", "urn:xmpp:ping"));
            let stanza = element("message", Namespace::Component)
                .child(announced)
                .stanza();
            let found = delegation(stanza.root()).unwrap();
            let namespaces: Vec<Namespace> = delegated(found).collect();
            assert_eq!(namespaces, [Namespace::Other, Namespace::Push]);
        }
        let other =
            element("message", Namespace::Component).child(element("delegation", Namespace::Other));
        assert!(delegation(other.stanza().root()).is_none());
    }

    #[test]
    fn disco_nodes_of_both_versions_are_read() {
        for (node, kind) in [
            (
                "urn:xmpp:delegation:1::urn:xmpp:push:0",
                Some(DiscoNode::Server),
            ),
            (
                "urn:xmpp:delegation:2::urn:xmpp:push:0",
                Some(DiscoNode::Server),
            ),
            (
                "urn:xmpp:delegation:1:bare:urn:xmpp:push:0",
                Some(DiscoNode::Account),
            ),
            (
                "urn:xmpp:delegation:2:bare:urn:xmpp:push:0",
                Some(DiscoNode::Account),
            ),
            ("urn:xmpp:delegation:2:bare:urn:xmpp:mam:2", None),
            ("urn:xmpp:delegation:3::urn:xmpp:push:0", None),
            ("urn:xmpp:delegation:2:urn:xmpp:push:0", None),
            ("", None),
        ] {
            assert_eq!(disco_node(node), kind, "{node}");
        }
    }

    #[test]
    fn a_refusal_is_inside_of_the_wrapper() {
        let error = StanzaError::new(ErrorType::Modify, DefinedCondition::BadRequest);
        let answer = DelegatedAnswer {
            from: "push.example.org".to_owned(),
            to: "example.org".to_owned(),
            id: "o".to_owned(),
            version: Namespace::Delegation1,
            inner: IqAnswer {
                from: "alice@example.org".to_owned(),
                to: "alice@example.org/phone".to_owned(),
                id: "i".to_owned(),
                answer: Answer::Error(error.clone()),
            },
        };
        let stanza = written(&answer);
        assert_eq!(stanza.root().attribute("type"), Some("result"));
        let inner = forwarded_request(delegation(stanza.root()).unwrap()).unwrap();
        assert!(inner.is("iq", Namespace::Client));
        let read = crate::xep::iq::Iq::read(inner).unwrap();
        assert_eq!((read.id, read.error()), ("i", error));
    }
}
