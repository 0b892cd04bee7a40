//! The programs that can be the server, and their options.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use mongodb::bson::{Document, doc};

use crate::database::tls::Certificates;
use crate::server::home::Home;
use crate::server::{Context as _, Result, venv};

const DATA: &str = "data";
const REPLICA_SET: &str = "tests";

/// A server program.
#[derive(Debug)]
pub(super) enum Engine {
    /// MongoDB itself.
    Mongod(PathBuf),
    /// SecantusDB's daemon.
    Secantus(PathBuf),
}

impl Engine {
    /// `mongod` of the path, else what `scripts/install` has got.
    pub(super) fn find() -> Result<Self> {
        let path = env::var_os("PATH").unwrap_or_default();
        let mongod = env::split_paths(&path)
            .map(|folder| folder.join("mongod"))
            .find(|program| program.exists());
        match mongod {
            Some(program) => Ok(Self::Mongod(program)),
            None => venv::program("XMPP_PUSH_MONGO_VENV", "mongo-venv", "secantusd-py")
                .map(Self::Secantus),
        }
    }

    /// The server's command, small, for it runs beside other servers.
    pub(super) fn command(&self, home: &Home, port: u16) -> Result<Command> {
        let data = home.folder(DATA)?;
        let mut command = Command::new(self.program());
        command.args(["--port", &port.to_string()]);
        match self {
            Self::Mongod(_) => {
                command.args(["--bind_ip", "127.0.0.1"]);
                command
                    .args(["--wiredTigerCacheSizeGB", "0.25", "--dbpath"])
                    .arg(data);
            }
            Self::Secantus(_) => {
                command.args(["--host", "127.0.0.1", "--cache-size", "64M"]);
                // Without it, what was acknowledged as journaled is lost when the server is killed.
                command.arg("--sync-on-commit");
                command
                    .args(["--log-level", "WARNING", "--storage-path"])
                    .arg(data);
            }
        }
        // It looks for a configuration in both.
        command.current_dir(home.path()).env("HOME", home.path());
        Ok(command)
    }

    /// Makes it a member of a replica set, or nothing of the kind.
    pub(super) fn add_role(&self, command: &mut Command, standalone: bool) {
        match self {
            Self::Mongod(_) if !standalone => command.args(["--replSet", REPLICA_SET]),
            Self::Secantus(_) if standalone => command.arg("--standalone"),
            _ => command,
        };
    }

    /// Makes clients show a password.
    pub(super) fn add_lock(&self, command: &mut Command, home: &Home) -> Result<()> {
        match self {
            Self::Mongod(_) => {
                // Members of a replica set know each other by it; mongod refuses one that others can read.
                let key = home.outside("members.key");
                home.write("members.key", "dGhlIG9ubHkgbWVtYmVy")?;
                fs::set_permissions(&key, fs::Permissions::from_mode(0o600))
                    .context(key.display())?;
                command.args(["--auth", "--keyFile"]).arg(key);
            }
            Self::Secantus(_) => {
                command.arg("--auth");
            }
        }
        Ok(())
    }

    /// Makes clients use TLS.
    pub(super) fn add_tls(
        &self,
        command: &mut Command,
        home: &Home,
        certificates: &Certificates,
    ) -> Result<()> {
        match self {
            Self::Mongod(_) => {
                let both = home.outside("both.pem");
                certificates.join(&both)?;
                command
                    .args(["--tlsMode", "requireTLS", "--tlsCertificateKeyFile"])
                    .arg(both);
            }
            Self::Secantus(_) => {
                command
                    .arg("--tls-cert-file")
                    .arg(&certificates.certificate);
                command.arg("--tls-key-file").arg(&certificates.key);
            }
        }
        Ok(())
    }

    /// Lets clients inject faults.
    pub(super) fn add_fail_points(&self, command: &mut Command) {
        match self {
            Self::Mongod(_) => command.args(["--setParameter", "enableTestCommands=1"]),
            Self::Secantus(_) => command.arg("--enable-test-commands"),
        };
    }

    /// The command to a new server that makes it the only member of its replica set, if it is not that already.
    pub(super) fn initiate(&self, port: u16) -> Option<Document> {
        let member = doc! { "_id": 0, "host": format!("127.0.0.1:{port}") };
        let set = doc! { "_id": REPLICA_SET, "members": [member] };
        match self {
            Self::Mongod(_) => Some(doc! { "replSetInitiate": set }),
            Self::Secantus(_) => None,
        }
    }

    fn program(&self) -> &PathBuf {
        match self {
            Self::Mongod(program) | Self::Secantus(program) => program,
        }
    }
}
