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
