//! Rules: what an error says about a registration.

use crate::xep::error::{DefinedCondition, ErrorType, StanzaError};

/// The meaning of an error for the registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// There is no such registration any more.
    Ends,
    /// It ends the registration when it repeats, over days, while others are accepted.
    Counts,
    /// It says nothing about the registration.
    Passes,
}

/// The errors that a verdict is for. What is empty does not matter.
#[derive(Debug)]
pub(super) struct Rule {
    kinds: &'static [ErrorType],
    conditions: &'static [DefinedCondition],
    /// A part of the error's text.
    text: &'static str,
    pub(super) verdict: Verdict,
}

impl Rule {
    /// Returns the rule for errors of these conditions.
    pub(super) const fn of(conditions: &'static [DefinedCondition], verdict: Verdict) -> Self {
        Self {
            kinds: &[],
            conditions,
            text: "",
            verdict,
        }
    }

    /// Returns the rule for all errors.
    pub(super) const fn all(verdict: Verdict) -> Self {
        Self::of(&[], verdict)
    }

    /// Returns the rule for those of these types alone.
    pub(super) const fn typed(self, kinds: &'static [ErrorType]) -> Self {
        Self { kinds, ..self }
    }

    /// Returns the rule for those alone whose text says this.
    const fn saying(self, text: &'static str) -> Self {
        Self { text, ..self }
    }

    pub(super) fn fits(&self, error: &StanzaError) -> bool {
        let text = error.text.as_deref().unwrap_or_default();
        (self.kinds.is_empty() || self.kinds.contains(&error.kind))
            && (self.conditions.is_empty() || self.conditions.contains(&error.condition))
            && text.contains(self.text)
    }
}

/// Applies where a profile says nothing else.
pub(super) const COMMON: &[Rule] = &[
    Rule::all(Verdict::Passes).typed(&[ErrorType::Wait, ErrorType::Continue]),
    Rule::of(
        &[
            DefinedCondition::RemoteServerNotFound,
            DefinedCondition::RemoteServerTimeout,
            DefinedCondition::ResourceConstraint,
        ],
        Verdict::Passes,
    ),
    Rule::of(
        &[
            DefinedCondition::ItemNotFound,
            DefinedCondition::Gone,
            DefinedCondition::Forbidden,
            DefinedCondition::NotAuthorized,
        ],
        Verdict::Ends,
    ),
    Rule::of(&[DefinedCondition::NotAcceptable], Verdict::Ends).saying("device-not-registered"),
    Rule::all(Verdict::Counts),
];
