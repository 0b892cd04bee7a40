//! Where PostgreSQL's programs are, and who may run them.

use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::server::{Failure, Result, process};

/// Debian keeps the versions apart, and out of the path.
const DEBIAN: &str = "/usr/lib/postgresql";

/// The account that the package makes: the server refuses to run as root.
const ACCOUNT: &str = "postgres";

/// An installed PostgreSQL.
#[derive(Debug)]
pub(super) struct Installed {
    folder: PathBuf,
    root: bool,
}

impl Installed {
    /// The newest of Debian's versions, else that in the path.
    pub(super) fn find() -> Result<Self> {
        let path = env::var_os("PATH").unwrap_or_default();
        let folder = debian()
            .into_iter()
            .chain(env::split_paths(&path))
            .find(|folder| folder.join("initdb").exists())
            .ok_or_else(|| Failure::missing("PostgreSQL (initdb)"))?;
        // The owner of this process' own entry is the user who runs it.
        let root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
        Ok(Self { folder, root })
    }

    /// The path of a program.
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A command that the server's account runs.
    pub(super) fn server(&self, program: &str) -> Command {
        let program = self.program(program);
        if !self.root {
            return Command::new(program);
        }
        let mut command = Command::new("setpriv");
        command.args(["--reuid", ACCOUNT, "--regid", ACCOUNT, "--clear-groups"]);
        // The kernel forgets the signal when the user changes, so it is asked for once more.
        command.args(["--pdeathsig", "KILL"]).arg(program);
        command
    }

    /// Gives a folder with all that is in it to the server's account.
    pub(super) async fn hand_over(&self, folder: &Path) -> Result<()> {
        if self.root {
            let mut command = Command::new("chown");
            command.args(["-R", ACCOUNT]).arg(folder);
            process::run(command).await?;
        }
        Ok(())
    }
}

/// Debian's folders of programs, the newest version first.
fn debian() -> Vec<PathBuf> {
    let entries = fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let mut versions: Vec<u32> = entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    versions.sort_unstable();
    let folder = |version: u32| Path::new(DEBIAN).join(version.to_string()).join("bin");
    versions.into_iter().rev().map(folder).collect()
}
