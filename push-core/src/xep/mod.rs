//! One file per specification: tolerant in reading, strict in writing.

pub mod carbons;
pub mod data_forms;
pub mod delegation;
pub mod disco;
pub mod encryption;
pub mod error;
pub mod forwarding;
pub mod hints;
pub mod iq;
pub mod jingle_message;
pub mod message;
pub mod privilege;
pub mod pubsub;
pub mod push;
pub mod revocation;
pub mod stanza_id;
pub mod summary;
