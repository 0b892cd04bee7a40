//! XML as the core sees it: parsed stanzas to read, a sink to write into. No syntax here.
//!
//! Incoming stanzas are not trees. A transport fills one buffer and a flat tape of nodes
//! ([`StanzaBuilder`]); everything else reads it through [`ElementRef`]. Outgoing stanzas are
//! typed values that write themselves into an [`ElementSink`].

mod builder;
mod element;
mod namespace;
#[cfg(test)]
pub(crate) mod sample;
mod sink;
mod stanza;
mod tape;

pub use builder::{StanzaBuilder, TapeError};
pub use element::{Children, ElementRef};
pub use namespace::Namespace;
pub use sink::{ElementSink, WriteXml};
pub use stanza::Stanza;
pub use tape::Span;
