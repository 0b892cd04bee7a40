//! XMPP push notifications ([XEP-0357]) as one pure state machine.
//!
//! [`Machine`] is the whole protocol as a value: it is told what happens ([`Event`]) and says what shall be done
//! ([`Action`]). It does no I/O, reads no clock and needs no runtime; a driver (`push-driver`, or ten lines of your own)
//! moves stanzas, store questions and time in and out.
//!
//! Beside it are the types it speaks in ([`registration`], [`Account`], [`session`]), the contracts it is used with
//! ([`store::RegistrationStore`], [`transport::Transport`], [`plugin::Plugin`]), one file per XEP ([`xep`]), and the
//! [link](mod@link) to the module inside of an XMPP server.
//!
//! [XEP-0357]: https://xmpp.org/extensions/xep-0357.html

pub mod hash;
pub mod lease;
pub mod link;
pub mod memory;
pub mod plugin;
pub mod profile;
pub mod registration;
pub mod report;
pub mod row;
pub mod session;
pub mod store;
pub mod transport;
pub mod xep;
pub mod xml;

mod account;
mod action;
mod delivery;
mod event;
mod ids;
mod jid_pattern;
mod machine;
mod policy;
mod settings;
mod store_timeouts;
mod time;

pub use account::Account;
pub use action::{Action, HostStatus, Load, OperatorReply, Outbound, OwnPublish, Query, Status};
pub use delivery::{Class, Delivery, DeliveryOutcome, Notification, Route};
pub use event::{Event, OperatorRequest, StoreAnswer};
pub use ids::{OperatorId, QueryId, TraceId};
pub use jid::{BareJid, FullJid, Jid};
pub use jid_pattern::JidPattern;
pub use machine::Machine;
pub use memory::MemoryStore;
pub use policy::Policy;
pub use registration::Registration;
pub use report::Report;
pub use settings::{IdentityChoice, Settings};
pub use store_timeouts::StoreTimeouts;
pub use time::Timestamp;
