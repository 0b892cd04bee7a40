//! The modules of a crate, as its source says.

use proc_macro2::{TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};
use syn::{Attribute, Item, ItemUse, Meta, UseTree, Visibility};

/// Where a module is: the names from the crate's root on.
pub(super) type ModulePath = Vec<String>;

/// A crate's source without its tests.
#[derive(Default)]
pub(super) struct Tree {
    pub(super) files: Vec<SourceFile>,
    /// Inline modules included; those belong to the file they are in.
    modules: BTreeMap<ModulePath, Module>,
}

pub(super) struct SourceFile {
    pub(super) path: String,
    pub(super) module: ModulePath,
    pub(super) syntax: syn::File,
}

#[derive(Default)]
struct Module {
    file: usize,
    items: BTreeSet<String>,
    children: BTreeSet<String>,
    imports: BTreeMap<String, ModulePath>,
    globs: Vec<ModulePath>,
}

/// The end of a path.
enum Found {
    Module(ModulePath),
    /// The file that defines the item.
    Item(usize),
}

impl Found {
    fn file(self) -> Option<usize> {
        match self {
            Self::Item(file) => Some(file),
            Self::Module(_) => None,
        }
    }
}

/// The meaning of a name that both a function and a module have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Module,
    Item,
}

/// Imports that lead to imports, at most; more are a circle of their own.
const MOST_IMPORTS: usize = 16;

impl Tree {
    /// Reads the files of a crate: paths from its `src` folder on, and their text.
    pub(super) fn read<'a>(sources: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let parse = |(path, text): (&str, &str)| SourceFile {
            path: path.to_owned(),
            module: module_of(path),
            syntax: syn::parse_file(text).unwrap_or_else(|error| panic!("{path}: {error}")),
        };
        let mut files: Vec<SourceFile> = sources.into_iter().map(parse).collect();
        let tests = test_modules(&files);
        files.retain(|file| !tests.iter().any(|test| file.module.starts_with(test)));
        let mut modules = BTreeMap::new();
        for (index, file) in files.iter().enumerate() {
            declare(&mut modules, index, &file.module, &file.syntax.items);
        }
        Self { files, modules }
    }

    /// The file that defines what `path` leads to from `module`; `None` for modules and for what is not of this crate.
    pub(super) fn definition(&self, module: &[String], path: &[String]) -> Option<usize> {
        self.resolve(module, path, Wanted::Item, 0)?.file()
    }

    /// The same of a path in an import: where a module has the name, too, that is meant.
    pub(super) fn imported(&self, module: &[String], path: &[String]) -> Option<usize> {
        self.resolve(module, path, Wanted::Module, 0)?.file()
    }

    fn resolve(
        &self,
        module: &[String],
        path: &[String],
        wanted: Wanted,
        imports: usize,
    ) -> Option<Found> {
        let (first, rest) = path.split_first()?;
        let wanted_of = |left: usize| if left == 0 { wanted } else { Wanted::Module };
        let start = match first.as_str() {
            "crate" => Found::Module(Vec::new()),
            "self" => Found::Module(module.to_vec()),
            "super" => Found::Module(module.split_last()?.1.to_vec()),
            name => self.lookup(module, name, wanted_of(rest.len()), imports)?,
        };
        let steps = rest.iter().zip((0..rest.len()).rev());
        steps
            .into_iter()
            .try_fold(start, |found, (name, left)| match found {
                // The rest is of the item: a variant, a function.
                Found::Item(_) => Some(found),
                Found::Module(path) if name == "super" => {
                    Some(Found::Module(path.split_last()?.1.to_vec()))
                }
                Found::Module(path) => self.lookup(&path, name, wanted_of(left), imports),
            })
    }

    fn lookup(&self, path: &[String], name: &str, wanted: Wanted, imports: usize) -> Option<Found> {
        let module = self.modules.get(path)?;
        if wanted == Wanted::Module && module.children.contains(name) {
            return Some(Found::Module(join(path, name)));
        }
        if module.items.contains(name) {
            return Some(Found::Item(module.file));
        }
        if let Some(target) = module.imports.get(name)
            && imports < MOST_IMPORTS
            && let Some(found) = self.resolve(path, target, wanted, imports + 1)
        {
            return Some(found);
        }
        if module.children.contains(name) {
            return Some(Found::Module(join(path, name)));
        }
        let globs = module.globs.iter().filter(|_| imports < MOST_IMPORTS);
        globs.into_iter().find_map(|glob| {
            let Found::Module(from) = self.resolve(path, glob, Wanted::Module, imports + 1)? else {
                return None;
            };
            self.lookup(&from, name, wanted, imports + 1)
        })
    }
}

fn join(path: &[String], name: &str) -> ModulePath {
    path.iter().cloned().chain([name.to_owned()]).collect()
}

/// `a/b.rs` and `a/b/mod.rs` are the module `a::b`.
fn module_of(path: &str) -> ModulePath {
    let path = path.strip_suffix(".rs").unwrap_or(path);
    let mut names: ModulePath = path.split('/').map(str::to_owned).collect();
    if names
        .last()
        .is_some_and(|last| ["lib", "main", "mod"].contains(&last.as_str()))
    {
        names.pop();
    }
    names
}

/// The modules that are there for tests alone and have a file of their own.
fn test_modules(files: &[SourceFile]) -> Vec<ModulePath> {
    let declared = files.iter().flat_map(|file| {
        let items = file.syntax.items.iter();
        items.filter_map(|item| match item {
            Item::Mod(module) if is_test(&module.attrs) => {
                Some(join(&file.module, &module.ident.to_string()))
            }
            _ => None,
        })
    });
    declared.collect()
}

fn declare(
    modules: &mut BTreeMap<ModulePath, Module>,
    file: usize,
    path: &ModulePath,
    items: &[Item],
) {
    let mut module = Module {
        file,
        ..Module::default()
    };
    for item in items.iter().filter(|item| !is_test(attributes(item))) {
        match item {
            Item::Use(item) => {
                for import in imports(item) {
                    match import.name {
                        Some(name) => drop(module.imports.insert(name, import.path)),
                        None => module.globs.push(import.path),
                    }
                }
            }
            Item::Mod(child) => {
                let name = child.ident.to_string();
                if let Some((_, items)) = &child.content {
                    declare(modules, file, &join(path, &name), items);
                }
                module.children.insert(name);
            }
            other => module.items.extend(name_of(other)),
        }
    }
    modules.insert(path.clone(), module);
}

fn name_of(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(ident.to_string())
}

/// The attributes of an item, as far as this program's sources have such items.
pub(super) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Whether the attributes say `cfg(test)`.
pub(super) fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string().trim() == "test",
        _ => false,
    })
}

/// One name that a `use` brings.
pub(super) struct Import {
    /// `None` for all there are.
    pub(super) name: Option<String>,
    pub(super) path: ModulePath,
    pub(super) line: usize,
}

pub(super) fn imports(item: &ItemUse) -> Vec<Import> {
    let mut found = Vec::new();
    flatten(&item.tree, &mut Vec::new(), &mut found);
    found
}

/// Whether a `use` only hands on what is defined elsewhere.
pub(super) fn is_re_export(item: &ItemUse) -> bool {
    !matches!(item.vis, Visibility::Inherited)
}

fn flatten(tree: &UseTree, path: &mut ModulePath, found: &mut Vec<Import>) {
    let mut leaf = |ident: &syn::Ident, name: Option<String>| {
        let ends_here = ident == "self";
        let path = if ends_here {
            path.clone()
        } else {
            join(path, &ident.to_string())
        };
        found.push(Import {
            name: name.or_else(|| path.last().cloned()),
            path,
            line: ident.span().start().line,
        });
    };
    match tree {
        UseTree::Name(name) => leaf(&name.ident, None),
        UseTree::Rename(rename) => leaf(&rename.ident, Some(rename.rename.to_string())),
        UseTree::Glob(glob) => found.push(Import {
            name: None,
            path: path.clone(),
            line: glob.star_token.spans[0].start().line,
        }),
        UseTree::Path(step) => {
            path.push(step.ident.to_string());
            flatten(&step.tree, path, found);
            path.pop();
        }
        UseTree::Group(group) => {
            for tree in &group.items {
                flatten(tree, path, found);
            }
        }
    }
}

/// The paths within a macro's tokens, and their lines: `a`, `a::b`.
pub(super) fn paths_in(tokens: TokenStream) -> Vec<(ModulePath, usize)> {
    let mut found: Vec<(ModulePath, usize)> = Vec::new();
    // How many colons there were since the last name.
    let mut colons = 0;
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => {
                match found.last_mut() {
                    Some((path, _)) if colons == 2 => path.push(ident.to_string()),
                    _ => found.push((vec![ident.to_string()], ident.span().start().line)),
                }
                colons = 0;
            }
            TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
            TokenTree::Group(group) => {
                found.extend(paths_in(group.stream()));
                colons = 0;
            }
            _ => colons = 0,
        }
    }
    found
}
