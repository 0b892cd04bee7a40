//! The tree as the tests read it.

use std::fs;
use std::path::{Path, PathBuf};

/// The folder of the repository: this crate is one of its sub-folders.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The text of a file, by its path in the repository.
pub(crate) fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{} cannot be read: {error}", path.display()))
}

/// Everything with this ending below a folder of the repository; what builds leave behind is not of it.
pub(crate) fn files(folder: impl AsRef<Path>, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    collect(&root().join(folder), ending, &mut found);
    assert!(
        !found.is_empty(),
        "there is no file with the ending {ending}"
    );
    found.sort();
    found
}

fn collect(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            collect(&path, ending, found);
        } else if path.extension().is_some_and(|found| found == ending) {
            found.push(path.strip_prefix(root()).unwrap().to_path_buf());
        }
    }
}

/// The sources of all languages, in one text.
pub(crate) fn sources() -> String {
    let folders = [
        ("push-core", "rs"),
        ("push-driver", "rs"),
        ("push-transport-xmpp", "rs"),
        ("push-store-sqlite", "rs"),
        ("push-cli", "rs"),
        ("adapters", "lua"),
        ("adapters", "erl"),
    ];
    let all = folders
        .iter()
        .flat_map(|(folder, ending)| files(folder, ending));
    all.map(read).collect::<Vec<_>>().join("\n")
}

/// The Rust string literals of a text, without those in comments.
pub(crate) fn literals(source: &str) -> Vec<String> {
    let code = source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let code = code.collect::<Vec<_>>().join("\n");
    let parts = code.split('"').collect::<Vec<_>>();
    parts
        .iter()
        .skip(1)
        .step_by(2)
        .map(|text| (*text).to_owned())
        .collect()
}
