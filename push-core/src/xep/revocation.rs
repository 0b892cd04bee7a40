//! XEP-0357: how a push service ends a registration by itself (§8).

use crate::registration::{PubsubNode, Target};
use crate::xml::{ElementRef, Namespace};
use jid::{BareJid, Jid};

/// A push service has told a user that it does not serve them any more at one of its nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// The push service and the node.
    pub target: Target,
    /// The user who has no affiliation with the node any more.
    pub user: BareJid,
}

impl Revocation {
    /// Reads the message of a push service. `None` if it takes no affiliation away.
    pub fn read(message: ElementRef<'_>) -> Option<Self> {
        let pubsub = child(message, "pubsub")?;
        let affiliation = child(pubsub, "affiliation")?;
        if affiliation.attribute("affiliation") != Some("none") {
            return None;
        }
        Some(Self {
            target: Target {
                service: bare(message.attribute("from")?)?,
                node: PubsubNode::new(pubsub.attribute("node")?),
            },
            user: bare(affiliation.attribute("jid")?)?,
        })
    }
}

fn child<'a>(parent: ElementRef<'a>, name: &str) -> Option<ElementRef<'a>> {
    parent
        .children()
        .find(|child| child.is(name, Namespace::Pubsub))
}

fn bare(text: &str) -> Option<BareJid> {
    Some(Jid::new(text).ok()?.into_bare())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::sample::{Sample, element};

    fn message(from: &str, affiliation: &str) -> Sample {
        let affiliation = element("affiliation", Namespace::Pubsub)
            .with("jid", "Alice@example.org")
            .with("affiliation", affiliation);
        let pubsub = element("pubsub", Namespace::Pubsub)
            .with("node", "N")
            .child(affiliation);
        element("message", Namespace::Client)
            .with("from", from)
            .child(pubsub)
    }

    #[test]
    fn it_is_about_one_node_of_the_sender() {
        let stanza = message("Push.example.net/worker", "none").stanza();
        let revocation = Revocation::read(stanza.root()).unwrap();
        assert_eq!(revocation.target.service.as_str(), "push.example.net");
        assert_eq!(revocation.target.node.as_str(), "N");
        assert_eq!(revocation.user.as_str(), "alice@example.org");
    }

    #[test]
    fn nothing_else_revokes() {
        for stanza in [
            message("push.example.net", "publish-only").stanza(),
            message("not a domain@", "none").stanza(),
            element("message", Namespace::Client).stanza(),
        ] {
            assert_eq!(Revocation::read(stanza.root()), None);
        }
    }
}
