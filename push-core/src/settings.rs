//! What a Machine is told at its start, and when the configuration changes.

use crate::lease::Fence;
use crate::plugin::{DefaultPlugin, Plugin};
use crate::policy::Policy;
use crate::registration::Identity;
use std::sync::Arc;

/// Settings of a Machine.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The component's domain, lower case.
    pub component: String,
    /// The domains whose users are served, lower case. Only they are believed.
    pub hosts: Vec<String>,
    /// Who publishes are from.
    pub identity: IdentityChoice,
    /// Limits and time-outs.
    pub policy: Policy,
    /// What is worth a notification.
    pub plugin: Arc<dyn Plugin>,
    /// Of the lease the stream is opened under, where there is one.
    pub fence: Option<Fence>,
}

impl Settings {
    /// Defaults for this component and these hosts.
    pub fn new(component: impl Into<String>, hosts: Vec<String>) -> Self {
        Self {
            component: component.into(),
            hosts,
            identity: IdentityChoice::Auto,
            policy: Policy::default(),
            plugin: Arc::new(DefaultPlugin::default()),
            fence: None,
        }
    }
}

/// Who publishes are from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityChoice {
    /// The best the host has offered in this run; never a lesser one later.
    Auto,
    /// Only this one; publishes wait while it cannot be had.
    Only(Identity),
}
