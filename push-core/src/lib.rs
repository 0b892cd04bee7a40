//! XMPP push notifications (XEP-0357) as one pure state machine.

pub mod hash;
pub mod memory;
pub mod registration;
pub mod row;
pub mod store;
pub mod transport;
pub mod xml;

mod account;
mod time;

pub use account::Account;
pub use jid::{BareJid, FullJid, Jid};
pub use registration::Registration;
pub use time::Timestamp;
