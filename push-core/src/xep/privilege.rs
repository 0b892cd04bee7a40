//! XEP-0356: what a server lets us do in its users' names.

use crate::xep::forwarding;
use crate::xml::{ElementRef, ElementSink, Namespace, WriteXml};

/// Whether a `<privilege/>` announcement grants IQs of type set in the PubSub namespace (§5.3).
///
/// Only version 2 has such a permission.
pub fn grants_publish(message: ElementRef<'_>) -> Option<bool> {
    let privilege = message.child("privilege", Namespace::Privilege2)?;
    let iq =
        |perm: &ElementRef<'_>| perm.name() == "perm" && perm.attribute("access") == Some("iq");
    let granted = |namespace: ElementRef<'_>| {
        namespace.attribute("ns") == Some(Namespace::Pubsub.uri())
            && matches!(namespace.attribute("type"), Some("set" | "both"))
    };
    Some(
        privilege
            .children()
            .filter(iq)
            .any(|perm| perm.children().any(granted)),
    )
}

/// The answer a server hands back for a privileged IQ.
pub fn answered(iq: ElementRef<'_>) -> Option<ElementRef<'_>> {
    forwarding::forwarded(iq.child("privilege", Namespace::Privilege2)?)
}

/// An IQ sent in a user's name (§5.3).
pub struct PrivilegedIq<'a> {
    /// The component.
    pub from: &'a str,
    /// The user's bare JID.
    pub user: &'a str,
    /// Where the IQ goes.
    pub to: &'a str,
    /// Id of outer and inner IQ.
    pub id: &'a str,
    /// The payload.
    pub payload: &'a dyn WriteXml,
}

impl WriteXml for PrivilegedIq<'_> {
    fn write_xml(&self, sink: &mut dyn ElementSink) {
        sink.start("iq", Namespace::Component);
        sink.attribute("type", "set");
        sink.attribute("from", self.from);
        sink.attribute("to", self.user);
        sink.attribute("id", self.id);
        sink.start("privileged_iq", Namespace::Privilege2);
        sink.start("iq", Namespace::Client);
        sink.attribute("type", "set");
        sink.attribute("to", self.to);
        sink.attribute("id", self.id);
        self.payload.write_xml(sink);
        sink.end();
        sink.end();
        sink.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::sample::{Sample, element, written};

    fn granted(perm: Sample) -> Option<bool> {
        let privilege = element("privilege", Namespace::Privilege2).child(perm);
        let message = element("message", Namespace::Component)
            .child(privilege)
            .stanza();
        grants_publish(message.root())
    }

    fn iq(namespace: &str, kind: &str) -> Sample {
        let namespace = element("namespace", Namespace::Privilege2)
            .with("ns", namespace)
            .with("type", kind);
        element("perm", Namespace::Privilege2)
            .with("access", "iq")
            .child(namespace)
    }

    #[test]
    fn only_pubsub_requests_of_type_set_are_a_grant() {
        let pubsub = Namespace::Pubsub.uri();
        assert_eq!(granted(iq(pubsub, "set")), Some(true));
        assert_eq!(granted(iq(pubsub, "both")), Some(true));
        assert_eq!(granted(iq(pubsub, "get")), Some(false));
        assert_eq!(granted(iq("urn:xmpp:mam:2", "set")), Some(false));
        let message = element("perm", Namespace::Privilege2).with("access", "message");
        assert_eq!(granted(message), Some(false));
        let older = element("message", Namespace::Component)
            .child(element("privilege", Namespace::Privilege1));
        assert_eq!(grants_publish(older.stanza().root()), None);
    }

    #[test]
    fn the_inner_request_names_no_sender() {
        let stanza = written(&PrivilegedIq {
            from: "push.example.org",
            user: "alice@example.org",
            to: "push.example.net",
            id: "7",
            payload: &element("pubsub", Namespace::Pubsub),
        });
        let outer = stanza.root();
        assert_eq!(outer.attribute("to"), Some("alice@example.org"));
        let inner = outer.only_child().unwrap().only_child().unwrap();
        assert!(inner.is("iq", Namespace::Client));
        assert_eq!(inner.attribute("from"), None);
        assert_eq!(inner.attribute("to"), Some("push.example.net"));
        assert!(inner.only_child().unwrap().is("pubsub", Namespace::Pubsub));
    }
}
