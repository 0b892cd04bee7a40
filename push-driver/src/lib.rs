//! Runs a [`Machine`](push_core::Machine): moves stanzas, store questions and time in and out, and decides nothing.
//!
//! ```no_run
//! use push_core::{Machine, MemoryStore, Settings, transport::Transport};
//! use push_driver::{Driver, DriverConfig};
//! use std::sync::Arc;
//!
//! # async fn run(transport: Box<dyn Transport>, seed: [u8; 32]) {
//! let settings = Settings::new("push.example.org", vec!["example.org".to_owned()]);
//! let machine = Machine::new(settings, seed);
//! let (driver, handle) = Driver::new(machine, transport, Arc::new(MemoryStore::new()), DriverConfig::default());
//! let running = tokio::spawn(driver.run());
//! handle.drain().await;
//! running.await.expect("the driver does not panic");
//! # }
//! ```
//!
//! Three kinds of tasks: the transport's reader and writer, the driver's own with the Machine in it, and one per
//! batch of store questions. The Machine's task never waits for the store or for the socket.
//!
//! With the cargo feature `sealed` there is a store around any other that seals publish options.

mod clock;
mod driver;
mod handle;
pub mod lease;
mod log;
mod questions;
#[cfg(feature = "sealed")]
pub mod sealed;

pub use clock::Clock;
pub use driver::{Driver, DriverConfig};
pub use handle::Handle;
