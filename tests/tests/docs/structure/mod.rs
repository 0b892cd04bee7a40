//! The structure that ARCHITECTURE.md describes, as far as a program can check it.

mod circles;
mod tree;

use crate::repository::{files, read};
use circles::circles;
use std::path::PathBuf;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{ItemImpl, ItemStruct, Type, Visibility};
use tree::{SourceFile, Tree, attributes, is_test};

const CRATES: [&str; 7] = [
    "push-core",
    "push-driver",
    "push-transport-xmpp",
    "push-store-sqlite",
    "push-store-postgres",
    "push-store-mongo",
    "push-cli",
];

/// The longest file, in lines, tests at its end left out.
const LONGEST: usize = 400;

/// The file that joins the Machine's parts, and where those are.
const MACHINE: &str = "machine/mod.rs";

/// The one file beside the crates' roots that knows cargo features.
const FEATURES: &str = "push-cli/src/compose.rs";

/// The files of a crate, from its `src` folder on.
fn sources(name: &str) -> Vec<(String, String)> {
    let folder = PathBuf::from(name).join("src");
    let relative = |path: PathBuf| {
        let within = path.strip_prefix(&folder).unwrap();
        (within.to_string_lossy().into_owned(), read(&path))
    };
    files(&folder, "rs").into_iter().map(relative).collect()
}

fn tree(sources: &[(String, String)]) -> Tree {
    Tree::read(
        sources
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str())),
    )
}

/// Returns what `find` finds in the crates, each with its crate's folder in front.
fn in_all(find: impl Fn(&str, &Tree, &[(String, String)]) -> Vec<String>) -> String {
    let all = CRATES.iter().flat_map(|name| {
        let sources = sources(name);
        let found = find(name, &tree(&sources), &sources);
        found
            .into_iter()
            .map(move |violation| format!("{name}/src/{violation}"))
    });
    all.collect::<Vec<_>>().join("\n")
}

#[test]
fn no_modules_need_each_other() {
    let found = in_all(|_, tree, _| circles(tree));
    assert!(found.is_empty(), "circles of modules:\n{found}");
}

#[test]
fn only_one_file_joins_the_parts_of_the_machine() {
    let tree = tree(&sources("push-core"));
    let found = parts_that_are_not_apart(&tree);
    assert!(found.is_empty(), "of the Machine:\n{}", found.join("\n"));
}

#[test]
fn no_file_is_too_long() {
    let all = ["rs", "lua", "erl"]
        .into_iter()
        .flat_map(|ending| files("", ending));
    let long = all.filter_map(|path| {
        let lines = without_tests(&read(&path)).lines().count();
        (lines > LONGEST).then(|| format!("{}:{LONGEST} of {lines} lines", path.display()))
    });
    let long: Vec<String> = long.collect();
    assert!(
        long.is_empty(),
        "longer than {LONGEST} lines:\n{}",
        long.join("\n")
    );
}

#[test]
fn features_are_known_at_the_top_alone() {
    let found = in_all(|name, tree, sources| {
        let below = code(tree, sources).filter(|(path, _)| {
            !["lib.rs", "main.rs"].contains(path) && format!("{name}/src/{path}") != FEATURES
        });
        below
            .flat_map(|(path, code)| features(path, code))
            .collect()
    });
    assert!(found.is_empty(), "knows features:\n{found}");
}

/// Returns the text of a file up to the unit tests at its end.
fn without_tests(text: &str) -> &str {
    let code = text.split("\n#[cfg(test)]\nmod tests {").next();
    code.unwrap_or(text)
}

/// The files that are no tests, without the tests at their ends.
fn code<'a>(
    tree: &'a Tree,
    sources: &'a [(String, String)],
) -> impl Iterator<Item = (&'a str, &'a str)> {
    let of = |file: &'a SourceFile| {
        let source = sources.iter().find(|(path, _)| *path == file.path);
        let text = source.map_or("", |(_, text)| text);
        (file.path.as_str(), without_tests(text))
    };
    tree.files.iter().map(of)
}

fn features(path: &str, code: &str) -> Vec<String> {
    let lines = (1..).zip(code.lines());
    let knowing =
        lines.filter(|(_, line)| line.contains("cfg(feature") || line.contains("(feature ="));
    knowing
        .map(|(number, line)| format!("{path}:{number} {}", line.trim()))
        .collect()
}

/// Records that travel between the parts of the Machine, and belong to none of them.
const RECORDS: &str = "machine/values/";

/// Files other than `mod.rs` with methods of the Machine, and fields that one part lets another reach into.
fn parts_that_are_not_apart(tree: &Tree) -> Vec<String> {
    let of_machine = |file: &&SourceFile| {
        let first = file.module.first();
        first.is_some_and(|name| name == "machine") && !file.path.starts_with(RECORDS)
    };
    let parts = tree.files.iter().filter(of_machine);
    let found = parts.flat_map(|file| {
        let mut reader = Parts {
            path: &file.path,
            found: Vec::new(),
        };
        reader.visit_file(&file.syntax);
        reader.found
    });
    found.collect()
}

struct Parts<'a> {
    path: &'a str,
    found: Vec<String>,
}

impl<'ast> Visit<'ast> for Parts<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if !is_test(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        let of_machine = matches!(&*item.self_ty, Type::Path(of)
            if of.path.segments.last().is_some_and(|name| name.ident == "Machine"));
        if of_machine && self.path != MACHINE {
            let line = item.impl_token.span().start().line;
            self.found
                .push(format!("{}:{line} has methods of the Machine", self.path));
        }
        visit::visit_item_impl(self, item);
    }

    fn visit_item_struct(&mut self, item: &'ast ItemStruct) {
        let shared = item.fields.iter();
        for field in shared.filter(|field| matches!(field.vis, Visibility::Restricted(_))) {
            let line = field.span().start().line;
            self.found.push(format!(
                "{}:{line} shares a field of {}",
                self.path, item.ident
            ));
        }
    }
}

#[test]
fn a_part_that_is_not_apart_is_noticed() {
    let tree = Tree::read([
        ("lib.rs", "mod machine;"),
        (
            "machine/mod.rs",
            "mod a;\npub struct Machine { a: a::A }\nimpl Machine {}",
        ),
        (
            "machine/a.rs",
            "use super::Machine;\npub struct A { one: u8,\npub(super) two: u8, pub three: u8 }\n\
             impl Machine {}\nimpl Drop for super::Machine { fn drop(&mut self) {} }\n\
             #[cfg(test)]\nmod tests { struct Kit { pub(crate) one: u8 } impl crate::machine::Machine {} }",
        ),
        ("elsewhere.rs", "pub struct B { pub(crate) one: u8 }"),
    ]);
    let found = parts_that_are_not_apart(&tree);
    assert_eq!(
        found,
        [
            "machine/a.rs:3 shares a field of A",
            "machine/a.rs:4 has methods of the Machine",
            "machine/a.rs:5 has methods of the Machine",
        ]
    );
}

#[test]
fn tests_at_the_end_are_not_counted_and_a_feature_is_noticed() {
    let text = "#[cfg(feature = \"x\")]\nfn f() {}\n\n#[cfg(test)]\nmod tests {\n    #[cfg(feature = \"y\")]\n    fn f() {}\n}\n";
    let sources = [("a.rs".to_owned(), text.to_owned())];
    let tree = tree(&sources);
    let all: Vec<_> = code(&tree, &sources).collect();
    assert_eq!(all[0].1.lines().count(), 2);
    assert_eq!(
        features("a.rs", all[0].1),
        ["a.rs:1 #[cfg(feature = \"x\")]"]
    );
}
