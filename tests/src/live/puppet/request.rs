//! What a client is told to do.

use std::time::Duration;

/// How a client logs in.
#[derive(Debug, Clone)]
pub struct Login<'a> {
    /// The bare JID.
    pub jid: &'a str,
    /// The resource; the server chooses one if there is none.
    pub resource: Option<&'a str>,
    /// The port of loopback: the server's, or a proxy's.
    pub port: u16,
    /// Whether the account is registered first (XEP-0077).
    pub register: bool,
    /// Whether stream management is used (XEP-0198).
    pub stream_management: bool,
    /// Whether the stream shall be resumable.
    pub resumable: bool,
}

impl<'a> Login<'a> {
    /// With stream management and resumption, as a mobile client.
    #[must_use]
    pub fn new(jid: &'a str, resource: &'a str, port: u16) -> Self {
        Self {
            jid,
            resource: Some(resource),
            port,
            register: false,
            stream_management: true,
            resumable: true,
        }
    }

    /// The same, with an account that does not exist yet.
    #[must_use]
    pub fn registering(jid: &'a str, resource: &'a str, port: u16) -> Self {
        Self {
            register: true,
            ..Self::new(jid, resource, port)
        }
    }
}

/// An `<enable/>` or `<disable/>` of XEP-0357; what is `None` is left out.
#[derive(Debug, Clone, Default)]
pub struct PushRequest<'a> {
    /// The push service's JID.
    pub service: Option<&'a str>,
    /// The node there.
    pub node: Option<&'a str>,
    /// The publish options, in order; an enable only.
    pub fields: Option<&'a [(&'a str, &'a str)]>,
    /// Whom the IQ is sent to; a client sends it to nobody or to its own bare JID.
    pub to: Option<&'a str>,
    /// How long to wait for the answer, if not as long as usual.
    pub patience: Option<Duration>,
}

/// A message to send; see [`Session::message`](super::Session::message).
#[derive(Debug, Clone, Default)]
pub struct Outgoing<'a> {
    /// The addressee.
    pub to: &'a str,
    /// The text, if it has one.
    pub body: Option<&'a str>,
    /// The type; `chat` if there is none.
    pub kind: Option<&'a str>,
    /// The id; the library draws one if there is none.
    pub id: Option<&'a str>,
    /// Further children, as XML.
    pub extra: &'a [&'a str],
}
