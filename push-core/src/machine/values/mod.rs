//! Records that travel between the parts. They are plain: whoever holds one may read and change it.

mod deferral;
mod effect;
mod item;
mod key;
mod notification;
mod sending;

pub(super) use deferral::{Attempts, Parked, Retry, TakenOff};
pub(super) use effect::{AttachedRoute, Deferral, Effect, RouteEvent, Told, Withdrawn};
pub(super) use item::{Asked, ClientRequest, Found, Item, Registrations, ReplyTo};
pub(super) use key::{MessageKey, add as add_keys};
pub(super) use notification::{Arrival, Decided, Pending, Queued, slot};
pub(super) use sending::{AfterAttempt, Attempt, Finished, HealthChange, Place, Sending};
