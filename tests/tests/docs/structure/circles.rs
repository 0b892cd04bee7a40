//! Which file of a crate needs which, and where that goes in a circle.
//!
//! A module is a file. It needs another when it names, in code or in an import, something that the other defines; a
//! re-export is followed to the definition and is no need by itself. No file may need itself by way of others, parents and
//! children included. Tests do not count, and methods, which have no path, are not seen.

use super::tree::{ModulePath, Tree, attributes, imports, is_re_export, is_test, paths_in};
use std::collections::{BTreeMap, BTreeSet};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{ImplItem, Item, ItemMod, ItemUse, Macro, Path};

/// Who needs whom, and the line that says so first.
type Needs = BTreeMap<(usize, usize), usize>;

/// Describes each circle by the needs in it, one a line.
pub(super) fn circles(tree: &Tree) -> Vec<String> {
    let needs = needs(tree);
    let reach = reachable(tree.files.len(), &needs);
    let in_a_circle = |from: usize, to: usize| reach[to].contains(&from);
    let describe = |((from, to), line): (&(usize, usize), &usize)| {
        let (from, to) = (&tree.files[*from].path, &tree.files[*to].path);
        format!("{from}:{line} needs {to}")
    };
    needs
        .iter()
        .filter(|((from, to), _)| in_a_circle(*from, *to))
        .map(describe)
        .collect()
}

fn needs(tree: &Tree) -> Needs {
    let mut needs = Needs::new();
    for (file, source) in tree.files.iter().enumerate() {
        let mut reader = Reader {
            tree,
            file,
            module: source.module.clone(),
            needs: &mut needs,
        };
        reader.visit_file(&source.syntax);
    }
    needs
}

/// For each file all that it needs, by way of others too.
fn reachable(files: usize, needs: &Needs) -> Vec<BTreeSet<usize>> {
    let from = |start: usize| {
        let mut seen = BTreeSet::new();
        let mut next = vec![start];
        while let Some(file) = next.pop() {
            let direct = needs.keys().filter(|(from, _)| *from == file);
            next.extend(direct.map(|(_, to)| *to).filter(|to| seen.insert(*to)));
        }
        seen
    };
    (0..files).map(from).collect()
}

struct Reader<'a> {
    tree: &'a Tree,
    file: usize,
    /// The file's, or an inline one within it.
    module: ModulePath,
    needs: &'a mut Needs,
}

impl Reader<'_> {
    fn need(&mut self, other: Option<usize>, line: usize) {
        if let Some(other) = other.filter(|other| *other != self.file) {
            let first = self.needs.entry((self.file, other)).or_insert(line);
            *first = line.min(*first);
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_test(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        if !matches!(item, ImplItem::Fn(method) if is_test(&method.attrs)) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        self.module.push(module.ident.to_string());
        visit::visit_item_mod(self, module);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if !is_re_export(item) {
            for import in imports(item).iter().filter(|import| import.name.is_some()) {
                self.need(self.tree.imported(&self.module, &import.path), import.line);
            }
        }
    }

    fn visit_path(&mut self, path: &'ast Path) {
        let names: ModulePath = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string())
            .collect();
        self.need(
            self.tree.definition(&self.module, &names),
            path.span().start().line,
        );
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        visit::visit_macro(self, call);
        for (path, line) in paths_in(call.tokens.clone()) {
            self.need(self.tree.definition(&self.module, &path), line);
        }
    }
}

fn circles_of(sources: &[(&str, &str)]) -> Vec<String> {
    circles(&Tree::read(sources.iter().copied()))
}

#[test]
fn a_circle_of_two_is_found_with_its_lines() {
    let found = circles_of(&[
        ("lib.rs", "mod a;\nmod b;\nmod c;"),
        (
            "a.rs",
            "use crate::c::C;\nuse crate::b::B;\npub struct A(B, C);",
        ),
        ("b.rs", "pub struct B;\nfn f(_: &super::a::A) {}"),
        ("c.rs", "pub struct C;"),
    ]);
    assert_eq!(found, ["a.rs:2 needs b.rs", "b.rs:2 needs a.rs"]);
}

#[test]
fn a_circle_by_way_of_others_is_found() {
    let found = circles_of(&[
        ("lib.rs", "mod a; mod b; mod c;"),
        ("a.rs", "pub fn f() { crate::b::f() }"),
        ("b.rs", "use crate::c;\npub fn f() { c::f() }"),
        (
            "c.rs",
            "use super::a::*;\npub fn f() { println!(\"{:?}\", f()) }\nfn g() { crate::a::f() }",
        ),
    ]);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found.contains(&"b.rs:2 needs c.rs".to_owned()), "{found:?}");
}

#[test]
fn a_re_export_is_followed_and_is_no_need_by_itself() {
    let lib = ("lib.rs", "mod a; mod b;\npub use a::A;\npub use b::*;");
    let one_way = circles_of(&[
        lib,
        ("a.rs", "pub struct A;"),
        ("b.rs", "pub struct B(crate::A);"),
    ]);
    assert!(one_way.is_empty(), "{one_way:?}");
    let both = circles_of(&[
        lib,
        ("a.rs", "pub struct A(Box<crate::B>);"),
        ("b.rs", "use crate::A as Other;\npub struct B(Other);"),
    ]);
    assert_eq!(both, ["a.rs:1 needs b.rs", "b.rs:1 needs a.rs"]);
}

#[test]
fn parents_and_children_are_no_exception() {
    let child = (
        "a/child.rs",
        "pub struct Child;\nimpl super::Trait for Child {}",
    );
    let handed_on = circles_of(&[
        ("lib.rs", "mod a;"),
        (
            "a.rs",
            "mod child;\npub use child::Child;\npub trait Trait {}",
        ),
        child,
    ]);
    assert!(handed_on.is_empty(), "{handed_on:?}");
    let used = circles_of(&[
        ("lib.rs", "mod a;"),
        (
            "a/mod.rs",
            "mod child;\npub trait Trait {}\nfn f(_: child::Child) {}",
        ),
        child,
    ]);
    assert_eq!(
        used,
        ["a/mod.rs:3 needs a/child.rs", "a/child.rs:2 needs a/mod.rs"]
    );
}

#[test]
fn what_a_macro_is_given_counts() {
    let found = circles_of(&[
        ("main.rs", "mod a; mod b;"),
        ("a.rs", "pub fn f() { select! { _ = crate::b::f() => {} } }"),
        ("b.rs", "pub fn f() { vec![[crate::a::f()]]; }"),
    ]);
    assert_eq!(found.len(), 2, "{found:?}");
}

#[test]
fn tests_do_not_count_and_inline_modules_are_of_their_file() {
    let found = circles_of(&[
        ("lib.rs", "mod a; mod b;"),
        (
            "a.rs",
            "pub struct A;\n#[cfg(test)]\nmod tests { use crate::b::B; }\n#[cfg(test)]\nmod more;",
        ),
        ("a/more.rs", "use crate::b::B;"),
        (
            "b.rs",
            "pub struct B;\nmod inner { use crate::a::A; fn f(_: super::B, _: A) {} }",
        ),
    ]);
    assert!(found.is_empty(), "{found:?}");
    let found = circles_of(&[
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "pub struct A(crate::b::inner::B);"),
        (
            "b.rs",
            "pub mod inner { pub struct B; fn f(_: crate::a::A) {} }",
        ),
    ]);
    assert_eq!(found.len(), 2, "{found:?}");
}

#[test]
fn a_module_is_told_from_a_function_of_its_name() {
    let apart = circles_of(&[
        ("lib.rs", "mod a; mod b;\npub fn b() { a::f() }"),
        (
            "a.rs",
            "use crate::b;\npub fn f() { b::f(); crate::b::f() }",
        ),
        ("b.rs", "pub fn f() {}"),
    ]);
    assert!(apart.is_empty(), "{apart:?}");
    let function = circles_of(&[
        ("lib.rs", "mod a; mod b;\npub fn b() { a::f() }"),
        ("a.rs", "use crate::b;\npub fn f() { b() }"),
        ("b.rs", ""),
    ]);
    assert_eq!(function, ["lib.rs:2 needs a.rs", "a.rs:2 needs lib.rs"]);
}
