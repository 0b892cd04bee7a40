//! `xmpp-push check`: a verdict a line, and what to do.

mod findings;

use crate::compose::Backend;
use crate::config::{BackendKind, Config, ConfigFile};
use crate::exit::Failure;
use crate::lock::InstanceLock;
use crate::service::{self, Shards};
use crate::{compose, runtime};
use findings::Findings;
use push_core::lease::Fence;
use push_core::store::StoreError;
use push_core::transport::DownReason;
use push_core::{BareJid, HostStatus, Status};
use push_driver::Handle;
use push_driver::lease::Held;
use std::time::Duration;

/// How long the stream may take to come up.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an adapter or a delegation may take to show up after that.
const SETTLE: Duration = Duration::from_secs(3);

/// Checks a configuration against the world.
pub(in crate::commands) fn check(
    file: &ConfigFile,
    as_json: bool,
    connect: bool,
) -> Result<(), Failure> {
    let mut findings = Findings::default();
    match file.read() {
        Err(problems) => {
            for (path, reason) in problems.iter() {
                findings.bad(
                    format!("configuration: {path}: {reason}"),
                    format!("edit {}", file.path().display()),
                );
            }
            findings.print(as_json);
            return Err(Failure::Config(problems));
        }
        Ok(config) => {
            findings.good(format!("configuration: {}", file.path().display()));
            runtime::start()?.block_on(examine(config, connect, &mut findings))?;
        }
    }
    findings.print(as_json);
    if findings.is_well() {
        Ok(())
    } else {
        Err(Failure::Unhealthy)
    }
}

async fn examine(config: Config, connect: bool, findings: &mut Findings) -> Result<(), Failure> {
    let backend = match compose::backend(&config.store) {
        Ok(backend) => backend,
        Err(error) => {
            findings.bad(format!("store: {error}"), remedy_of_store(&error));
            return Ok(());
        }
    };
    for file in &config.store.encryption.exposed {
        findings.note(
            format!("store: {} can be read by every user", file.display()),
            "chmod 600, or 640 with a group of its own",
        );
    }
    store(&config, &*backend, findings).await;
    if !findings.is_well() {
        return Ok(());
    }
    if let Some(alone) = alone(&config, &*backend, connect, findings).await {
        server(&config, &*backend, alone.fence(), findings).await?;
        alone.end().await;
    }
    Ok(())
}

/// What shows that no other instance is connected, and keeps others from it.
struct Alone {
    _lock: InstanceLock,
    held: Option<Held>,
}

impl Alone {
    fn fence(&self) -> Option<Fence> {
        self.held.as_ref().map(Held::fence)
    }

    async fn end(self) {
        if let Some(held) = self.held {
            held.release().await;
        }
    }
}

/// Finds out whether no other instance is connected; tells what is to be told otherwise.
async fn alone(
    config: &Config,
    backend: &dyn Backend,
    connect: bool,
    findings: &mut Findings,
) -> Option<Alone> {
    let running = "its log says what the server grants; stop it to check the connection from here";
    let lock = match InstanceLock::take(&config.store) {
        Ok(lock) => lock,
        Err(Failure::Running(_)) => {
            let what = "server: an instance is running, so no second stream was opened";
            findings.note(what, running);
            return None;
        }
        Err(error) => {
            findings.bad(
                format!("store: {error}"),
                "see that its folder can be written",
            );
            return None;
        }
    };
    let held = match service::contender(config, backend).await {
        Ok(None) if config.store.backend.is_shared() && !connect => {
            findings.note(
                "server: not asked, since an instance may be running that a second stream would disturb",
                "pass --connect when none is running, or set lease.enabled",
            );
            return None;
        }
        Ok(None) => None,
        Err(error) => {
            findings.bad(format!("store: {error}"), "try again");
            return None;
        }
        Ok(Some(contender)) => match contender.try_acquire().await {
            Ok(Some(held)) => Some(held),
            Ok(None) => {
                let what =
                    "server: another instance holds the lease, so no second stream was opened";
                findings.note(what, running);
                return None;
            }
            Err(error) => {
                findings.bad(format!("store: {error}"), remedy_of_store(&error));
                return None;
            }
        },
    };
    Some(Alone { _lock: lock, held })
}

async fn store(config: &Config, backend: &dyn Backend, findings: &mut Findings) {
    let name = config.store.backend;
    match backend.probe().await {
        Ok(()) if name == BackendKind::Memory => {
            findings.note(
                "store: memory",
                "registrations are lost when the service stops; use \"sqlite\"",
            );
        }
        Ok(()) => findings.good(format!("store: {name} opens")),
        Err(error) => findings.bad(format!("store: {name}: {error}"), remedy_of_store(&error)),
    }
}

fn remedy_of_store(error: &StoreError) -> &'static str {
    match error {
        StoreError::Unavailable { .. } => {
            "see that it runs and can be reached from here: store.url in the configuration"
        }
        StoreError::Unauthorized { .. } => {
            "see user and password in store.url, and what the database lets this user do"
        }
        StoreError::WrongVersion { .. } => "run xmpp-push migrate, or the release that wrote it",
        _ => "see store.url in the configuration",
    }
}

/// Connects, waits a moment, and says what there is.
async fn server(
    config: &Config,
    backend: &dyn Backend,
    fence: Option<Fence>,
    findings: &mut Findings,
) -> Result<(), Failure> {
    let store = backend.open().await.map_err(Failure::Store)?;
    let shards = Shards::start(config, &store, fence)?;
    for ((stream, settings), handle) in config.shards().zip(shards.handles()) {
        shard(&stream.server, &settings.component, handle, findings).await;
    }
    drop(tokio::time::timeout(SETTLE, shards.drain()).await);
    Ok(())
}

async fn shard(address: &str, component: &str, handle: &Handle, findings: &mut Findings) {
    match settled(handle).await {
        Some(status) if status.up => {
            findings.good(format!("server: connected to {address} as {component}"));
            status
                .hosts
                .iter()
                .for_each(|status| host(status, component, findings));
        }
        status => {
            let reason = status.and_then(|status| status.down);
            let why = reason
                .as_ref()
                .map_or_else(|| "no answer".to_owned(), ToString::to_string);
            findings.bad(
                format!("server: {address}, as {component}: {why}"),
                remedy(reason.as_ref()),
            );
        }
    }
}

/// What to do about a stream that does not come up.
fn remedy(reason: Option<&DownReason>) -> &'static str {
    match reason {
        Some(DownReason::NotAuthorized) => {
            "give component.secret and the server's configuration of this component the same secret"
        }
        Some(DownReason::Conflict) => "stop the other program that is connected under this name",
        _ => {
            "see that the server runs, listens there for components (XEP-0114), and knows this component"
        }
    }
}

async fn settled(handle: &Handle) -> Option<Status> {
    let connected = async {
        while handle.status().await.is_some_and(|status| !status.up) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    drop(tokio::time::timeout(CONNECT, connected).await);
    let complete = async {
        while handle
            .status()
            .await
            .is_some_and(|status| status.up && !status.hosts.iter().all(is_served))
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    drop(tokio::time::timeout(SETTLE, complete).await);
    handle.status().await
}

fn is_served(host: &HostStatus) -> bool {
    host.adapter.is_some()
}

fn host(status: &HostStatus, component: &str, findings: &mut Findings) {
    let host = &status.host;
    match (&status.adapter, status.delegated) {
        (Some(software), _) => findings.good(format!("{host}: adapter attached ({software}); publishes as {host}")),
        (None, true) => findings.note(
            format!("{host}: no adapter, but urn:xmpp:push:0 is delegated to {component}"),
            "install adapters/prosody or adapters/ejabberd: without it nothing is acknowledged and publishes are not from the server's domain",
        ),
        (None, false) => findings.bad(
            format!("{host}: neither an adapter nor a delegation"),
            format!("install adapters/prosody or adapters/ejabberd on {host} and set its component to {component}"),
        ),
    }
    if BareJid::new(host).is_ok_and(|jid| jid.as_str() == component) {
        findings.bad(
            format!("{host} is the component itself"),
            "component.hosts lists the domains of users",
        );
    }
}
