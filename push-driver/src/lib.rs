//! Runs a [`Machine`](push_core::Machine): moves stanzas, store questions and time in and out, and decides nothing.
//!
//! ```no_run
//! use push_core::{Machine, MemoryStore, Settings, transport::Transport};
//! use push_driver::{Driver, DriverConfig};
//! use std::sync::Arc;
//!
//! # async fn run(transport: Box<dyn Transport>, seed: [u8; 32]) -> Result<(), tokio::task::JoinError> {
//! let settings = Settings::new("push.example.org", vec!["example.org".to_owned()]);
//! let machine = Machine::new(settings, seed);
//! let (driver, handle) = Driver::new(machine, transport, Arc::new(MemoryStore::new()), DriverConfig::default());
//! let running = tokio::spawn(driver.run());
//! handle.drain().await;
//! running.await?;
//! # Ok(())
//! # }
//! ```
//!
//! The stream, its timers and the Machine are one task, which waits for nothing but them; [`on_own_thread`] gives it a
//! thread, which is the cheapest. Each batch of store questions is a task of the runtime that [`Driver::new`] is called in.
//!
//! With the cargo feature `sealed` there is a store around any other that seals publish options.

mod alarm;
mod clock;
mod driver;
mod handle;
pub mod lease;
mod log;
mod observer;
mod questions;
#[cfg(feature = "sealed")]
pub mod sealed;
mod thread;

pub use clock::Clock;
pub use driver::{Driver, DriverConfig};
pub use handle::Handle;
pub use log::Log;
pub use observer::Observer;
pub use thread::on_own_thread;
