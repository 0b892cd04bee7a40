//! XEP-0280: copies of messages for the user's other sessions.

use crate::xep::forwarding;
use crate::xml::{ElementRef, Namespace};

/// A carbon copy.
#[derive(Clone, Copy, Debug)]
pub enum Carbon<'a> {
    /// Of a message to the user.
    Received(ElementRef<'a>),
    /// Of a message by the user.
    Sent,
}

/// The carbon in a message, if it is one from the user's own account (§11: others are forged).
pub fn read(message: ElementRef<'_>) -> Option<Carbon<'_>> {
    if message.child("sent", Namespace::Carbons).is_some() {
        return Some(Carbon::Sent);
    }
    let received = message.child("received", Namespace::Carbons)?;
    let bare = |jid: &'_ str| jid.split('/').next().map(str::to_owned);
    let own = message.attribute("from").and_then(bare) == message.attribute("to").and_then(bare);
    forwarding::forwarded(received)
        .filter(|_| own)
        .map(Carbon::Received)
}
