//! Keeps XMPP push registrations in MongoDB.
