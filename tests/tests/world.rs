//! The Machine in virtual time: what it says and does among servers, stores and push services that keep to the rules,
//! fail, lie and come back.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

#[path = "world/alike.rs"]
mod alike;
#[path = "world/apart.rs"]
mod apart;
#[path = "world/bounds.rs"]
mod bounds;
#[path = "world/course.rs"]
mod course;
#[path = "world/dedupe.rs"]
mod dedupe;
#[path = "world/deferred.rs"]
mod deferred;
#[path = "world/fuzz.rs"]
mod fuzz;
#[path = "world/identity.rs"]
mod identity;
#[path = "world/instances.rs"]
mod instances;
#[path = "world/isolation.rs"]
mod isolation;
#[path = "world/judge.rs"]
mod judge;
#[path = "world/late.rs"]
mod late;
#[path = "world/once.rs"]
mod once;
#[path = "world/poison.rs"]
mod poison;
#[path = "world/properties.rs"]
mod properties;
#[path = "world/publish.rs"]
mod publish;
#[path = "world/reattach.rs"]
mod reattach;
#[path = "world/retries.rs"]
mod retries;
#[path = "world/revoked.rs"]
mod revoked;
#[path = "world/rules.rs"]
mod rules;
#[path = "world/status.rs"]
mod status;
#[path = "world/store.rs"]
mod store;
#[path = "world/targets.rs"]
mod targets;
#[path = "world/transcripts.rs"]
mod transcripts;
#[path = "world/trust.rs"]
mod trust;
#[path = "world/users.rs"]
mod users;
#[path = "world/validation.rs"]
mod validation;
