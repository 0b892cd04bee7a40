//! The live suite: real servers with the adapter, real clients, the real binary.
//!
//! `live/suite/` is written once; each server includes the modules that hold for it and gives them `stage()`. A test's name tells
//! both: `prosody::suite::missed::a_user_without_a_session_is_told`.
//!
//! | Server | Archive | What else |
//! |---|---|---|
//! | `prosody`, `ejabberd` | yes | restarts, reloads, faults; `if_offline` on ejabberd |
//! | `prosody_plain`, `ejabberd_plain` | no | `mod_privilege`, and nothing sent anew, on ejabberd |
//! | `prosody_zero_code` | yes | no adapter |
//!
//! `on_postgres`, `on_mongo` and `on_sqlite` beside a suite are of several instances with one database; `program` needs no XMPP
//! server, and `isolation` plays one.
#![expect(
    clippy::duplicate_mod,
    reason = "the suite is included once for each server"
)]

#[path = "live/ejabberd.rs"]
mod ejabberd;
#[path = "live/ejabberd_plain.rs"]
mod ejabberd_plain;
#[path = "live/isolation.rs"]
mod isolation;
#[path = "live/once.rs"]
mod once;
#[path = "live/program.rs"]
mod program;
#[path = "live/prosody.rs"]
mod prosody;
#[path = "live/prosody_plain.rs"]
mod prosody_plain;
#[path = "live/prosody_zero_code.rs"]
mod prosody_zero_code;
