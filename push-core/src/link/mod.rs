//! The link to an adapter, docs/protocol.md: what it sends ([`read()`]) and what it is sent ([`LinkMessage`]).

mod ranges;
mod read;
mod recipient;
mod write;

pub use ranges::Ranges;
pub use read::{FromAdapter, Hello, LinkEvent, LinkEventKind, LinkRequest, MissedMessage, read};
pub use recipient::{MAX_RECIPIENTS, Recipient, RecipientId};
pub use write::{LinkMessage, ToAdapter};

/// The version of the protocol spoken here.
pub const VERSION: u64 = 2;

/// The resource of the adapter's address at its host.
pub const RESOURCE: &str = "xmpp-push";

/// Reads a number as the protocol writes it: decimal digits, without a sign.
fn decimal(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}
