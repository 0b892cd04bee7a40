//! Where a user was when they missed a message, and what follows for their devices.

use super::verdict::{Choice, Reason};
use crate::Timestamp;
use crate::registration::Registration;
use crate::session::{Cause, Session};
use jid::BareJid;
use std::sync::Arc;

/// A missed message whose account is known: for the decision which registrations are told.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Situation<'a> {
    /// The domain of the user's server.
    pub host: &'a str,
    /// Who missed it.
    pub owner: &'a BareJid,
    /// Why it was missed.
    pub cause: Cause,
    /// The resource of the session that missed it.
    pub resource: Option<&'a str>,
    /// The user's sessions.
    pub sessions: &'a [Session],
    /// All registrations of the account.
    pub registrations: &'a [Arc<Registration>],
    /// The plugin's reason why the message is worth a notification, if it was asked.
    pub reason: Option<&'a Reason>,
    /// The time.
    pub now: Timestamp,
}

impl<'a> Situation<'a> {
    /// Returns the situation of an owner without a session, about whom nothing else is known.
    pub const fn new(
        owner: &'a BareJid,
        cause: Cause,
        registrations: &'a [Arc<Registration>],
        now: Timestamp,
    ) -> Self {
        Self {
            host: "",
            owner,
            cause,
            resource: None,
            sessions: &[],
            registrations,
            reason: None,
            now,
        }
    }

    /// Applies the default rule of [`Plugin::publish_notification`](super::Plugin::publish_notification).
    pub fn choose(&self, registration: &Registration) -> Choice {
        if matches!(self.cause, Cause::Queued | Cause::Unacked) && self.is_registered() {
            return choice(
                self.is_of_resource(registration),
                "another device missed it",
            );
        }
        let is_offline = matches!(self.cause, Cause::Offline | Cause::Lost) && !self.is_reachable();
        let told = is_offline || !self.is_live(registration);
        choice(told, "the device is connected")
    }

    /// Returns whether a session takes messages to the bare JID now: the user is (back) online.
    pub fn is_reachable(&self) -> bool {
        self.sessions.iter().any(Session::takes_messages)
    }

    /// Returns whether this registration was enabled in the very session that missed the message.
    pub fn was_enabled_in_session(&self, registration: &Registration) -> bool {
        let missed_by = |session: &&Session| Some(session.resource.as_str()) == self.resource;
        let session = self.sessions.iter().find(missed_by);
        session.is_some_and(|session| session.enabled) && self.is_of_resource(registration)
    }

    /// Returns whether the session that missed the message has a registration of its own.
    fn is_registered(&self) -> bool {
        let mut registrations = self.registrations.iter();
        registrations.any(|registration| self.is_of_resource(registration))
    }

    fn is_of_resource(&self, registration: &Registration) -> bool {
        self.resource.is_some() && registration.resource.as_deref() == self.resource
    }

    /// Returns whether the device of this registration has a connection, not counting the one that missed the message.
    fn is_live(&self, registration: &Registration) -> bool {
        let missed_by = |session: &Session| {
            matches!(self.cause, Cause::Queued | Cause::Unacked)
                && Some(session.resource.as_str()) == self.resource
        };
        let mut sessions = self.sessions.iter();
        sessions.any(|session| {
            Some(session.resource.as_str()) == registration.resource.as_deref()
                && session.is_live()
                && !missed_by(session)
        })
    }
}

fn choice(told: bool, why_not: &'static str) -> Choice {
    if told {
        Choice::Publish
    } else {
        Choice::skip(why_not)
    }
}
