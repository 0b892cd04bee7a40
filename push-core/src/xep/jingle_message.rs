//! XEP-0353: messages about a call.

use crate::xml::{ElementRef, Namespace};

/// A message about a call: what happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JingleMessage<'a> {
    /// The name of the element: `propose`, `retract`, `accept`, `proceed`, `reject`, `finish`, `ringing` …
    pub action: &'a str,
    /// The session that it is about; without one it is not valid.
    pub id: Option<&'a str>,
}

impl<'a> JingleMessage<'a> {
    /// Returns what a message says about a call, if it says something.
    pub fn read(message: ElementRef<'a>) -> Option<Self> {
        let mut children = message.children();
        let child = children.find(|child| child.namespace() == Namespace::JingleMessage)?;
        let id = child.attribute("id").filter(|id| !id.is_empty());
        Some(Self {
            action: child.name(),
            id,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::sample::element;

    #[test]
    fn a_call_is_read_with_its_session() {
        let with = |child: crate::xml::sample::Sample| {
            let message = element("message", Namespace::Client).child(child).stanza();
            let call = JingleMessage::read(message.root());
            call.map(|call| (call.action.to_owned(), call.id.map(str::to_owned)))
        };
        let propose = || element("propose", Namespace::JingleMessage);
        let named = Some("ca3cf894".to_owned());
        let found = with(propose().with("id", "ca3cf894"));
        assert_eq!(found, Some(("propose".to_owned(), named)));
        assert_eq!(with(propose()), Some(("propose".to_owned(), None)));
        assert_eq!(with(element("propose", Namespace::Client)), None);
    }
}
