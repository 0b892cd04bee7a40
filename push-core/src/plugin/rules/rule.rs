//! One rule: what it is about, and what follows.

use super::conditions::Conditions;
use super::facts::{Body, Facts};
use crate::delivery::{Class, Notification};
use crate::plugin::default::sender;
use crate::plugin::{Missed, Reason, Wants};
use crate::xep::jingle_message::JingleMessage;
use crate::xep::summary::Summary;

/// A rule of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name, as it is told in reports.
    pub name: Reason,
    /// It matches when one of these holds, or always if there is none.
    pub conditions: Vec<Conditions>,
    /// The action that follows then.
    pub action: Action,
}

/// The action of a rule that matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nobody is told.
    Skip,
    /// A notification.
    Push(Push),
}

/// The notification that a rule makes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Push {
    /// Its content.
    pub content: Content,
    /// The sender it names in place of the message's.
    pub sender: Option<String>,
    /// Its text in place of the message's.
    pub body: Option<String>,
    /// How urgent it is.
    pub class: Class,
    /// Which registrations are told.
    pub to: To,
}

/// The content of a notification.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Content {
    /// Nothing: it wakes the device.
    Nothing,
    /// How many messages there are.
    Count,
    /// The same, and who sent the last.
    Sender,
    /// The same, and its text.
    #[default]
    Message,
    /// Which call it is, for messages about one (XEP-0353): in the fields `type`, `jmi-sid` and `jmi-from`.
    Jingle,
}

/// Which registrations of a user are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum To {
    /// All.
    #[default]
    All,
    /// Those that were enabled in the session that missed the message.
    Session,
    /// Those whose devices are not connected.
    Absent,
}

impl Rule {
    /// Returns the notification that it makes, if it makes one.
    pub fn push(&self) -> Option<&Push> {
        match &self.action {
            Action::Skip => None,
            Action::Push(push) => Some(push),
        }
    }

    /// Returns the messages that it may tell of beside those with a text or an encrypted payload.
    pub(super) fn wants(&self) -> Wants {
        let is_always = self.conditions.is_empty();
        let admitting = |of: &&Conditions| of.admit_no_content();
        let mut admitting = self.conditions.iter().filter(admitting).peekable();
        Wants {
            calls: is_always || admitting.peek().is_some(),
            any: is_always || admitting.any(|of| !of.admit_calls_only()),
        }
    }

    /// Returns whether the rule matches a missed message.
    pub(super) fn matches(&self, facts: &Facts<'_>) -> bool {
        self.conditions.is_empty() || self.conditions.iter().any(|each| each.hold_of(facts))
    }
}

impl Push {
    /// Returns the notification about a message, or why it cannot be made.
    pub fn notification(&self, missed: &Missed<'_>) -> Result<Notification, &'static str> {
        let mut content = match self.content {
            Content::Nothing => Summary::default(),
            Content::Count => count(missed),
            Content::Sender => with_sender(missed),
            Content::Message => Summary {
                last_message_body: Some(self.text(missed)?),
                ..with_sender(missed)
            },
            Content::Jingle => call(missed)?,
        };
        if let Some(sender) = &self.sender {
            content.last_message_sender = Some(sender.clone());
        }
        if let Some(body) = &self.body {
            content.last_message_body = Some(body.clone());
        }
        Ok(Notification {
            class: self.class,
            ..Notification::new(content)
        })
    }

    fn text(&self, missed: &Missed<'_>) -> Result<String, &'static str> {
        let message = missed.message.ok_or("the content was lost");
        match (&self.body, message.map(|of| (of, Body::of(of)))) {
            (Some(body), _) => Ok(body.clone()),
            (None, Ok((_, Body::Absent))) => Err("there is no body"),
            (None, Ok((message, _))) => Ok(message.body().unwrap_or_default().into()),
            (None, Err(error)) => Err(error),
        }
    }
}

fn count(missed: &Missed<'_>) -> Summary {
    Summary {
        message_count: Some(missed.count),
        ..Summary::default()
    }
}

fn with_sender(missed: &Missed<'_>) -> Summary {
    Summary {
        last_message_sender: missed.message.and_then(sender),
        ..count(missed)
    }
}

fn call(missed: &Missed<'_>) -> Result<Summary, &'static str> {
    let message = missed.message.ok_or("the content was lost")?;
    let call = JingleMessage::read(message.element).ok_or("it is not about a call")?;
    let id = call.id.ok_or("the call has no id")?;
    let from = message.from().map(|from| ("jmi-from", from.to_owned()));
    let fields = [("type", "jmi".to_owned()), ("jmi-sid", id.to_owned())];
    Ok(Summary {
        fields: fields.into_iter().chain(from).collect(),
        ..Summary::default()
    })
}
