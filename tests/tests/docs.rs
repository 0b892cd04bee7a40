//! What the documents promise: paths that exist, links that lead somewhere, keys and texts that are those of the code,
//! and a structure without circles.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on panics; a missing document says its path"
)]

#[path = "docs/commands.rs"]
mod commands;
#[path = "docs/configuration.rs"]
mod configuration;
#[path = "docs/errors.rs"]
mod errors;
#[path = "docs/links.rs"]
mod links;
#[path = "docs/markdown.rs"]
mod markdown;
#[path = "docs/paths.rs"]
mod paths;
#[path = "docs/protocol.rs"]
mod protocol;
#[path = "docs/repository.rs"]
mod repository;
#[path = "docs/structure/mod.rs"]
mod structure;
