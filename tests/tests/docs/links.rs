//! Links between the documents.

use crate::markdown::{anchors, links};
use crate::repository::{files, read, root};
use std::path::Path;

#[test]
fn every_relative_link_leads_to_a_file_and_a_heading() {
    let mut broken = Vec::new();
    for document in files("", "md") {
        let text = read(&document);
        let relative = links(&text)
            .into_iter()
            .filter(|target| !target.contains("://"));
        for target in relative.filter(|target| !leads_somewhere(&document, target)) {
            broken.push(format!("{}: {target}", document.display()));
        }
    }
    assert!(broken.is_empty(), "broken links:\n{}", broken.join("\n"));
}

fn leads_somewhere(document: &Path, target: &str) -> bool {
    let (path, heading) = target.split_once('#').unwrap_or((target, ""));
    let path = match path {
        "" => document.to_path_buf(),
        _ => document.parent().unwrap_or(Path::new("")).join(path),
    };
    let found = root().join(&path);
    found.exists()
        && (heading.is_empty() || anchors(&read(&path)).iter().any(|have| have == heading))
}
