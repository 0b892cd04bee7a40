//! The sections: which keys there are, and their defaults.

use super::encryption::{Encryption, encryption};
use super::reader::Reader;
use push_core::plugin::{Content, DefaultPlugin, MongooseImPlugin, Plugin};
use push_core::registration::Identity;
use push_core::{BareJid, IdentityChoice, Policy, Settings};
use push_transport_xmpp::StreamConfig;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A configuration that can be used.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) stream: StreamConfig,
    pub(crate) settings: Settings,
    pub(crate) store: StoreSettings,
    /// How long a store question may take.
    pub(crate) call_timeout: Duration,
    /// How long what is in work may take at the end.
    pub(crate) drain_timeout: Duration,
    pub(crate) log: LogSettings,
}

/// Which store, and where.
#[derive(Clone)]
pub(crate) struct StoreSettings {
    /// One of the names of [`crate::compose::BACKENDS`].
    pub(crate) backend: String,
    /// File or URL; may hold a password.
    pub(crate) url: String,
    /// The url as a file, beside the configuration.
    pub(crate) path: PathBuf,
    pub(crate) encryption: Encryption,
}

impl std::fmt::Debug for StoreSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreSettings")
            .field("backend", &self.backend)
            .finish_non_exhaustive()
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
    let settings = settings(reader, stream.as_ref());
    let store = store(reader);
    let call_timeout = reader
        .duration("push.workers.call_timeout")
        .unwrap_or(Duration::from_secs(10));
    let drain_timeout = reader
        .duration("policy.drain_timeout")
        .unwrap_or(Duration::from_secs(45));
    let log = log(reader);
    let mut settings = settings?;
    // A little more than the driver's own, so that the store's word comes first.
    settings.policy.store_timeout = call_timeout + Duration::from_secs(1);
    Some(Config {
        stream: stream?,
        settings,
        store: store?,
        call_timeout,
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

fn store(reader: &mut Reader<'_>) -> Option<StoreSettings> {
    let backend = reader
        .string("store.backend")
        .unwrap_or_else(|| "sqlite".to_owned());
    let url = reader.secret("store.url");
    let url = if backend == "memory" {
        Some(url.unwrap_or_default())
    } else {
        reader.required("store.url", url)
    };
    if !crate::compose::BACKENDS.contains(&backend.as_str()) {
        let known = crate::compose::BACKENDS.join(", ");
        reader.problem(
            "store.backend",
            format!("{backend:?} is not built into this program, which has: {known}"),
        );
    }
    let encryption = encryption(reader);
    let url = url?;
    if url.contains("://") {
        reader.problem(
            "store.url",
            format!("is not a file, as the backend {backend:?} needs it"),
        );
    }
    let path = reader.beside(&url);
    Some(StoreSettings {
        backend,
        url,
        path,
        encryption: encryption?,
    })
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

fn set<T>(value: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *value = given;
    }
}
