//! Where the database is, and how it may be talked to there.

use crate::PostgresConfig;
use crate::error::refused;
use percent_encoding::percent_decode_str;
use push_core::store::StoreError;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::PathBuf;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

/// Defaults that the URL may override. A peer that is gone without a word is noticed after half a minute.
const DEFAULTS: &str =
    "application_name=xmpp-push&keepalives_idle=15&keepalives_interval=5&keepalives_retries=3";

/// The URL, taken apart.
#[derive(Debug)]
pub(crate) struct Address {
    pub(crate) config: Config,
    /// `None`: without TLS.
    pub(crate) trust: Option<Trust>,
    /// For errors: no password.
    pub(crate) endpoint: String,
}

/// The authorities whose certificates are trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Those of the authorities that the system trusts.
    System,
    /// Those of the authorities in this file.
    File(PathBuf),
}

impl Address {
    pub(crate) fn parse(settings: &PostgresConfig) -> Result<Self, StoreError> {
        let (base, query) = settings.url.split_once('?').unwrap_or((&settings.url, ""));
        if !["postgres://", "postgresql://"]
            .iter()
            .any(|scheme| base.starts_with(scheme))
        {
            return Err(refused("the database's URL must begin with postgres://"));
        }
        let tls = TlsParameters::take(query)?;
        let mut config: Config = format!("{base}?{DEFAULTS}{}", tls.others)
            .parse()
            .map_err(|_| unreadable())?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(refused("the database's URL names no host"));
        }
        let trust = tls.trust(&config, settings);
        config.ssl_mode(match trust {
            Some(_) => SslMode::Require,
            None => SslMode::Disable,
        });
        bound(&mut config, settings);
        let endpoint = endpoint(&config);
        Ok(Self {
            config,
            trust,
            endpoint,
        })
    }
}

/// Without the cause, which may quote a part of a password.
fn unreadable() -> StoreError {
    refused(
        "the database's URL cannot be read: in names and passwords, write characters other than letters and digits as \
         %XX; parameters are those that the documentation of the store lists",
    )
}

/// Which of the parameters are about TLS; the driver knows only some of them.
#[derive(Default)]
struct TlsParameters {
    mode: Mode,
    root: Option<PathBuf>,
    /// All others, each behind an `&`.
    others: String,
}

/// libpq's `sslmode`, as far as it makes a difference here: where there is TLS, it is verified.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Mode {
    /// TLS unless the server is on this machine.
    #[default]
    WhereNeeded,
    Never,
    Always,
}

impl TlsParameters {
    fn take(query: &str) -> Result<Self, StoreError> {
        let mut found = Self::default();
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            let (key, value) = parameter.split_once('=').ok_or_else(unreadable)?;
            let value = percent_decode_str(value)
                .decode_utf8()
                .map_err(|_| unreadable())?;
            match key {
                "sslmode" => found.mode = Mode::parse(&value)?,
                "sslrootcert" if value == "system" => found.mode = Mode::Always,
                "sslrootcert" => found.root = Some(PathBuf::from(value.as_ref())),
                // Writing to a string cannot fail.
                _ => write!(found.others, "&{parameter}").unwrap_or_default(),
            }
        }
        Ok(found)
    }

    fn trust(self, config: &Config, settings: &PostgresConfig) -> Option<Trust> {
        let plain = match self.mode {
            Mode::Never => true,
            // There is no TLS on Unix sockets.
            Mode::Always => has_only_sockets(config),
            Mode::WhereNeeded => is_local(config),
        };
        let file = self.root.or_else(|| settings.ca_file.clone());
        (!plain).then(|| file.map_or(Trust::System, Trust::File))
    }
}

impl Mode {
    fn parse(value: &str) -> Result<Self, StoreError> {
        match value {
            "disable" => Ok(Self::Never),
            "allow" | "prefer" => Ok(Self::WhereNeeded),
            "require" | "verify-ca" | "verify-full" => Ok(Self::Always),
            _ => Err(refused(
                "sslmode in the database's URL is one of disable, prefer, require, verify-ca and verify-full",
            )),
        }
    }
}

fn has_only_sockets(config: &Config) -> bool {
    !config.get_hosts().is_empty() && config.get_hosts().iter().all(is_socket)
}

/// Whether all of it is on this machine: nobody else sees what is sent.
fn is_local(config: &Config) -> bool {
    // Where there are addresses, they are what is connected to.
    if !config.get_hostaddrs().is_empty() {
        return config.get_hostaddrs().iter().all(IpAddr::is_loopback);
    }
    config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => {
            let address = name.parse::<IpAddr>();
            name == "localhost" || address.is_ok_and(|address| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    })
}

fn is_socket(host: &Host) -> bool {
    !matches!(host, Host::Tcp(_))
}

/// Bounds what a network that swallows packets can hold up.
fn bound(config: &mut Config, settings: &PostgresConfig) {
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(settings.connect_timeout);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(settings.delivery_timeout);
    }
    let hosts = config.get_hosts().len().max(config.get_hostaddrs().len());
    if hosts > 1 && config.get_target_session_attrs() == TargetSessionAttrs::Any {
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
}

fn endpoint(config: &Config) -> String {
    let hosts = config.get_hosts().iter().map(|host| match host {
        Host::Tcp(name) => name.clone(),
        #[cfg(unix)]
        Host::Unix(folder) => folder.display().to_string(),
    });
    let mut hosts: Vec<String> = hosts.collect();
    if hosts.is_empty() {
        let addresses = config.get_hostaddrs().iter();
        hosts = addresses.map(ToString::to_string).collect();
    }
    let ports = config.get_ports();
    for (index, host) in hosts.iter_mut().enumerate() {
        let port = ports.get(index).or(ports.first()).unwrap_or(&5432);
        write!(host, ":{port}").unwrap_or_default();
    }
    let mut endpoint = format!("PostgreSQL at {}", hosts.join(","));
    let names = [
        ("database", config.get_dbname()),
        ("user", config.get_user()),
    ];
    for (what, name) in names {
        if let Some(name) = name {
            write!(endpoint, ", {what} {name}").unwrap_or_default();
        }
    }
    endpoint
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Address, StoreError> {
        Address::parse(&PostgresConfig::new(url))
    }

    fn trust(url: &str) -> Option<Trust> {
        parse(url).unwrap().trust
    }

    #[test]
    fn without_tls_only_on_this_machine_or_when_told_so() {
        for local in [
            "postgres://push@localhost/push",
            "postgres://push@127.0.0.1:5433/push",
            "postgres://push@[::1]/push",
            "postgres:///push?host=/run/postgresql&user=push",
            "postgres://push@%2Frun%2Fpostgresql/push?sslmode=require",
            "postgresql://db.example.org/push?hostaddr=127.0.0.1",
            "postgres://localhost/push?sslmode=prefer",
            "postgres://db.example.org/push?sslmode=disable",
        ] {
            assert_eq!(trust(local), None, "{local}");
        }
        for remote in [
            "postgres://push@db.example.org/push",
            "postgres://push@10.0.0.7/push",
            "postgres://localhost,db.example.org/push",
            "postgres://localhost/push?hostaddr=10.0.0.7",
            "postgres://db.example.org/push?sslmode=prefer",
            "postgres://localhost/push?sslmode=require",
            "postgres://localhost/push?sslmode=verify-ca",
            "postgres://localhost/push?sslmode=verify-full",
            "postgres://localhost/push?sslrootcert=system",
        ] {
            assert_eq!(trust(remote), Some(Trust::System), "{remote}");
        }
    }

    #[test]
    fn the_authorities_are_those_of_the_url_then_those_of_the_settings() {
        let mut settings = PostgresConfig::new("postgres://db.example.org/push");
        settings.ca_file = Some("settings.pem".into());
        let found = |settings: &PostgresConfig| Address::parse(settings).unwrap().trust;
        assert_eq!(found(&settings), Some(Trust::File("settings.pem".into())));
        settings.url += "?sslmode=verify-full&sslrootcert=%2Fetc%2Fca+1.pem";
        assert_eq!(found(&settings), Some(Trust::File("/etc/ca+1.pem".into())));
    }

    #[test]
    fn the_place_says_everything_but_the_password() {
        let address = parse("postgres://push:hunter2@one,two:5433/registrations").unwrap();
        let endpoint = "PostgreSQL at one:5432,two:5433, database registrations, user push";
        assert_eq!(address.endpoint, endpoint);
        let primary = TargetSessionAttrs::ReadWrite;
        assert_eq!(address.config.get_target_session_attrs(), primary);
    }

    #[test]
    fn the_parameters_of_the_url_prevail() {
        let url = "postgres://h/push?application_name=mine&tcp_user_timeout=7&keepalives_idle=60";
        let config = parse(url).unwrap().config;
        assert_eq!(config.get_application_name(), Some("mine"));
        assert_eq!(config.get_keepalives_idle().as_secs(), 60);
        assert_eq!(config.get_tcp_user_timeout().unwrap().as_secs(), 7);
    }

    #[test]
    fn what_cannot_be_read_is_not_repeated() {
        for url in [
            "mysql://push:hunter2@h/push",
            "host=h password=hunter2",
            "postgres://push:hun?ter2@h/push",
            "postgres://push:hunter2@h:port/push",
            "postgres://push:x@h/push?hunter2=1",
            "postgres://push:x@h/push?sslmode=hunter2",
            "postgres://",
        ] {
            let error = parse(url).unwrap_err();
            assert!(matches!(error, StoreError::Refused { .. }), "{url}");
            assert!(!format!("{error:?}").contains("ter2"), "{error:?}");
        }
    }
}
