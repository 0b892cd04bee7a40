//! Real databases for the tests.
//!
//! | Module | What it starts | Feature |
//! |---|---|---|
//! | `postgres` | a cluster of PostgreSQL that is thrown away | `postgres` |
//! | `mongo` | a server that speaks MongoDB's protocol | `mongo` |
//! | `sqlite` | nothing: a folder for a file | |
//!
//! Starting one takes about a second, so tests share one per test process and each makes a database of its own in it:
//! `postgres::fresh_database`, `mongo::fresh_database`. A test that stops, kills or halts its server starts its own:
//! `Cluster::own()`; the methods that do so want it mutable, which the shared one is not.
//!
//! Connections that are cut or hang are made by a [`Proxy`](crate::server::proxy::Proxy) in between and `Database::at` its
//! port.

#[cfg(feature = "mongo")]
pub mod mongo;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod sqlite;
pub mod tls;

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// A name that no other database or role has, also not one that an earlier test has left in a server that lasts.
#[must_use]
pub fn unique_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = now.unwrap_or_default().as_secs();
    format!("push_{seconds:x}_{}_{number}", std::process::id())
}

/// A name or password as it stands in a URL (RFC 3986, section 2.1).
#[must_use]
pub fn percent_encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            write!(encoded, "%{byte:02X}").unwrap_or_default();
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_takes_any_password() {
        assert_eq!(percent_encoded("a-Z.0_~"), "a-Z.0_~");
        assert_eq!(percent_encoded("p@s:/ä%"), "p%40s%3A%2F%C3%A4%25");
    }
}
