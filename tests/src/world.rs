//! Kit of the world suite: the Machine in virtual time, among fake servers, stores and push services.
//!
//! [`Bench`] is the Machine with a clock and a store, told and asked stanza by stanza. [`World`] puts it on a stream with
//! [`Adapter`]s that keep to docs/protocol.md and [`PushService`]s that answer as they are told; time jumps to the next
//! moment at which anything happens. All XML is text: it passes the transport's parser and writer both ways.

pub mod adapter;
pub mod bench;
pub mod fuzz;
pub mod load;
pub mod messages;
pub mod random;
pub mod service;
pub mod stage;
pub mod store;
pub mod transcript;
pub mod xml;

pub use adapter::{Adapter, Seat};
pub use bench::Bench;
pub use service::{Manner, PushService};
pub use stage::World;
pub use store::{FakeStore, Mood};

/// The component.
pub const COMPONENT: &str = "push.example.org";
/// The host whose users it serves.
pub const HOST: &str = "example.org";
/// A push service.
pub const SERVICE: &str = "push.example.net";
/// The beginning of virtual time, Unix milliseconds.
pub const START: u64 = 1_790_000_000_000;

/// Settings for [`COMPONENT`] and [`HOST`].
pub fn settings() -> push_core::Settings {
    push_core::Settings::new(COMPONENT, vec![HOST.to_owned()])
}

/// Settings whose notifications say what the message says.
pub fn telling(mut settings: push_core::Settings) -> push_core::Settings {
    let content = push_core::plugin::Content {
        sender: true,
        body: true,
        ..Default::default()
    };
    settings.plugin = std::sync::Arc::new(push_core::plugin::DefaultPlugin::new(content));
    settings
}
