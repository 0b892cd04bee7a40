//! Where a server lives: a folder of its own, on this machine or inside a folder that holds another system.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::{Context as _, Failure, Result, repository};

/// A temporary folder for a server's files, and the system that the server's programs come from.
///
/// Paths come in two kinds: [`Home::outside`] as this process sees them, [`Home::inside`] as the server does.
/// `XMPP_PUSH_KEEP=1` keeps the folder after the tests, with the logs, until the next run.
#[derive(Debug)]
pub struct Home {
    root: Option<PathBuf>,
    folder: TempDir,
}

impl Home {
    /// A new folder; with `root`, in that system and for its programs.
    ///
    /// # Errors
    /// `root` is not a system, or the folder cannot be made.
    pub fn new(server: &str, root: Option<&Path>) -> Result<Self> {
        let parent = root.map_or_else(std::env::temp_dir, |root| root.join("tmp"));
        let prefix = format!("xmpp-push-{server}-");
        remove_orphans(&parent, &prefix);
        let mut folder = tempfile::Builder::new()
            .prefix(&format!("{prefix}{}-", std::process::id()))
            .tempdir_in(&parent)
            .context(format!(
                "a folder in {}; is the server root one of scripts/test-servers?",
                parent.display()
            ))?;
        folder.disable_cleanup(std::env::var_os("XMPP_PUSH_KEEP").is_some());
        Ok(Self {
            root: root.map(Path::to_path_buf),
            folder,
        })
    }

    /// The folder, as this process sees it.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A file of the folder, as this process sees it.
    #[must_use]
    pub fn outside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file of the folder, as the server sees it.
    #[must_use]
    pub fn inside(&self, name: &str) -> String {
        let path = self.outside(name);
        let seen = match &self.root {
            Some(root) => Path::new("/").join(path.strip_prefix(root).unwrap_or(&path)),
            None => path,
        };
        seen.display().to_string()
    }

    /// An absolute path of the system that the server runs in, as this process sees it.
    #[must_use]
    pub fn system(&self, path: impl AsRef<Path>) -> PathBuf {
        let root = self.root.as_deref().unwrap_or(Path::new("/"));
        root.join(path.as_ref().strip_prefix("/").unwrap_or(path.as_ref()))
    }

    /// A command of the server's system, run in its folder.
    ///
    /// # Errors
    /// The program is not installed in that system.
    pub fn command(&self, program: &str) -> Result<Command> {
        if !["/usr/bin", "/usr/sbin", "/bin"]
            .iter()
            .any(|folder| self.system(folder).join(program).exists())
        {
            return Err(self.missing(program));
        }
        let mut command = match &self.root {
            Some(root) => {
                let mut chroot = Command::new("chroot");
                chroot
                    .arg(root)
                    .args(["env", "-C"])
                    .arg(self.inside(""))
                    .arg(program);
                chroot
            }
            None => Command::new(program),
        };
        command
            .current_dir(self.folder.path())
            .env("HOME", self.inside(""))
            .env("LC_ALL", "C.UTF-8");
        Ok(command)
    }

    /// Something is not installed in the server's system.
    #[must_use]
    pub fn missing(&self, what: &str) -> Failure {
        match &self.root {
            Some(root) => Failure::new(format!(
                "{what} is missing in {}; run scripts/test-servers",
                root.display()
            )),
            None => Failure::missing(what),
        }
    }

    /// Writes a file of the folder.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn write(&self, name: &str, content: &str) -> Result<()> {
        let path = self.outside(name);
        fs::write(&path, content).context(path.display())
    }

    /// Makes a sub-folder, unless it is there.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn folder(&self, name: &str) -> Result<PathBuf> {
        let path = self.outside(name);
        fs::create_dir_all(&path).context(path.display())?;
        Ok(path)
    }

    /// Copies a folder's files with this ending into a sub-folder, as a tree; returns their paths
    /// in it. Servers run from copies: a test may change them, and a server in another system
    /// sees nothing else.
    ///
    /// # Errors
    /// A folder cannot be read or written.
    pub fn copy_sources(&self, source: &Path, ending: &str, into: &str) -> Result<Vec<PathBuf>> {
        let target = self.folder(into)?;
        let mut copied = Vec::new();
        for path in files_below(source)? {
            if path.extension().is_some_and(|found| found == ending) {
                let name = path.strip_prefix(source).unwrap_or(&path);
                let copy = target.join(name);
                fs::create_dir_all(copy.parent().unwrap_or(&target)).context(copy.display())?;
                fs::copy(&path, &copy).context(path.display())?;
                copied.push(name.to_path_buf());
            }
        }
        copied.sort();
        Ok(copied)
    }
}

/// Removes the folders of test processes that are gone: that of a server which tests share is not dropped.
fn remove_orphans(parent: &Path, prefix: &str) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let owner = name
            .strip_prefix(prefix)
            .and_then(|rest| rest.split_once('-'))
            .and_then(|(owner, _)| owner.parse::<u32>().ok());
        let gone = |owner: u32| !Path::new("/proc").join(owner.to_string()).exists();
        if owner.is_some_and(gone) {
            // Another test process may be at it, too.
            drop(fs::remove_dir_all(entry.path()));
        }
    }
}

/// A folder with one file of a folder of the repository, changed: behind each of the texts follows what belongs to it. To be
/// copied over the original.
///
/// # Errors
/// The file has not each of the texts.
pub fn overlay(folder: &str, file: &str, insertions: &[(&str, &str)]) -> Result<TempDir> {
    let original = repository().join(folder).join(file);
    let mut content = fs::read_to_string(&original).context(original.display())?;
    for (text, insertion) in insertions {
        if !content.contains(text) {
            return Err(Failure::new(format!("{file} has no {text:?}")));
        }
        content = content.replace(text, &format!("{text} {insertion}"));
    }
    let copy = tempfile::tempdir()?;
    let path = copy.path().join(file);
    fs::create_dir_all(path.parent().unwrap_or(copy.path()))?;
    fs::write(path, content)?;
    Ok(copy)
}

fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).context(folder.display())? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(files_below(&path)?);
        } else {
            files.push(path);
        }
    }
    Ok(files)
}
