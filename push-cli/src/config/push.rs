//! `[push]`: what is worth a notification, what it says, and who it is from.

use super::reader::{Reader, set};
use super::rules;
use push_core::IdentityChoice;
use push_core::plugin::{Content, DefaultPlugin, MongooseImPlugin, PerHost, Plugin, RulesPlugin};
use push_core::registration::Identity;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The section of all hosts, and that of one.
const SECTION: &str = "push";
pub(super) const HOST: &str = "host";

/// The plugin, with what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PluginChoice {
    Default(Content),
    MongooseIm(MongooseImPlugin),
    Rules(RulesPlugin),
}

impl PluginChoice {
    fn build(&self) -> Arc<dyn Plugin> {
        match self {
            Self::Default(content) => Arc::new(DefaultPlugin::new(content.clone())),
            Self::MongooseIm(plugin) => Arc::new(*plugin),
            Self::Rules(rules) => Arc::new(rules.clone()),
        }
    }
}

/// Reads the plugin of all hosts.
pub(super) fn plugin(reader: &mut Reader<'_>) -> PluginChoice {
    plugin_in(reader, SECTION).unwrap_or(PluginChoice::Default(Content::default()))
}

/// Reads `[[host]]`: another plugin for one of `hosts` each.
pub(super) fn of_hosts(
    reader: &mut Reader<'_>,
    hosts: Option<&[String]>,
) -> BTreeMap<String, PluginChoice> {
    let mut by_host = BTreeMap::new();
    for section in reader.sections(HOST) {
        let path = format!("{section}.name");
        let name = reader.string(&path).map(|name| name.to_lowercase());
        let name = reader.required(&path, name);
        let plugin = plugin_in(reader, &section);
        if plugin.is_none() {
            reader.problem(&section, "has neither a plugin nor rules");
        }
        let Some((name, plugin)) = name.zip(plugin) else {
            continue;
        };
        if hosts.is_some_and(|hosts| !hosts.contains(&name)) {
            reader.problem(&path, "is none of component.hosts");
        } else if by_host.insert(name, plugin).is_some() {
            reader.problem(&path, "is the name of an earlier section");
        }
    }
    by_host
}

/// Returns the plugin that decides, for each user by their host.
pub(super) fn build(
    others: &PluginChoice,
    by_host: &BTreeMap<String, PluginChoice>,
) -> Arc<dyn Plugin> {
    if by_host.is_empty() {
        return others.build();
    }
    let by_host = by_host.iter();
    let by_host = by_host.map(|(host, plugin)| (host.clone(), plugin.build()));
    Arc::new(PerHost::new(others.build(), by_host.collect()))
}

/// Reads the plugin in a section, if there is anything about one.
fn plugin_in(reader: &mut Reader<'_>, section: &str) -> Option<PluginChoice> {
    let at = |key: &str| format!("{section}.{key}");
    let known = [
        ("default", PluginChoice::Default(Content::default())),
        (
            "mongooseim",
            PluginChoice::MongooseIm(MongooseImPlugin::Defaults),
        ),
        (
            "mongooseim-enhanced",
            PluginChoice::MongooseIm(MongooseImPlugin::Enhanced),
        ),
        (
            "mongooseim-hints",
            PluginChoice::MongooseIm(MongooseImPlugin::Hints),
        ),
    ];
    let chosen = reader.choice(&at("plugin"), &known);
    let sender = reader.boolean(&at("include_sender"));
    let body = reader.boolean(&at("include_body"));
    let placeholder = reader.string(&at("placeholder"));
    let given = [
        ("include_sender", sender.is_some()),
        ("include_body", body.is_some()),
        ("placeholder", placeholder.is_some()),
    ];
    let given: Vec<&str> = given
        .iter()
        .filter(|(_, is)| *is)
        .map(|(key, _)| *key)
        .collect();
    let rules = rules::lists(reader, section);
    if rules.is_some() && chosen.is_some() {
        let reason = format!("is given beside [[{section}.rules]]: give one of them");
        reader.problem(&at("plugin"), reason);
    }
    let chosen = rules.map(PluginChoice::Rules).or(chosen);
    if let Some(chosen) = chosen
        .clone()
        .filter(|chosen| !matches!(chosen, PluginChoice::Default(_)))
    {
        for key in given {
            let reason = "has no effect: it belongs to the plugin \"default\"";
            reader.problem(&at(key), reason);
        }
        return Some(chosen);
    }
    let mut content = Content::default();
    set(&mut content.sender, sender);
    set(&mut content.body, body);
    set(&mut content.placeholder, placeholder);
    let is_given = chosen.is_some() || !given.is_empty();
    is_given.then_some(PluginChoice::Default(content))
}

pub(super) fn identity(reader: &mut Reader<'_>) -> IdentityChoice {
    let known = [
        ("auto", IdentityChoice::Auto),
        ("server", IdentityChoice::Only(Identity::Server)),
        ("user", IdentityChoice::Only(Identity::User)),
        ("component", IdentityChoice::Only(Identity::Component)),
    ];
    let chosen = reader.choice("push.identity", &known);
    chosen.unwrap_or(IdentityChoice::Auto)
}
