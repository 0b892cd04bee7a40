//! Certificates for a server on loopback, made by the `openssl` command.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::server::{Context as _, Result, process};

/// The only name in the server's certificate: a client that connects to `127.0.0.1` must find that it does not fit.
pub const NAME: &str = "localhost";

/// The system's own would be another on every system.
const CONFIG: &str = "
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
[server]
basicConstraints = critical, CA:FALSE
subjectAltName = DNS:localhost
";

/// A server's certificate and key, and whom to trust. All are PEM files of one folder.
#[derive(Debug, Clone)]
pub struct Certificates {
    /// The authority that has signed the server's certificate.
    pub authority: PathBuf,
    /// An authority that has signed nothing.
    pub stranger: PathBuf,
    /// The server's certificate, for [`NAME`].
    pub certificate: PathBuf,
    /// The server's private key.
    pub key: PathBuf,
}

impl Certificates {
    /// Makes them in a folder.
    ///
    /// # Errors
    /// `openssl` is not installed.
    pub async fn make(folder: &Path) -> Result<Self> {
        let made = Self {
            authority: folder.join("authority.pem"),
            stranger: folder.join("stranger.pem"),
            certificate: folder.join("server.pem"),
            key: folder.join("server.key"),
        };
        let config = folder.join("openssl.cnf");
        fs::write(&config, CONFIG).context(config.display())?;
        let authority_key = folder.join("authority.key");
        let request = |section| request(&config, section);
        let mut authority = request("authority");
        authority.arg("-out").arg(&made.authority);
        authority.arg("-keyout").arg(&authority_key);
        let mut stranger = request("authority");
        stranger.arg("-out").arg(&made.stranger);
        stranger.arg("-keyout").arg(folder.join("stranger.key"));
        let mut server = request("server");
        server.arg("-out").arg(&made.certificate);
        server.arg("-keyout").arg(&made.key);
        server.arg("-CA").arg(&made.authority);
        server.arg("-CAkey").arg(&authority_key);
        for command in [authority, stranger, server] {
            process::run(command).await?;
        }
        Ok(made)
    }

    /// Certificate and key in one file, as mongod wants them.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn join(&self, into: &Path) -> Result<()> {
        let both = [fs::read(&self.certificate)?, fs::read(&self.key)?].concat();
        fs::write(into, both).context(into.display())
    }
}

/// A certificate with a new key and the extensions of a section; signed by that key unless told otherwise.
fn request(config: &Path, section: &str) -> Command {
    let mut request = Command::new("openssl");
    request.args(["req", "-x509", "-days", "2", "-nodes", "-newkey", "ec"]);
    request.args(["-pkeyopt", "ec_paramgen_curve:P-256"]);
    request.args(["-subj", &format!("/CN=xmpp-push {section}")]);
    request.arg("-config").arg(config);
    request.args(["-extensions", section]);
    request
}
