//! The kit for databases keeps what it promises to the suites that build on it.

#[cfg(feature = "mongo")]
#[path = "database/mongo.rs"]
mod mongo;
#[cfg(feature = "postgres")]
#[path = "database/postgres.rs"]
mod postgres;
