//! What decides which missed messages are worth a notification (the reference's `plugin_module`).

mod default;
mod mongooseim;

pub use default::{Content, DefaultPlugin};
pub use mongooseim::MongooseImPlugin;

use crate::registration::Registration;
use crate::session::{Cause, Session};
use crate::xep::message::Message;
use crate::xep::push::Summary;
use std::fmt::Debug;

/// Decides what is pushed, and to which of the user's registrations. Pure and synchronous.
///
/// For each missed message [`Plugin::prepare_notification`] is asked first; only if there is something to say is the
/// account looked up, and [`Plugin::should_publish`] asked for each registration.
pub trait Plugin: Debug + Send + Sync {
    /// The name the configuration knows it by.
    fn name(&self) -> &'static str;

    /// What a notification about this message says; `None` when it is not worth one.
    fn prepare_notification(&self, missed: &Missed<'_>) -> Option<Summary>;

    /// Whether this registration is told.
    ///
    /// The default: what a hibernated session missed goes to the registrations of its resource (to those of no other live
    /// session, when it has none), everything else to the registrations without a live session.
    fn should_publish(&self, situation: &Situation<'_>, registration: &Registration) -> bool {
        situation.concerns(registration)
    }
}

/// A missed message, for the decision what to say.
#[derive(Clone, Copy, Debug)]
pub struct Missed<'a> {
    /// Why it was missed.
    pub cause: Cause,
    /// The message, wrappers taken off; `None` when the adapter had to let go of its content.
    pub message: Option<Message<'a>>,
    /// How many messages this one stands for.
    pub count: u64,
}

/// Where the user was when the message was missed, for the decision whom to tell.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// Why it was missed.
    pub cause: Cause,
    /// The resource of the session that missed it.
    pub resource: Option<&'a str>,
    /// The user's sessions.
    pub sessions: &'a [Session],
    /// Whether a registration of the account was enabled by [`Situation::resource`].
    pub bound: bool,
}

impl Situation<'_> {
    /// The rule of [`Plugin::should_publish`]'s default.
    pub fn concerns(&self, registration: &Registration) -> bool {
        let of_resource =
            self.resource.is_some() && registration.resource.as_deref() == self.resource;
        match self.cause {
            Cause::Queued | Cause::Unacked if self.bound => of_resource,
            Cause::Offline | Cause::Lost if !self.reachable() => true,
            _ => !self.is_live(registration),
        }
    }

    /// Whether a session takes messages to the bare JID now: the user is (back) online.
    pub fn reachable(&self) -> bool {
        self.sessions.iter().any(Session::takes_messages)
    }

    /// Whether the device of this registration has a connection.
    fn is_live(&self, registration: &Registration) -> bool {
        let of_device = |session: &&Session| {
            Some(session.resource.as_str()) == registration.resource.as_deref()
        };
        let missed_here = |session: &Session| {
            matches!(self.cause, Cause::Queued | Cause::Unacked)
                && Some(session.resource.as_str()) == self.resource
        };
        self.sessions
            .iter()
            .filter(of_device)
            .any(|session| session.is_live() && !missed_here(session))
    }
}
