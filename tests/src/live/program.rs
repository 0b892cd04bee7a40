//! Commands of the binary under test that come to an end.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::service::ServiceConfig;
use super::{Context as _, Failure, Result};

/// How a command ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Its exit code; none if it was killed.
    pub code: Option<i32>,
    /// What it printed, on standard output and standard error.
    pub printed: String,
}

/// Runs `xmpp-push` with these words and this configuration to its end.
///
/// # Errors
/// The binary is not built.
pub async fn run(words: &[&str], config: &ServiceConfig) -> Result<Ended> {
    let folder = tempfile::Builder::new()
        .prefix("xmpp-push-program-")
        .tempdir()?;
    let file = folder.path().join("xmpp-push.toml");
    std::fs::write(&file, config.render())?;
    run_in(words, &file, &[]).await
}

/// The same with a configuration that is there, and further environment variables.
pub(super) async fn run_in(
    words: &[&str],
    file: &Path,
    variables: &[(&str, &str)],
) -> Result<Ended> {
    let output = tokio::process::Command::new(binary()?)
        .args(words)
        .arg("--config")
        .arg(file)
        .envs(variables.iter().copied())
        .kill_on_drop(true)
        .output()
        .await;
    let output = output.context(words.join(" "))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Ended {
        code: output.status.code(),
        printed: text(&output.stdout) + &text(&output.stderr),
    })
}

/// One that stays.
pub(super) fn command(file: &Path) -> Result<Command> {
    let mut command = Command::new(binary()?);
    command.args(["run", "--config"]).arg(file);
    Ok(command)
}

/// The binary cargo built beside this test.
///
/// # Errors
/// It is not built.
pub fn binary() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folder = own.parent().and_then(|deps| deps.parent());
    let binary = folder
        .map(|folder| folder.join("xmpp-push"))
        .unwrap_or_default();
    if binary.exists() {
        Ok(binary)
    } else {
        Err(Failure::new(format!(
            "{} is missing; run cargo build -p push-cli",
            binary.display()
        )))
    }
}
