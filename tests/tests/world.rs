//! The Machine in virtual time: what it says and does among servers, stores and push services that keep to the rules,
//! fail, lie and come back.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

#[path = "world/transcripts.rs"]
mod transcripts;
