//! RFC 6120 §8.3: stanza errors.

use crate::xml::{ElementRef, ElementSink, Namespace, WriteXml};
use std::borrow::Cow;

/// What the sender of the faulty stanza should do (RFC 6120 §8.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorType {
    /// Retry after providing credentials.
    Auth,
    /// Do not retry.
    Cancel,
    /// Only a warning.
    Continue,
    /// Retry after changing what was sent.
    Modify,
    /// Retry after waiting.
    Wait,
}

impl ErrorType {
    /// The value of the `type` attribute.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Cancel => "cancel",
            Self::Continue => "continue",
            Self::Modify => "modify",
            Self::Wait => "wait",
        }
    }

    /// The type of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        let all = [
            Self::Auth,
            Self::Cancel,
            Self::Continue,
            Self::Modify,
            Self::Wait,
        ];
        all.into_iter().find(|known| known.as_str() == name)
    }
}

macro_rules! conditions {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $kind:ident;)*) => {
        /// The defined conditions of RFC 6120 §8.3.3.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum DefinedCondition {
            $($(#[$doc])* $variant,)*
        }

        impl DefinedCondition {
            /// Every condition.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The element's name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The condition of that name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }

            /// The type RFC 6120 proposes for it, taken where a peer left the type out.
            pub const fn usual_type(self) -> ErrorType {
                match self { $(Self::$variant => ErrorType::$kind,)* }
            }
        }
    };
}

conditions! {
    /// The stanza is malformed.
    BadRequest = "bad-request", Modify;
    /// A resource or session of that name exists.
    Conflict = "conflict", Cancel;
    /// The addressee does not implement it.
    FeatureNotImplemented = "feature-not-implemented", Cancel;
    /// The sender may not.
    Forbidden = "forbidden", Auth;
    /// The addressee is gone for good.
    Gone = "gone", Cancel;
    /// The server failed.
    InternalServerError = "internal-server-error", Cancel;
    /// No such JID or node.
    ItemNotFound = "item-not-found", Cancel;
    /// Not a JID.
    JidMalformed = "jid-malformed", Modify;
    /// Outside of what the addressee accepts.
    NotAcceptable = "not-acceptable", Modify;
    /// Nobody may.
    NotAllowed = "not-allowed", Cancel;
    /// Credentials are missing.
    NotAuthorized = "not-authorized", Auth;
    /// A local policy is violated.
    PolicyViolation = "policy-violation", Modify;
    /// The addressee is away.
    RecipientUnavailable = "recipient-unavailable", Wait;
    /// Go elsewhere.
    Redirect = "redirect", Modify;
    /// Register first.
    RegistrationRequired = "registration-required", Auth;
    /// The addressee's server does not exist or cannot be resolved.
    RemoteServerNotFound = "remote-server-not-found", Cancel;
    /// The addressee's server cannot be reached in time.
    RemoteServerTimeout = "remote-server-timeout", Wait;
    /// Too busy.
    ResourceConstraint = "resource-constraint", Wait;
    /// Not offered here.
    ServiceUnavailable = "service-unavailable", Cancel;
    /// Subscribe first.
    SubscriptionRequired = "subscription-required", Auth;
    /// None of the others.
    UndefinedCondition = "undefined-condition", Modify;
    /// Understood, but not now.
    UnexpectedRequest = "unexpected-request", Wait;
}

/// A stanza error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StanzaError {
    /// What the sender should do.
    pub kind: ErrorType,
    /// What is wrong.
    pub condition: DefinedCondition,
    /// What is wrong, in words.
    pub text: Option<Cow<'static, str>>,
}

impl StanzaError {
    /// An error without text.
    pub const fn new(kind: ErrorType, condition: DefinedCondition) -> Self {
        Self {
            kind,
            condition,
            text: None,
        }
    }

    /// The error saying `text`.
    #[must_use]
    pub fn with_text(self, text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            text: Some(text.into()),
            ..self
        }
    }

    /// Reads an `<error/>`. A missing type is the condition's usual one, an unknown condition is undefined.
    pub fn read(error: ElementRef<'_>) -> Self {
        let defined = |child: ElementRef<'_>| {
            let own = child.namespace() == Namespace::StanzaErrors;
            own.then(|| DefinedCondition::from_name(child.name()))
                .flatten()
        };
        let condition = error.children().find_map(defined);
        let condition = condition.unwrap_or(DefinedCondition::UndefinedCondition);
        let kind = error.attribute("type").and_then(ErrorType::from_name);
        let text = error.child("text", Namespace::StanzaErrors);
        Self {
            kind: kind.unwrap_or(condition.usual_type()),
            condition,
            text: text.map(|text| text.text().into_owned().into()),
        }
    }
}

impl WriteXml for StanzaError {
    fn write_xml(&self, sink: &mut dyn ElementSink) {
        sink.start("error", Namespace::Component);
        self.write_content(sink);
        sink.end();
    }
}

impl StanzaError {
    /// Writes attributes and children into an `<error/>` that is open.
    pub(crate) fn write_content(&self, sink: &mut dyn ElementSink) {
        sink.attribute("type", self.kind.as_str());
        sink.start(self.condition.as_str(), Namespace::StanzaErrors);
        sink.end();
        if let Some(text) = &self.text {
            sink.leaf("text", Namespace::StanzaErrors, text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::{Stanza, StanzaBuilder};

    fn written(error: &StanzaError) -> Stanza {
        let mut sink = StanzaBuilder::new();
        error.write_xml(&mut sink);
        sink.finish().unwrap()
    }

    #[test]
    fn every_condition_reads_back() {
        for &condition in DefinedCondition::ALL {
            let error = StanzaError::new(condition.usual_type(), condition).with_text("why");
            assert_eq!(StanzaError::read(written(&error).root()), error);
        }
        assert_eq!(DefinedCondition::ALL.len(), 22);
    }

    #[test]
    fn what_is_missing_is_the_usual() {
        let mut sink = StanzaBuilder::new();
        sink.start("error", Namespace::Component);
        sink.start("forbidden", Namespace::StanzaErrors);
        sink.end();
        sink.end();
        let error = StanzaError::read(sink.finish().unwrap().root());
        assert_eq!(
            error,
            StanzaError::new(ErrorType::Auth, DefinedCondition::Forbidden)
        );
    }

    #[test]
    fn an_unknown_condition_is_undefined() {
        let mut sink = StanzaBuilder::new();
        sink.start("error", Namespace::Component);
        sink.attribute("type", "cancel");
        sink.start("forbidden", Namespace::Other);
        sink.end();
        sink.end();
        let error = StanzaError::read(sink.finish().unwrap().root());
        assert_eq!(
            error,
            StanzaError::new(ErrorType::Cancel, DefinedCondition::UndefinedCondition)
        );
    }
}
