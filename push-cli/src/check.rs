//! `xmpp-push check`: a verdict a line, and what to do.

use crate::config::Config;
use crate::exit::Failure;
use crate::lock::InstanceLock;
use crate::{compose, run};
use push_core::transport::DownReason;
use push_core::{BareJid, HostStatus, Status};
use push_driver::Handle;
use serde_json::json;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

/// How long the stream may take to come up.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an adapter or a delegation may take to show up after that.
const SETTLE: Duration = Duration::from_secs(3);

/// How good a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Good,
    Note,
    Bad,
}

impl Mark {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Note => "note",
            Self::Bad => "FAIL",
        }
    }
}

/// One verdict.
#[derive(Debug)]
struct Finding {
    mark: Mark,
    what: String,
    /// What to do about it.
    remedy: Option<String>,
}

#[derive(Debug, Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn good(&mut self, what: impl Into<String>) {
        self.0.push(Finding {
            mark: Mark::Good,
            what: what.into(),
            remedy: None,
        });
    }

    fn note(&mut self, what: impl Into<String>, remedy: impl Into<String>) {
        self.0.push(Finding {
            mark: Mark::Note,
            what: what.into(),
            remedy: Some(remedy.into()),
        });
    }

    fn bad(&mut self, what: impl Into<String>, remedy: impl Into<String>) {
        self.0.push(Finding {
            mark: Mark::Bad,
            what: what.into(),
            remedy: Some(remedy.into()),
        });
    }

    fn is_well(&self) -> bool {
        self.0.iter().all(|finding| finding.mark != Mark::Bad)
    }

    fn print(&self, as_json: bool) {
        let mut out = std::io::stdout().lock();
        if as_json {
            let findings: Vec<_> = self.0.iter().map(Finding::json).collect();
            // A closed standard output is the reader's choice.
            return drop(writeln!(
                out,
                "{}",
                json!({ "ok": self.is_well(), "findings": findings })
            ));
        }
        for finding in &self.0 {
            drop(writeln!(
                out,
                "{:4}  {}",
                finding.mark.as_str(),
                finding.what
            ));
            if let Some(remedy) = &finding.remedy {
                drop(writeln!(out, "      → {remedy}"));
            }
        }
    }
}

impl Finding {
    fn json(&self) -> serde_json::Value {
        json!({ "verdict": self.mark.as_str(), "what": self.what, "remedy": self.remedy })
    }
}

/// Checks a configuration against the world.
pub(crate) fn check(file: &Path, as_json: bool) -> Result<(), Failure> {
    let mut findings = Findings::default();
    match Config::load(file) {
        Err(problems) => {
            for (path, reason) in problems.iter() {
                findings.bad(
                    format!("configuration: {path}: {reason}"),
                    format!("edit {}", file.display()),
                );
            }
            findings.print(as_json);
            return Err(Failure::Config(problems));
        }
        Ok(config) => {
            findings.good(format!("configuration: {}", file.display()));
            run::runtime()?.block_on(examine(config, &mut findings))?;
        }
    }
    findings.print(as_json);
    if findings.is_well() {
        Ok(())
    } else {
        Err(Failure::Unhealthy)
    }
}

async fn examine(config: Config, findings: &mut Findings) -> Result<(), Failure> {
    let lock = InstanceLock::take(&config.store);
    store(&config, findings).await;
    match lock {
        Err(Failure::Running(_)) => {
            findings.note(
                "server: an instance is running, so no second stream was opened",
                "its log says what the server grants; stop it to check the connection from here",
            );
            return Ok(());
        }
        Err(error) => findings.bad(
            format!("store: {error}"),
            "see that its folder can be written",
        ),
        Ok(_) if !findings.is_well() => {}
        Ok(_lock) => server(config, findings).await?,
    }
    Ok(())
}

async fn store(config: &Config, findings: &mut Findings) {
    for file in &config.store.encryption.exposed {
        findings.note(
            format!("store: {} can be read by every user", file.display()),
            "chmod 600, or 640 with a group of its own",
        );
    }
    let backend = &config.store.backend;
    let opened = match compose::open(&config.store) {
        Ok(store) => store.load(&[]).await.map(drop),
        Err(error) => Err(error),
    };
    match opened {
        Ok(()) if backend == "memory" => {
            findings.note(
                "store: memory",
                "registrations are lost when the service stops; use \"sqlite\"",
            );
        }
        Ok(()) => findings.good(format!("store: {backend} opens")),
        Err(error) => findings.bad(
            format!("store: {backend}: {error}"),
            "see store.url in the configuration",
        ),
    }
}

/// Connects, waits a moment, and says what there is.
async fn server(config: Config, findings: &mut Findings) -> Result<(), Failure> {
    let address = config.stream.server.clone();
    let component = config.settings.component.clone();
    let (driver, handle) = run::driver(config)?;
    let running = tokio::spawn(driver.run());
    let status = settled(&handle).await;
    match status {
        Some(status) if status.up => {
            findings.good(format!("server: connected to {address} as {component}"));
            status
                .hosts
                .iter()
                .for_each(|status| host(status, &component, findings));
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
    drop(tokio::time::timeout(SETTLE, handle.drain()).await);
    running.abort();
    Ok(())
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
