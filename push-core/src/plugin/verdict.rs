//! Decisions of plugins, and their reasons.

use crate::delivery::Notification;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Whether a message is worth a notification, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    publish: bool,
    reason: Reason,
    shadow: Option<Reason>,
}

impl Verdict {
    /// It is, for this reason.
    pub fn publish(reason: impl Into<Reason>) -> Self {
        Self {
            publish: true,
            reason: reason.into(),
            shadow: None,
        }
    }

    /// It is not, for this reason.
    pub fn skip(reason: impl Into<Reason>) -> Self {
        Self {
            publish: false,
            reason: reason.into(),
            shadow: None,
        }
    }

    /// Returns whether the message is worth a notification.
    pub const fn is_publish(&self) -> bool {
        self.publish
    }

    /// Returns the same, but that rules which are only tried would have decided otherwise, for this reason.
    #[must_use]
    pub fn but(self, shadow: impl Into<Reason>) -> Self {
        Self {
            shadow: Some(shadow.into()),
            ..self
        }
    }

    /// Returns why.
    pub const fn reason(&self) -> &Reason {
        &self.reason
    }

    /// Returns why rules that are only tried would have decided otherwise, if they would.
    pub const fn shadow(&self) -> Option<&Reason> {
        self.shadow.as_ref()
    }
}

/// The decision about one registration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Choice {
    /// The notification as it was prepared.
    Publish,
    /// Another one.
    PublishInstead(Box<Notification>),
    /// Nothing, for this reason.
    Skip(Reason),
}

impl Choice {
    /// Tells nothing, for this reason.
    pub fn skip(reason: impl Into<Reason>) -> Self {
        Self::Skip(reason.into())
    }
}

/// Why something was decided: the name of a rule or a few words. It must hold nothing of the message. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Reason(Text);

#[derive(Clone, Debug)]
enum Text {
    Static(&'static str),
    Shared(Arc<str>),
}

impl Reason {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Text::Static(text) => text,
            Text::Shared(text) => text,
        }
    }
}

impl PartialEq for Reason {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Reason {}

impl Hash for Reason {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl From<&'static str> for Reason {
    fn from(text: &'static str) -> Self {
        Self(Text::Static(text))
    }
}

impl From<String> for Reason {
    fn from(text: String) -> Self {
        Self(Text::Shared(text.into()))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
