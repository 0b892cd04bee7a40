//! `[[push.rules]]`: what the administrator finds worth a notification, and what that says.

use super::environment::Environment;
use super::problems::Problems;
use super::reader::Reader;
use super::syntax;
use push_core::Class;
use push_core::JidPattern;
use push_core::plugin::RulesPlugin;
use push_core::plugin::rules::{
    Action, Body, Conditions, Content, EventKind, Push, Rule, To, UserStatus,
};
use push_core::session::{Cause, ClientState};
use push_core::xep::hints::Hint;
use push_core::xep::message::MessageType;
use std::collections::BTreeSet;
use std::path::Path;
use toml::Value;

/// The section of the rules of all hosts.
const SECTION: &str = "push";

/// A file with rules, be there anything else in it or not.
#[derive(Debug)]
pub(crate) struct RulesFile<'a>(&'a Path);

impl<'a> RulesFile<'a> {
    pub(crate) fn new(path: &'a Path) -> Self {
        Self(path)
    }

    /// Reads the rules. The error has every problem of them.
    pub(crate) fn read(&self) -> Result<RulesPlugin, Problems> {
        let text = syntax::read(self.0)?;
        let mut table = syntax::parse(&text, self.0)?;
        table.retain(|key, _| key == "push");
        if let Some(push) = table.get_mut("push").and_then(Value::as_table_mut) {
            push.retain(|key, _| key.ends_with("rules"));
        }
        let folder = self.0.parent().unwrap_or(Path::new("."));
        let mut reader = Reader::new(table, Environment::default(), folder);
        let rules = lists(&mut reader, SECTION);
        let rules = reader.required("push.rules", rules);
        let rules = reader.finish(rules);
        rules.map_err(|problems| problems.with_lines(&text))
    }
}

/// Reads the rules of a section that decide and those that are only tried, if there are any.
pub(super) fn lists(reader: &mut Reader<'_>, section: &str) -> Option<RulesPlugin> {
    let shadow_path = format!("{section}.shadow_rules");
    let deciding = rules(reader, &format!("{section}.rules"));
    let shadow = rules(reader, &shadow_path);
    if deciding.is_none() && shadow.is_some() {
        let reason = "are compared with rules, of which there are none";
        reader.problem(&shadow_path, reason);
    }
    let plugin = RulesPlugin::new(deciding?);
    Some(match shadow {
        None => plugin,
        Some(shadow) => plugin.with_shadow(shadow),
    })
}

/// Reads a list of rules, if it is there.
fn rules(reader: &mut Reader<'_>, section: &str) -> Option<Vec<Rule>> {
    let sections = reader.sections(section);
    let rules: Vec<Option<Rule>> = sections.iter().map(|path| rule(reader, path)).collect();
    let mut names = BTreeSet::new();
    for (path, rule) in sections.iter().zip(&rules) {
        let name = rule.as_ref().map(|rule| rule.name.as_str().to_owned());
        if name.is_some_and(|name| !names.insert(name)) {
            reader.problem(&format!("{path}.name"), "is the name of an earlier rule");
        }
    }
    let rules: Vec<Rule> = rules.into_iter().flatten().collect();
    (!sections.is_empty()).then_some(rules)
}

fn rule(reader: &mut Reader<'_>, path: &str) -> Option<Rule> {
    let name_path = format!("{path}.name");
    let name = reader.parsed(&name_path, "a name, not empty", |text| {
        (!text.is_empty()).then(|| text.to_owned())
    });
    let name = reader.required(&name_path, name);
    let conditions = any_of(reader, &format!("{path}.conditions"));
    let action = action(reader, path);
    Some(Rule {
        name: name?.into(),
        conditions,
        action: action?,
    })
}

fn action(reader: &mut Reader<'_>, path: &str) -> Option<Action> {
    let action = format!("{path}.action");
    let is_push = reader.choice(&action, &[("push", true), ("skip", false)]);
    let is_push = reader.required(&action, is_push);
    let content_path = format!("{path}.content");
    let contents = [
        ("nothing", Content::Nothing),
        ("count", Content::Count),
        ("sender", Content::Sender),
        ("message", Content::Message),
        ("jingle", Content::Jingle),
    ];
    let content = reader.choice(&content_path, &contents);
    let class = class(reader, path);
    let to = to(reader, path);
    let sender = reader.string(&format!("{path}.sender"));
    let body = reader.string(&format!("{path}.body"));
    if is_push? {
        let mut push = Push::default();
        push.content = reader.required(&content_path, content)?;
        push.class = class.unwrap_or_default();
        push.to = to.unwrap_or_default();
        (push.sender, push.body) = (sender, body);
        return Some(Action::Push(push));
    }
    let given = [
        ("content", content.is_some()),
        ("class", class.is_some()),
        ("to", to.is_some()),
        ("sender", sender.is_some()),
        ("body", body.is_some()),
    ];
    for (key, _) in given.into_iter().filter(|(_, given)| *given) {
        let path = format!("{path}.{key}");
        reader.problem(&path, "has no effect with the action \"skip\"");
    }
    Some(Action::Skip)
}

fn class(reader: &mut Reader<'_>, path: &str) -> Option<Class> {
    let classes = [Class::Message, Class::Call, Class::Stop];
    let classes = classes.map(|class| (class.as_str(), class));
    reader.choice(&format!("{path}.class"), &classes)
}

fn to(reader: &mut Reader<'_>, path: &str) -> Option<To> {
    let known = [
        ("all", To::All),
        ("session", To::Session),
        ("absent", To::Absent),
    ];
    reader.choice(&format!("{path}.to"), &known)
}

/// Reads the tables of which one has to hold; an empty list if there are none.
fn any_of(reader: &mut Reader<'_>, path: &str) -> Vec<Conditions> {
    let sections = reader.sections(path);
    let mut known = Vec::new();
    for path in &sections {
        let conditions = conditions(reader, path);
        if conditions.is_empty() {
            reader.problem(path, "has no condition: leave it out to match always");
        } else if known.contains(&conditions) {
            reader.problem(path, "is there twice");
        }
        known.push(conditions);
    }
    known
}

/// Reads the conditions that all have to hold.
fn conditions(reader: &mut Reader<'_>, path: &str) -> Conditions {
    let at = |key: &str| format!("{path}.{key}");
    let mut conditions = Conditions::default();
    let causes = Cause::ALL.map(|cause| (cause.as_str(), cause));
    conditions.cause = reader.choice(&at("cause"), &causes);
    conditions.event = reader.choice(
        &at("event"),
        &[
            ("msg", EventKind::Message),
            ("unack_msg", EventKind::Unacknowledged),
        ],
    );
    conditions.kind = reader.choice(
        &at("type"),
        &[
            ("chat", MessageType::Chat),
            ("groupchat", MessageType::Groupchat),
            ("headline", MessageType::Headline),
            ("normal", MessageType::Normal),
        ],
    );
    conditions.body = reader.choice(
        &at("body"),
        &[
            ("absent", Body::Absent),
            ("empty", Body::Empty),
            ("non_empty", Body::NonEmpty),
        ],
    );
    let hints = [("store", Hint::Store), ("no_store", Hint::NoStore)];
    conditions.hint = reader.choice(&at("hint"), &hints);
    conditions.jingle = reader.boolean(&at("jingle"));
    conditions.encrypted = reader.boolean(&at("encrypted"));
    let jids = "a bare JID, a domain, or domains such as \"*.example.net\"";
    conditions.from = reader.parsed(&at("from"), jids, JidPattern::read);
    let least = reader.count(&at("count"));
    conditions.least_count = least.and_then(|least| u64::try_from(least).ok());
    of_user(reader, path, &mut conditions);
    conditions
}

/// Reads the conditions about the user and their sessions.
fn of_user(reader: &mut Reader<'_>, path: &str, conditions: &mut Conditions) {
    conditions.user_status = reader.choice(
        &format!("{path}.user_status"),
        &[
            ("online", UserStatus::Online),
            ("offline", UserStatus::Offline),
        ],
    );
    conditions.client_state = reader.choice(
        &format!("{path}.client_state"),
        &[
            ("active", ClientState::Active),
            ("inactive", ClientState::Inactive),
        ],
    );
}
