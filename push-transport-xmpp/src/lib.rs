//! A component's XMPP stream (XEP-0114) that stays up.
//!
//! [`Stream`] connects to a server, authenticates, and connects again whenever the connection is
//! lost. Stanzas come in parsed ([`push_core::xml::Stanza`]) and go out as values that write
//! themselves ([`push_core::xml::WriteXml`]); there is no tree in between.
//!
//! ```no_run
//! use push_core::BareJid;
//! use push_core::transport::{StreamEvent, Transport};
//! use push_transport_xmpp::{Stream, StreamConfig};
//!
//! # async fn component(seed: [u8; 32]) -> Result<(), Box<dyn std::error::Error>> {
//! let component = BareJid::new("echo.example.org")?;
//! let config = StreamConfig::new(component, "localhost:5347", "secret");
//! let mut stream = Stream::start(config, seed);
//! let mut events = Vec::new();
//! loop {
//!     stream.next(&mut events).await;
//!     for event in events.drain(..) {
//!         match event {
//!             StreamEvent::Up => println!("connected"),
//!             StreamEvent::Down(reason) => println!("not connected: {reason}"),
//!             StreamEvent::Stanza(stanza) => stream.send(&stanza.root()),
//!             StreamEvent::Skipped(bytes) => println!("skipped {bytes} bytes"),
//!         }
//!     }
//!     stream.flush();
//! }
//! # }
//! ```
//!
//! `examples/echo.rs` is a whole component.
//!
//! # What it takes from a server
//!
//! XML as RFC 6120 §11 restricts it: no DTDs, comments, processing instructions or entities other
//! than the predefined ones; tags, names and attributes that are not well-formed end the stream.
//!
//! What servers were seen to pass on from their users does not, since no user must be able to end
//! the stream: a stanza over the [`Limits`] is passed over; a prefix that nobody declared stands
//! for a namespace that nobody knows; what is no character of XML, or not UTF-8, becomes U+FFFD.
//!
//! # Parts
//!
//! [`Framer`] finds the ends of stanzas, [`Decoder`] parses them, [`XmlWriter`] writes them. None
//! of the three does any I/O.

mod backoff;
mod config;
mod connection;
mod decoder;
mod end;
mod error;
mod framing;
mod handshake;
mod keepalive;
mod opening;
mod outbox;
mod reader;
mod scanner;
mod scope;
mod stream;
mod tape;
mod text;
mod writer;
mod xml;

pub use config::{BackoffConfig, Limits, Secret, StreamConfig, Timeouts};
pub use decoder::{Decoder, Incoming};
pub use error::{FramingError, MalformedError};
pub use framing::{Frame, Framer};
pub use stream::Stream;
pub use writer::XmlWriter;
