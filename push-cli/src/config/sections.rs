//! The sections: which keys there are, and their defaults.

use super::reader::Reader;
use super::store::{StoreSettings, lease, store};
use crate::compose;
use push_core::plugin::{Content, DefaultPlugin, MongooseImPlugin, Plugin};
use push_core::registration::Identity;
use push_core::{BareJid, IdentityChoice, Policy, Settings, StoreTimeouts};
use push_transport_xmpp::StreamConfig;
use std::sync::Arc;
use std::time::Duration;

/// Within which time other instances' writes are honoured, unless something else is configured.
const SHARED_TTL: Duration = Duration::from_secs(60);
/// A configuration that can be used.
#[derive(Debug)]
pub(crate) struct Config {
    /// Of the first shard.
    pub(super) stream: StreamConfig,
    pub(super) settings: Settings,
    /// The components of the others.
    shards: Vec<BareJid>,
    pub(crate) store: StoreSettings,
    /// How long a lease lasts; `None` when none is needed.
    pub(crate) lease: Option<Duration>,
    /// How long what is in work may take at the end.
    pub(crate) drain_timeout: Duration,
    pub(crate) log: LogSettings,
}

impl Config {
    /// What each shard needs: they differ in the component's JID alone.
    pub(crate) fn shards(&self) -> impl Iterator<Item = (StreamConfig, Settings)> {
        let others = self.shards.iter().map(|component| {
            let (mut stream, mut settings) = (self.stream.clone(), self.settings.clone());
            settings.component = component.to_string();
            stream.component = component.clone();
            (stream, settings)
        });
        std::iter::once((self.stream.clone(), self.settings.clone())).chain(others)
    }

    /// The components' JIDs, separated by commas.
    pub(crate) fn components(&self) -> String {
        let names: Vec<String> = self
            .shards()
            .map(|(_, settings)| settings.component)
            .collect();
        names.join(",")
    }

    /// The domains whose users are served, the same for all shards.
    pub(crate) fn hosts(&self) -> &[String] {
        &self.settings.hosts
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogSettings {
    pub(crate) format: LogFormat,
    pub(crate) level: tracing::level_filters::LevelFilter,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// Reads all sections. `None` only after a problem was told.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<Config> {
    let stream = stream(reader);
    let shards = shards(reader, stream.as_ref());
    let settings = settings(reader, stream.as_ref());
    let call_timeout = reader.duration("push.workers.call_timeout");
    if call_timeout.is_some_and(|timeout| timeout < StoreTimeouts::SHORTEST) {
        reader.problem("push.workers.call_timeout", "may be no less than 10ms");
    }
    let timeouts = call_timeout.map_or_else(StoreTimeouts::default, StoreTimeouts::new);
    let store = store(reader, timeouts);
    let lease = lease(reader, store.as_ref());
    let drain_timeout = reader
        .duration("policy.drain_timeout")
        .unwrap_or(Duration::from_secs(45));
    let log = log(reader);
    let mut settings = settings?;
    settings.policy.store_timeout = timeouts.machine();
    let mut store = store?;
    if let Some(duration) = lease {
        store.timeouts = timeouts.within_lease(duration);
    }
    if compose::is_shared(&store.backend) {
        settings.policy.cache_ttl.get_or_insert(SHARED_TTL);
    }
    Some(Config {
        stream: stream?,
        settings,
        shards: shards?,
        store,
        lease,
        drain_timeout,
        log,
    })
}

fn stream(reader: &mut Reader<'_>) -> Option<StreamConfig> {
    let jid = domain(reader, "component.jid");
    let server = reader.string("component.server");
    let server = reader.required("component.server", server);
    let secret = reader.secret("component.secret");
    let secret = reader.required("component.secret", secret);
    let keep_alive = reader.duration("stream.keep_alive");
    let keep_alive_timeout = reader.duration("stream.keep_alive_timeout");
    let first = reader.duration("stream.reconnect_first");
    let longest = reader.duration("stream.reconnect_longest");
    let max_stanza = reader.count("stream.max_stanza");
    let mut stream = StreamConfig::new(jid?, server?, secret?);
    set(&mut stream.timeouts.keep_alive, keep_alive);
    set(&mut stream.timeouts.keep_alive_answer, keep_alive_timeout);
    set(&mut stream.backoff.first, first);
    set(&mut stream.backoff.max, longest);
    set(&mut stream.limits.max_stanza, max_stanza);
    Some(stream)
}

/// The components beside the first.
fn shards(reader: &mut Reader<'_>, first: Option<&StreamConfig>) -> Option<Vec<BareJid>> {
    let mut shards = Vec::new();
    for name in reader.strings("component.shards").unwrap_or_default() {
        let problem = match BareJid::new(&name) {
            Ok(jid) if jid.node().is_some() => format!("{name:?} is not a domain"),
            Ok(jid) if first?.component == jid || shards.contains(&jid) => {
                format!("names {name:?} twice, component.jid counted in")
            }
            Ok(jid) => {
                shards.push(jid);
                continue;
            }
            Err(_) => format!("{name:?} is not a domain"),
        };
        reader.problem("component.shards", problem);
    }
    Some(shards)
}

fn settings(reader: &mut Reader<'_>, stream: Option<&StreamConfig>) -> Option<Settings> {
    let hosts = hosts(reader);
    let plugin = plugin(reader);
    let identity = identity(reader);
    let policy = policy(reader);
    let component = stream?.component.to_string();
    Some(Settings {
        component,
        hosts: hosts?,
        identity: identity?,
        policy,
        plugin: plugin?,
        fence: None,
    })
}

fn hosts(reader: &mut Reader<'_>) -> Option<Vec<String>> {
    let names = reader.strings("component.hosts");
    let names = reader.required("component.hosts", names)?;
    if names.is_empty() {
        reader.problem("component.hosts", "names no host");
    }
    let mut hosts = Vec::new();
    for name in names {
        match BareJid::new(&name) {
            Ok(host) if host.node().is_none() => hosts.push(host.to_string()),
            _ => reader.problem("component.hosts", format!("{name:?} is not a domain")),
        }
    }
    Some(hosts)
}

fn plugin(reader: &mut Reader<'_>) -> Option<Arc<dyn Plugin>> {
    let name = reader.string("push.plugin");
    let sender = reader.boolean("push.include_sender");
    let body = reader.boolean("push.include_body");
    let placeholder = reader.string("push.placeholder");
    match name.as_deref().unwrap_or("default") {
        "default" => {
            let mut content = Content::default();
            set(&mut content.sender, sender);
            set(&mut content.body, body);
            set(&mut content.placeholder, placeholder);
            Some(Arc::new(DefaultPlugin::new(content)))
        }
        "mongooseim" => {
            let given = [
                ("push.include_sender", sender.is_some()),
                ("push.include_body", body.is_some()),
                ("push.placeholder", placeholder.is_some()),
            ];
            for (path, _) in given.into_iter().filter(|(_, given)| *given) {
                reader.problem(
                    path,
                    "has no effect with the plugin \"mongooseim\", which always sends both",
                );
            }
            Some(Arc::new(MongooseImPlugin))
        }
        other => {
            reader.problem(
                "push.plugin",
                format!("{other:?} is none of \"default\", \"mongooseim\""),
            );
            None
        }
    }
}

fn identity(reader: &mut Reader<'_>) -> Option<IdentityChoice> {
    match reader.string("push.identity").as_deref().unwrap_or("auto") {
        "auto" => Some(IdentityChoice::Auto),
        "server" => Some(IdentityChoice::Only(Identity::Server)),
        "user" => Some(IdentityChoice::Only(Identity::User)),
        "component" => Some(IdentityChoice::Only(Identity::Component)),
        other => {
            let reason =
                format!("{other:?} is none of \"auto\", \"server\", \"user\", \"component\"");
            reader.problem("push.identity", reason);
            None
        }
    }
}

fn policy(reader: &mut Reader<'_>) -> Policy {
    let mut policy = Policy::default();
    let request = &mut policy.request;
    let counts = [
        ("push.workers.workers", &mut policy.workers),
        ("push.workers.max_queue", &mut policy.max_queue),
        (
            "policy.registrations_per_user",
            &mut policy.registrations_per_user,
        ),
        (
            "policy.in_flight_per_service",
            &mut policy.in_flight_per_service,
        ),
        ("policy.dedupe_entries", &mut policy.dedupe_entries),
        ("policy.max_service", &mut request.service),
        ("policy.max_node", &mut request.node),
        ("policy.max_fields", &mut request.fields),
        ("policy.max_options", &mut request.options),
        ("cache.bytes", &mut policy.cache_bytes),
    ];
    for (path, value) in counts {
        set(value, reader.count(path));
    }
    let durations = [
        ("policy.publish_timeout", &mut policy.publish_timeout),
        ("policy.store_retry", &mut policy.store_retry),
        ("policy.dedupe_window", &mut policy.dedupe_window),
        ("policy.hello_interval", &mut policy.hello_interval),
        ("policy.ping_interval", &mut policy.ping_interval),
    ];
    for (path, value) in durations {
        set(value, reader.duration(path));
    }
    policy.cache_ttl = reader.duration("cache.ttl");
    for (path, value, most) in [
        ("policy.max_node", policy.request.node, 1023),
        ("policy.max_service", policy.request.service, 512),
    ] {
        if value > most {
            reader.problem(
                path,
                format!("may be at most {most}: database keys end there"),
            );
        }
    }
    policy
}

fn log(reader: &mut Reader<'_>) -> LogSettings {
    let format = match reader.string("log.format").as_deref() {
        None | Some("text") => LogFormat::Text,
        Some("json") => LogFormat::Json,
        Some(other) => {
            reader.problem(
                "log.format",
                format!("{other:?} is none of \"text\", \"json\""),
            );
            LogFormat::Text
        }
    };
    let level = reader
        .parsed("log.level")
        .unwrap_or(tracing::level_filters::LevelFilter::INFO);
    LogSettings { format, level }
}

fn domain(reader: &mut Reader<'_>, path: &str) -> Option<BareJid> {
    let jid = reader.parsed::<BareJid>(path);
    let jid = reader.required(path, jid)?;
    if jid.node().is_some() {
        reader.problem(path, "must be a domain, without a localpart");
        return None;
    }
    Some(jid)
}

pub(super) fn set<T>(value: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *value = given;
    }
}
