//! The configuration file, docs/configuration.md: one file for each section, or for those that belong together.

mod changes;
mod component;
mod encryption;
mod environment;
mod lines;
mod log;
mod policy;
mod problems;
mod push;
mod reader;
mod rules;
mod service;
mod store;
mod stream;
mod syntax;
mod unknown;

pub(crate) use changes::Changes;
pub(crate) use log::{LogFormat, LogSettings};
pub(crate) use problems::Problems;
pub(crate) use rules::RulesFile;
pub(crate) use store::{BackendKind, StoreSettings};

use environment::Environment;
use push::PluginChoice;
use push_core::{BareJid, Settings};
use push_transport_xmpp::StreamConfig;
use reader::Reader;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long other instances' writes may go unseen, unless something else is configured.
const SHARED_TTL: Duration = Duration::from_secs(60);

/// The file, to be read at the start and again on request.
#[derive(Clone, Debug)]
pub(crate) struct ConfigFile {
    path: PathBuf,
    /// The stores that can be named in it.
    backends: &'static [BackendKind],
}

/// A configuration that can be used.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// Of the first shard.
    stream: StreamConfig,
    settings: Settings,
    plugin: PluginChoice,
    /// Other plugins for some hosts.
    plugins_of_hosts: BTreeMap<String, PluginChoice>,
    /// The components of the others.
    shards: Vec<BareJid>,
    pub(crate) store: StoreSettings,
    /// How long a lease lasts; `None` when none is needed.
    pub(crate) lease: Option<Duration>,
    /// How long work in progress may take at the end.
    pub(crate) drain_timeout: Duration,
    pub(crate) log: LogSettings,
}

impl ConfigFile {
    pub(crate) fn new(path: PathBuf, backends: &'static [BackendKind]) -> Self {
        Self { path, backends }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the file, with overrides from the process's environment. The error has every problem.
    pub(crate) fn read(&self) -> Result<Config, Problems> {
        let text = syntax::read(&self.path)?;
        let config = self.parse(&text, Environment::of_process());
        config.map_err(|problems| problems.with_lines(&text))
    }

    fn parse(&self, text: &str, environment: Environment) -> Result<Config, Problems> {
        let table = syntax::parse(text, &self.path)?;
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let mut reader = Reader::new(table, environment, folder);
        let config = self.sections(&mut reader);
        reader.finish(config)
    }

    /// Reads all sections. Returns `None` only after a problem was told.
    fn sections(&self, reader: &mut Reader<'_>) -> Option<Config> {
        let stream = stream::stream(reader);
        let shards = component::shards(reader, stream.as_ref());
        let hosts = component::hosts(reader);
        let plugin = push::plugin(reader);
        let plugins_of_hosts = push::of_hosts(reader, hosts.as_deref());
        let identity = push::identity(reader);
        let mut policy = policy::policy(reader);
        policy.profiles = service::profiles(reader);
        let timeouts = policy::store_timeouts(reader);
        let store = store::store(reader, self.backends, timeouts);
        let lease = store::lease(reader, store.as_ref());
        let drain_timeout = reader
            .duration("policy.drain_timeout")
            .unwrap_or(Duration::from_secs(45));
        let log = log::log(reader);
        let stream = stream?;
        let mut settings = Settings::new(stream.component.to_string(), hosts?);
        settings.identity = identity;
        settings.plugin = push::build(&plugin, &plugins_of_hosts);
        settings.policy = policy;
        settings.policy.store_timeout = timeouts.machine();
        let mut store = store?;
        if let Some(duration) = lease {
            store.timeouts = timeouts.within_lease(duration);
        }
        Some(Config {
            stream,
            settings,
            plugin,
            plugins_of_hosts,
            shards: shards?,
            store,
            lease,
            drain_timeout,
            log,
        })
    }
}

impl Config {
    /// Returns what each shard needs: they differ in the component's JID alone.
    pub(crate) fn shards(&self) -> impl Iterator<Item = (StreamConfig, Settings)> {
        let components = std::iter::once(&self.stream.component).chain(&self.shards);
        components.map(|component| {
            let (mut stream, mut settings) = (self.stream.clone(), self.settings.clone());
            settings.component = component.to_string();
            stream.component = component.clone();
            if self.store.backend.is_shared() {
                settings.policy.cache_ttl.get_or_insert(SHARED_TTL);
            }
            (stream, settings)
        })
    }

    /// Returns the components' JIDs, separated by commas.
    pub(crate) fn components(&self) -> String {
        let names: Vec<String> = self
            .shards()
            .map(|(_, settings)| settings.component)
            .collect();
        names.join(",")
    }

    /// Returns the domains whose users are served, the same for all shards.
    pub(crate) fn hosts(&self) -> &[String] {
        &self.settings.hosts
    }
}

#[cfg(test)]
mod tests;
