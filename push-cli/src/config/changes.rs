//! Which keys differ between two configurations, and which of them a running service can follow.

use super::push::PluginChoice;
use super::store::StoreSettings;
use super::{Config, policy, push, service};
use push_core::Settings;
use push_core::plugin::Content;
use push_transport_xmpp::StreamConfig;
use std::time::Duration;

/// The keys that differ. Their values are not kept.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    /// Those that take effect at once.
    pub(crate) applied: Vec<&'static str>,
    /// Those that take effect at the next start.
    pub(crate) restart: Vec<&'static str>,
}

impl Config {
    /// Returns this configuration with everything of `new` that a running service can follow, and what differs.
    pub(crate) fn follow(&self, new: Self) -> (Self, Changes) {
        let changes = self.changes(&new);
        let mut settings = new.settings;
        settings.component.clone_from(&self.settings.component);
        // Follows from push.workers.call_timeout, as the store's own limits do.
        settings.policy.store_timeout = self.settings.policy.store_timeout;
        let mut log = new.log;
        log.format = self.log.format;
        let followed = Self {
            settings,
            plugin: new.plugin,
            plugins_of_hosts: new.plugins_of_hosts,
            drain_timeout: new.drain_timeout,
            log,
            ..self.clone()
        };
        (followed, changes)
    }

    fn changes(&self, new: &Self) -> Changes {
        let (policy, new_policy) = (&self.settings.policy, &new.settings.policy);
        let mut applied = settings(&self.settings, &new.settings);
        applied.extend(plugin(&self.plugin, &new.plugin));
        let hosts = self.plugins_of_hosts != new.plugins_of_hosts;
        applied.extend(differing([(push::HOST, hosts)]));
        applied.extend(differing([
            (
                "policy.drain_timeout",
                self.drain_timeout != new.drain_timeout,
            ),
            ("log.level", self.log.level != new.log.level),
        ]));
        let mut restart = stream(&self.stream, &new.stream);
        restart.extend(store(&self.store, &new.store));
        let lease = self.lease != new.lease;
        let enabled = self.lease.is_some() != new.lease.is_some();
        restart.extend(differing([
            ("component.shards", self.shards != new.shards),
            ("lease.enabled", enabled),
            ("lease.duration", lease && !enabled),
            (
                "push.workers.call_timeout",
                policy.store_timeout != new_policy.store_timeout,
            ),
            ("log.format", self.log.format != new.log.format),
        ]));
        Changes { applied, restart }
    }
}

/// Returns the keys that differ.
fn differing<const N: usize>(
    keys: [(&'static str, bool); N],
) -> impl Iterator<Item = &'static str> {
    keys.into_iter()
        .filter(|(_, differs)| *differs)
        .map(|(key, _)| key)
}

fn settings(old: &Settings, new: &Settings) -> Vec<&'static str> {
    let mut keys: Vec<_> = differing([
        ("component.hosts", old.hosts != new.hosts),
        ("push.identity", old.identity != new.identity),
        ("cache.ttl", old.policy.cache_ttl != new.policy.cache_ttl),
        (service::SECTION, old.policy.profiles != new.policy.profiles),
    ])
    .collect();
    let (mut old, mut new) = (old.policy.clone(), new.policy.clone());
    let counts = policy::counts(&mut old)
        .into_iter()
        .zip(policy::counts(&mut new));
    keys.extend(counts.filter(|(old, new)| old != new).map(|(old, _)| old.0));
    let durations = policy::durations(&mut old)
        .into_iter()
        .zip(policy::durations(&mut new));
    keys.extend(
        durations
            .filter(|(old, new)| old != new)
            .map(|(old, _)| old.0),
    );
    keys
}

fn plugin(old: &PluginChoice, new: &PluginChoice) -> Vec<&'static str> {
    match (old, new) {
        (PluginChoice::Default(old), PluginChoice::Default(new)) => content(old, new).collect(),
        (old, new) if old == new => Vec::new(),
        (PluginChoice::Rules(_), PluginChoice::Rules(_)) => vec!["push.rules"],
        _ => vec!["push.plugin"],
    }
}

fn content(old: &Content, new: &Content) -> impl Iterator<Item = &'static str> {
    differing([
        ("push.include_sender", old.sender != new.sender),
        ("push.include_body", old.body != new.body),
        ("push.placeholder", old.placeholder != new.placeholder),
    ])
}

fn stream(old: &StreamConfig, new: &StreamConfig) -> Vec<&'static str> {
    let (times, new_times) = (&old.timeouts, &new.timeouts);
    let keys = [
        ("component.jid", old.component != new.component),
        ("component.server", old.server != new.server),
        ("component.secret", old.secret != new.secret),
        (
            "stream.keep_alive",
            times.keep_alive != new_times.keep_alive,
        ),
        (
            "stream.keep_alive_timeout",
            times.keep_alive_answer != new_times.keep_alive_answer,
        ),
        (
            "stream.reconnect_first",
            old.backoff.first != new.backoff.first,
        ),
        (
            "stream.reconnect_longest",
            old.backoff.max != new.backoff.max,
        ),
        (
            "stream.max_stanza",
            old.limits.max_stanza != new.limits.max_stanza,
        ),
    ];
    differing(keys).collect()
}

fn store(old: &StoreSettings, new: &StoreSettings) -> Vec<&'static str> {
    let keys = [
        ("store.backend", old.backend != new.backend),
        ("store.url", old.url != new.url),
        ("store.auto_migrate", old.auto_migrate != new.auto_migrate),
        (
            "store.encryption.key_files",
            old.encryption.keys != new.encryption.keys,
        ),
    ];
    differing(keys).chain(pool(old, new)).collect()
}

fn pool(old: &StoreSettings, new: &StoreSettings) -> impl Iterator<Item = &'static str> {
    // A time-out that follows from push.workers.call_timeout changes with it, and is no key of its own then.
    let wait = |of: &StoreSettings| own(of.pool.wait_timeout, of.timeouts.pool_wait());
    let connect = |of: &StoreSettings| own(of.pool.connect_timeout, of.timeouts.connect());
    differing([
        ("store.pool.size", old.pool.size != new.pool.size),
        ("store.pool.wait_timeout", wait(old) != wait(new)),
        ("store.pool.connect_timeout", connect(old) != connect(new)),
    ])
}

/// Returns a value that is not the default.
fn own(value: Duration, default: Duration) -> Option<Duration> {
    (value != default).then_some(value)
}

#[cfg(test)]
mod tests;
