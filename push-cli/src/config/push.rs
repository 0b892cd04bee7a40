//! `[push]`: what is worth a notification, what it says, and who it is from.

use super::reader::{Reader, set};
use super::rules;
use push_core::IdentityChoice;
use push_core::plugin::{
    Content, DefaultPlugin, MongooseImEnhancedPlugin, MongooseImHintsPlugin, MongooseImPlugin,
    Plugin, RulesPlugin,
};
use push_core::registration::Identity;
use std::sync::Arc;

/// The plugin, with what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PluginChoice {
    Default(Content),
    MongooseIm,
    MongooseImEnhanced,
    MongooseImHints,
    Rules(RulesPlugin),
}

impl PluginChoice {
    pub(super) fn build(&self) -> Arc<dyn Plugin> {
        match self {
            Self::Default(content) => Arc::new(DefaultPlugin::new(content.clone())),
            Self::MongooseIm => Arc::new(MongooseImPlugin),
            Self::MongooseImEnhanced => Arc::new(MongooseImEnhancedPlugin),
            Self::MongooseImHints => Arc::new(MongooseImHintsPlugin),
            Self::Rules(rules) => Arc::new(rules.clone()),
        }
    }
}

pub(super) fn plugin(reader: &mut Reader<'_>) -> PluginChoice {
    let known = [
        ("default", PluginChoice::Default(Content::default())),
        ("mongooseim", PluginChoice::MongooseIm),
        ("mongooseim-enhanced", PluginChoice::MongooseImEnhanced),
        ("mongooseim-hints", PluginChoice::MongooseImHints),
    ];
    let chosen = reader.choice("push.plugin", &known);
    let sender = reader.boolean("push.include_sender");
    let body = reader.boolean("push.include_body");
    let placeholder = reader.string("push.placeholder");
    let rules = rules::lists(reader);
    if rules.is_some() && chosen.is_some() {
        let reason = "is given beside [[push.rules]]: give one of them";
        reader.problem("push.plugin", reason);
    }
    let chosen = rules.map(PluginChoice::Rules).or(chosen);
    if let Some(chosen) = chosen.filter(|chosen| !matches!(chosen, PluginChoice::Default(_))) {
        let given = [
            ("push.include_sender", sender.is_some()),
            ("push.include_body", body.is_some()),
            ("push.placeholder", placeholder.is_some()),
        ];
        for (path, _) in given.into_iter().filter(|(_, given)| *given) {
            let reason = "has no effect: it belongs to the plugin \"default\"";
            reader.problem(path, reason);
        }
        return chosen;
    }
    let mut content = Content::default();
    set(&mut content.sender, sender);
    set(&mut content.body, body);
    set(&mut content.placeholder, placeholder);
    PluginChoice::Default(content)
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
