//! The live suite: real servers with the adapter, real clients, the real binary.
//!
//! `live/suite/` is written once and included by each server, which gives it `stage()` and `server()`. A test's name tells both:
//! `prosody::suite::missed::a_user_without_a_session_is_told`.
#![expect(
    clippy::duplicate_mod,
    reason = "the suite is included once for each server"
)]

#[path = "live/ejabberd.rs"]
mod ejabberd;
#[path = "live/prosody.rs"]
mod prosody;
