//! Registrations: where a user's notifications go.

mod finding;
mod status;

pub use finding::{Finding, Next, StatusPolicy};
pub use status::{Status, Trouble};

use crate::Timestamp;
use jid::BareJid;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The longest node, in bytes.
pub const MAX_NODE: usize = 1023;

/// The longest resourcepart of a JID, in bytes (RFC 7622 §3.4).
pub const MAX_RESOURCE: usize = 1023;

/// Where a notification is published: a node of a push service (XEP-0357 §3).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Target {
    /// The push service's bare JID.
    pub service: BareJid,
    /// The node of that service; may be a secret of its own, so not for logs.
    pub node: PubsubNode,
}

/// A PubSub node, as the client's push service named it.
///
/// Services use device tokens as nodes: Debug does not show it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PubsubNode(String);

impl PubsubNode {
    /// A node by its name; limits are checked where requests are read.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PubsubNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PubsubNode({} bytes)", self.0.len())
    }
}

/// The fields a client wants back with every publish (XEP-0357 §5, XEP-0060 §7.1.5).
///
/// In the client's order and byte for byte, `FORM_TYPE` left out. Debug shows no values.
///
/// A store may keep them [sealed](Self::sealed). What is sealed has no fields until it is opened, and nothing may be
/// published with it: to a push service that would be a notification without its secret.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PublishOptions(Form);

#[derive(Clone, PartialEq, Eq)]
enum Form {
    Clear(Vec<(String, String)>),
    Sealed(String),
}

impl Default for Form {
    fn default() -> Self {
        Self::Clear(Vec::new())
    }
}

impl PublishOptions {
    /// Options from (field, value) pairs.
    pub fn new(fields: Vec<(String, String)>) -> Self {
        Self(Form::Clear(fields))
    }

    /// Options that only whoever sealed them can read, as text.
    pub fn sealed(text: impl Into<String>) -> Self {
        Self(Form::Sealed(text.into()))
    }

    /// The text of what is sealed.
    pub fn as_sealed(&self) -> Option<&str> {
        match &self.0 {
            Form::Clear(_) => None,
            Form::Sealed(text) => Some(text),
        }
    }

    /// The (field, value) pairs in order; none of what is sealed.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.clear()
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether there are no fields, and none sealed.
    pub fn is_empty(&self) -> bool {
        self.as_sealed().is_none() && self.clear().is_empty()
    }

    fn clear(&self) -> &[(String, String)] {
        match &self.0 {
            Form::Clear(fields) => fields,
            Form::Sealed(_) => &[],
        }
    }
}

impl fmt::Debug for PublishOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = self.as_sealed() {
            return write!(f, "sealed({} bytes)", text.len());
        }
        f.debug_list()
            .entries(self.fields().map(|(name, _)| name))
            .finish()
    }
}

/// Distinguishes one accepted request from every other, and orders those of one user: the later has the greater one.
///
/// A write that timed out may still be applied; its lower revision keeps it from overwriting later changes.
/// Whatever a late answer to a publish does is guarded by the revision it was published for.
/// At most 2^63 - 1, so that every database holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Revision(u64);

impl Revision {
    /// After every other.
    pub const MAX: Self = Self::new(u64::MAX);

    /// The revision of something accepted at `now`, after all of `seen`. The low 20 bits of `entropy` tell apart what
    /// several instances accept in the same millisecond.
    pub fn draw(now: Timestamp, entropy: u64, seen: impl IntoIterator<Item = Self>) -> Self {
        let by_time = (now.as_millis() << 20) | (entropy & 0xf_ffff);
        let after = seen.into_iter().map(|seen| seen.0 + 1).max();
        Self(by_time.max(after.unwrap_or_default()).min(Self::MAX.0))
    }

    /// The greatest revision of what is accepted at `at`, unless a greater one was seen before.
    pub fn last_at(at: Timestamp) -> Self {
        Self::draw(at, u64::MAX, [])
    }

    /// The revision made of the low 63 bits of `bits`.
    pub const fn new(bits: u64) -> Self {
        Self(bits & (u64::MAX >> 1))
    }

    /// The number, below 2^63.
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}

/// Who a publish is from (docs/identity.md). Later ones are better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Identity {
    /// The component's own JID.
    Component,
    /// The user's bare JID, by XEP-0356.
    User,
    /// The user's server's domain, by the adapter: what XEP-0357 means.
    Server,
}

/// One enabled (user, service, node).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Where notifications go.
    pub target: Target,
    /// The fields published with each of them.
    pub options: PublishOptions,
    /// Which accepted enable this is.
    pub revision: Revision,
    /// How it fares.
    pub status: Status,
    /// The resource of the session that enabled it last; names the device.
    pub resource: Option<String>,
    /// The best identity the host offered when it was enabled.
    pub identity: Identity,
    /// When it was enabled.
    pub enabled_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_neither_node_nor_values() {
        let options = PublishOptions::new(vec![("secret".into(), "hunter2".into())]);
        let shown = format!("{options:?} {:?}", PubsubNode::new("token"));
        assert!(shown.contains("secret"));
        assert!(
            !shown.contains("hunter2") && !shown.contains("token"),
            "{shown}"
        );
        let sealed = format!("{:?}", PublishOptions::sealed("ciphertext"));
        assert_eq!(sealed, "sealed(10 bytes)");
    }

    #[test]
    fn what_is_sealed_has_no_fields_and_is_not_nothing() {
        let sealed = PublishOptions::sealed("text");
        assert_eq!(sealed.fields().len(), 0);
        assert!(!sealed.is_empty());
        assert_ne!(sealed, PublishOptions::default());
    }

    #[test]
    fn a_later_request_has_the_greater_revision() {
        let at = Timestamp::from_millis;
        let first = Revision::draw(at(1_790_000_000_000), u64::MAX, []);
        assert!(Revision::draw(at(1_790_000_000_001), 0, []) > first);
        // Also when the clock of whoever accepted the first is ahead.
        assert!(Revision::draw(at(1_780_000_000_000), 0, [first, Revision::new(7)]) > first);
        assert_eq!(
            Revision::draw(at(1), 0, [Revision::MAX]),
            Revision::MAX,
            "there is nothing after the last"
        );
    }

    #[test]
    fn a_revision_fits_a_signed_column() {
        assert!(i64::try_from(Revision::new(u64::MAX).as_u64()).is_ok());
    }
}
