//! Keeps XMPP push registrations in PostgreSQL.
