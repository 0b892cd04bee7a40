//! The namespaces this crate knows, resolved once while a stanza is parsed.

macro_rules! namespaces {
    ($($(#[$doc:meta])* $variant:ident = $uri:literal),* $(,)?) => {
        /// A namespace known to the core, or [`Namespace::Other`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Namespace {
            /// No namespace: unprefixed attributes.
            None,
            /// A namespace nothing here reads.
            Other,
            $($(#[$doc])* $variant,)*
        }

        impl Namespace {
            /// The namespace of `uri`; [`Namespace::Other`] when it is not known.
            pub fn from_uri(uri: &str) -> Self {
                match uri {
                    "" => Self::None,
                    $($uri => Self::$variant,)*
                    _ => Self::Other,
                }
            }

            /// The URI; empty for [`Namespace::None`] and [`Namespace::Other`].
            pub const fn uri(self) -> &'static str {
                match self {
                    Self::None | Self::Other => "",
                    $(Self::$variant => $uri,)*
                }
            }

            /// Every known namespace, for tests and generators.
            pub const KNOWN: &'static [Self] = &[$(Self::$variant,)*];
        }
    };
}

namespaces! {
    /// The reserved `xml:` prefix.
    Xml = "http://www.w3.org/XML/1998/namespace",
    /// RFC 6120 §4.8.1, the stream itself.
    Streams = "http://etherx.jabber.org/streams",
    /// RFC 6120 §4.9, stream errors.
    StreamErrors = "urn:ietf:params:xml:ns:xmpp-streams",
    /// RFC 6120 §8.3, stanza errors.
    StanzaErrors = "urn:ietf:params:xml:ns:xmpp-stanzas",
    /// RFC 6120 §4.8.2: stanzas of clients, also inside a forwarded wrapper.
    Client = "jabber:client",
    /// XEP-0114: stanzas on a component's stream.
    Component = "jabber:component:accept",
    /// XEP-0004 data forms.
    DataForms = "jabber:x:data",
    /// XEP-0027 encrypted payload.
    Pgp = "jabber:x:encrypted",
    /// XEP-0030 disco#info.
    DiscoInfo = "http://jabber.org/protocol/disco#info",
    /// XEP-0030 disco#items.
    DiscoItems = "http://jabber.org/protocol/disco#items",
    /// XEP-0060.
    Pubsub = "http://jabber.org/protocol/pubsub",
    /// XEP-0060 §12.
    PubsubEvent = "http://jabber.org/protocol/pubsub#event",
    /// XEP-0199 ping.
    Ping = "urn:xmpp:ping",
    /// XEP-0203 delayed delivery.
    Delay = "urn:xmpp:delay",
    /// XEP-0280 carbons.
    Carbons = "urn:xmpp:carbons:2",
    /// XEP-0297 forwarding.
    Forward = "urn:xmpp:forward:0",
    /// XEP-0334 message processing hints.
    Hints = "urn:xmpp:hints",
    /// XEP-0353 Jingle message initiation.
    JingleMessage = "urn:xmpp:jingle-message:0",
    /// XEP-0355 delegation as ejabberd speaks it.
    Delegation1 = "urn:xmpp:delegation:1",
    /// XEP-0355 delegation as Prosody speaks it.
    Delegation2 = "urn:xmpp:delegation:2",
    /// XEP-0356 privileges before IQ permissions.
    Privilege1 = "urn:xmpp:privilege:1",
    /// XEP-0356 privileges.
    Privilege2 = "urn:xmpp:privilege:2",
    /// XEP-0357 push.
    Push = "urn:xmpp:push:0",
    /// XEP-0359 stanza and origin ids.
    StanzaId = "urn:xmpp:sid:0",
    /// XEP-0380 explicit message encryption.
    Encryption = "urn:xmpp:eme:0",
    /// XEP-0384 before 0.4, still the most used.
    OmemoLegacy = "eu.siacs.conversations.axolotl",
    /// XEP-0384 0.4 to 0.7.
    Omemo1 = "urn:xmpp:omemo:1",
    /// XEP-0384 0.8.
    Omemo2 = "urn:xmpp:omemo:2",
    /// XEP-0373.
    OpenPgp = "urn:xmpp:openpgp:0",
    /// The link to an adapter, docs/protocol.md.
    Link = "urn:x-xmpp-push:link",
}

#[cfg(test)]
mod tests {
    use super::Namespace;

    #[test]
    fn every_known_namespace_is_found_by_its_uri() {
        for &namespace in Namespace::KNOWN {
            assert_eq!(Namespace::from_uri(namespace.uri()), namespace);
        }
    }

    #[test]
    fn what_nothing_reads_is_other() {
        assert_eq!(Namespace::from_uri("urn:example:x"), Namespace::Other);
        assert_eq!(Namespace::from_uri(""), Namespace::None);
    }
}
