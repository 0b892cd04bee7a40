//! Where Debian puts ejabberd's code and headers, and how to compile against them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::live::Result;
use crate::live::home::Home;

/// An installed ejabberd; all paths as the server sees them.
#[derive(Debug)]
pub(super) struct Installed {
    /// The folder of ejabberd and of most libraries it needs, for `ERL_LIBS`.
    pub(super) libraries: String,
    ejabberd: PathBuf,
    /// Its XMPP library, whose headers modules include by their bare names.
    xmpp: PathBuf,
}

impl Installed {
    /// Looks for `/usr/lib/TRIPLET/ejabberd-VERSION` and for the XMPP library, there or among
    /// Erlang's own.
    pub(super) fn find(home: &Home) -> Result<Self> {
        let mut libraries = children(home, Path::new("/usr/lib"));
        libraries.push(PathBuf::from("/usr/lib/erlang/lib"));
        let packages: Vec<_> = libraries
            .iter()
            .flat_map(|folder| children(home, folder))
            .collect();
        let newest = |names: &[&str], file: &str| {
            let named = |path: &&PathBuf| {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                names.iter().any(|wanted| name.starts_with(wanted))
            };
            let complete = |path: &&PathBuf| home.system(path).join(file).exists();
            packages
                .iter()
                .filter(named)
                .filter(complete)
                .max()
                .cloned()
        };
        let ejabberd =
            newest(&["ejabberd-"], "ebin/ejabberd.beam").ok_or_else(|| home.missing("ejabberd"))?;
        let xmpp = newest(&["xmpp-", "p1_xmpp-"], "include/xmpp.hrl")
            .ok_or_else(|| home.missing("erlang-p1-xmpp"))?;
        let libraries = ejabberd.parent().unwrap_or(&ejabberd).display().to_string();
        Ok(Self {
            libraries,
            ejabberd,
            xmpp,
        })
    }

    /// A command that compiles sources into a folder.
    pub(super) fn compiler(&self, home: &Home, into: &str, sources: &[PathBuf]) -> Result<Command> {
        let mut command = home.command("erlc")?;
        command.env("ERL_LIBS", &self.libraries);
        command.arg("-o").arg(into);
        command.arg("-I").arg(self.ejabberd.join("include"));
        command.arg("-I").arg(self.xmpp.join("include"));
        command.arg("-pa").arg(self.ejabberd.join("ebin"));
        command.args(sources);
        Ok(command)
    }
}

/// What is in a folder of the server's system; nothing if there is no such folder.
fn children(home: &Home, folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(home.system(folder))
        .into_iter()
        .flatten()
        .flatten();
    entries
        .map(|entry| folder.join(entry.file_name()))
        .collect()
}
