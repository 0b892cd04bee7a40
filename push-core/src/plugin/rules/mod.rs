//! The rules of an administrator: ordered, the first that matches decides (MongooseIM's `push.rules`).

mod conditions;
mod facts;
mod rule;
#[cfg(test)]
mod tests;

pub use conditions::Conditions;
pub use facts::{Body, EventKind, UserStatus};
pub use rule::{Action, Content, Push, Rule, To};

use super::{Choice, Missed, Plugin, Reason, Situation, Verdict, Wants};
use crate::delivery::Notification;
use crate::registration::Registration;
use facts::Facts;

/// Decides by rules. A message that none matches is not worth a notification.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RulesPlugin {
    rules: Vec<Rule>,
    shadow: Option<Vec<Rule>>,
}

impl RulesPlugin {
    /// Returns the plugin that decides by `rules`, each of which has a name of its own.
    pub fn new(rules: Vec<Rule>) -> Self {
        Self {
            rules,
            shadow: None,
        }
    }

    /// Adds rules that decide nothing: where they would have decided otherwise, the verdict says so.
    #[must_use]
    pub fn with_shadow(self, shadow: Vec<Rule>) -> Self {
        Self {
            shadow: Some(shadow),
            ..self
        }
    }

    /// Returns the rules that decide, in order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Returns the rules that decide nothing, in order.
    pub fn shadow(&self) -> &[Rule] {
        self.shadow.as_deref().unwrap_or_default()
    }

    /// Returns the notification of the rule of that name, which is the reason of its verdict.
    pub fn push(&self, name: &Reason) -> Option<&Push> {
        let rule = self.rules.iter().find(|rule| rule.name == *name);
        rule.and_then(Rule::push)
    }
}

impl Plugin for RulesPlugin {
    fn name(&self) -> &'static str {
        "rules"
    }

    fn wants(&self) -> Wants {
        let all = self.rules.iter().chain(self.shadow.iter().flatten());
        let pushing = all.filter(|rule| rule.push().is_some());
        pushing.fold(Wants::default(), |wants, rule| wants.union(rule.wants()))
    }

    fn should_publish(&self, missed: &Missed<'_>) -> Verdict {
        let facts = Facts::of(missed);
        let (verdict, push) = verdict(&self.rules, missed, &facts);
        let Some(shadow) = &self.shadow else {
            return verdict;
        };
        let (otherwise, other) = self::verdict(shadow, missed, &facts);
        if push == other {
            return verdict;
        }
        verdict.but(otherwise.reason().clone())
    }

    fn prepare_notification(&self, missed: &Missed<'_>) -> Notification {
        let push = missed.reason.and_then(|name| self.push(name));
        let notification = push.and_then(|push| push.notification(missed).ok());
        notification.unwrap_or_default()
    }

    fn publish_notification(
        &self,
        situation: &Situation<'_>,
        _: &Notification,
        registration: &Registration,
    ) -> Choice {
        let push = situation.reason.and_then(|name| self.push(name));
        match push.map(|push| push.to) {
            None => Choice::skip("the rule is gone"),
            Some(To::All) => Choice::Publish,
            Some(To::Absent) => situation.choose(registration),
            Some(To::Session) if situation.was_enabled_in_session(registration) => Choice::Publish,
            Some(To::Session) => Choice::skip("it was not enabled in that session"),
        }
    }
}

/// Returns what a list of rules decides about a message, with the notification's rule if there is one.
fn verdict<'a>(
    rules: &'a [Rule],
    missed: &Missed<'_>,
    facts: &Facts<'_>,
) -> (Verdict, Option<&'a Push>) {
    let Some(rule) = rules.iter().find(|rule| rule.matches(facts)) else {
        return (Verdict::skip("no rule matches"), None);
    };
    let Some(push) = rule.push() else {
        return (Verdict::skip(rule.name.clone()), None);
    };
    match push.notification(missed) {
        Ok(_) => (Verdict::publish(rule.name.clone()), Some(push)),
        Err(why) => (Verdict::skip(format!("{}: {why}", rule.name)), None),
    }
}
