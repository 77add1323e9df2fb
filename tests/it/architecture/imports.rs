//! What the files of a crate import from one another, by the paths in them: those that begin with `crate`, `super` or
//! `self`, and those that begin with a module below.
//!
//! A path leads to the file that defines what it names: what a module has by `use` is another file's, and to hand it on
//! with `pub use` is no import. Code that is only for tests does not count.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::Path;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// A module, by its path from the crate's root.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Module(Vec<String>);

impl Module {
    /// The folder or file of `src` that it is in.
    pub fn top(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    fn child(&self, name: &str) -> Module {
        Module([&self.0[..], &[name.to_owned()]].concat())
    }
}

impl fmt::Display for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("::"))
    }
}

/// A file's part of the whole.
#[derive(Default)]
struct Source {
    /// What it imports and hands on, as paths from the crate's root, where they are written so.
    paths: BTreeSet<Vec<String>>,
    /// What it imports, as paths from the crate's root, however they are written.
    imports: BTreeSet<Written>,
    /// Where each name leads that it has by `use`.
    names: BTreeMap<String, Written>,
}

/// A path as it is written somewhere.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Written {
    /// From the crate's root.
    full: Vec<String>,
    /// Whether it begins with a name, which may be that of a module below.
    is_relative: bool,
    /// Where in the whole the first name is.
    at: usize,
}

/// The files of a crate.
pub struct Imports {
    files: BTreeMap<Module, Source>,
}

impl Imports {
    /// Reads the library whose `lib.rs` is in this folder.
    pub fn of(folder: &Path) -> Self {
        let mut reader = Reader::default();
        for path in super::files(folder) {
            let inside = path.strip_prefix(folder).unwrap().with_extension("");
            let names = inside.iter().map(|name| name.to_str().unwrap().to_owned());
            let mut names: Vec<String> = names.collect();
            match names.last().map(String::as_str) {
                Some("main") if names.len() == 1 => continue,
                Some("lib" | "mod") => drop(names.pop()),
                _ => {}
            }
            let file = Module(names);
            let text = fs::read_to_string(&path).unwrap();
            let tokens: TokenStream = text.parse().unwrap();
            reader.files.insert(file.clone(), Source::default());
            reader.read(tokens, &file, &file);
        }
        let tests = reader.tests;
        let is_test = |file: &Module| tests.iter().any(|test| file.0.starts_with(&test.0));
        reader.files.retain(|file, _| !is_test(file));
        let mut files = reader.files;
        let there: BTreeSet<Module> = files.keys().cloned().collect();
        // A path that begins with another name is a crate's, or that of something in the file itself.
        let is_there = |path: &Written| {
            !path.is_relative || there.contains(&Module(path.full[..=path.at].into()))
        };
        for source in files.values_mut() {
            source.imports.retain(is_there);
            source.names.retain(|_, path| is_there(path));
        }
        Imports { files }
    }

    /// The folders and files at the top.
    pub fn tops(&self) -> impl Iterator<Item = &str> {
        self.files
            .keys()
            .map(Module::top)
            .filter(|top| !top.is_empty())
    }

    /// Which file imports which other top.
    pub fn between_tops(&self) -> impl Iterator<Item = (&Module, &str)> {
        let is_top = |name: &str| self.tops().any(|top| top == name);
        let inside = self.files.iter().filter(|(file, _)| !file.0.is_empty());
        let pairs = inside.flat_map(|(file, source)| {
            let tops = source.paths.iter().filter_map(|path| path.first());
            tops.map(move |top| (file, top.as_str()))
        });
        let pairs: BTreeSet<_> = pairs
            .filter(|(file, top)| file.top() != *top && is_top(top))
            .collect();
        pairs.into_iter()
    }

    /// The file that defines what a path names.
    fn file_of(&self, path: &[String]) -> &Module {
        let ends = (0..=path.len()).rev();
        let mut files =
            ends.filter_map(|end| self.files.get_key_value(&Module(path[..end].into())));
        let (file, source) = files.next().unwrap();
        let rest = &path[file.0.len()..];
        match rest.first().and_then(|name| source.names.get(name)) {
            Some(at) if at.full != path && at.full != file.0 => {
                self.file_of(&[&at.full[..], &rest[1..]].concat())
            }
            _ => file,
        }
    }

    /// The files that import one another, directly or through others.
    pub fn circles(&self) -> BTreeSet<BTreeSet<String>> {
        let to = |source: &Source| -> BTreeSet<&Module> {
            let imports = source.imports.iter();
            imports.map(|path| self.file_of(&path.full)).collect()
        };
        let edges: BTreeMap<&Module, BTreeSet<&Module>> = self
            .files
            .iter()
            .map(|(file, source)| (file, to(source)))
            .collect();
        let reached = |start: &Module| {
            let mut found = BTreeSet::new();
            let mut next: Vec<&Module> = edges[start].iter().copied().collect();
            while let Some(file) = next.pop() {
                if found.insert(file) {
                    next.extend(&edges[file]);
                }
            }
            found
        };
        let reached: BTreeMap<&Module, BTreeSet<&Module>> = self
            .files
            .keys()
            .map(|file| (file, reached(file)))
            .collect();
        let circle = |file: &Module| -> BTreeSet<String> {
            let others = reached[file]
                .iter()
                .filter(|other| reached[*other].contains(file));
            others.map(ToString::to_string).collect()
        };
        let circles = self.files.keys().map(circle);
        circles.filter(|circle| circle.len() > 1).collect()
    }
}

/// Reads files.
#[derive(Default)]
struct Reader {
    files: BTreeMap<Module, Source>,
    /// Modules that are only there for tests.
    tests: Vec<Module>,
}

impl Reader {
    /// Reads code that stands in a module of a file.
    fn read(&mut self, tokens: TokenStream, file: &Module, module: &Module) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Punct(mark)
                    if mark.as_char() == '#' && is_for_tests(tokens.get(at + 1)) =>
                {
                    let end = at + 2 + item(&tokens[at + 2..]);
                    self.tests
                        .extend(declared(&tokens[at + 2..end]).map(|name| module.child(&name)));
                    at = end;
                }
                TokenTree::Ident(word) if word == "use" => {
                    let end = at + item(&tokens[at..]);
                    let is_handed_on = at > 0 && ends_visibility(&tokens[..at]);
                    let mut leaves = Vec::new();
                    leaves_of(&tokens[at + 1..end], &mut Vec::new(), &mut leaves);
                    for leaf in leaves {
                        self.imported(leaf, file, module, is_handed_on);
                    }
                    at = end;
                }
                // `pub(super)` and `pub(in crate::…)` import nothing.
                TokenTree::Ident(word) if word == "pub" => {
                    at += match tokens.get(at + 1) {
                        Some(TokenTree::Group(group)) if is_visibility(group) => 2,
                        _ => 1,
                    };
                }
                TokenTree::Ident(word) if word == "mod" => {
                    if let [TokenTree::Ident(name), TokenTree::Group(body), ..] = &tokens[at + 1..]
                    {
                        self.read(body.stream(), file, &module.child(&name.to_string()));
                        at += 2;
                    }
                    at += 1;
                }
                TokenTree::Group(group) => {
                    self.read(group.stream(), file, module);
                    at += 1;
                }
                TokenTree::Ident(_) if !ends_with_colon(&tokens[..at]) => {
                    let path = path_at(&tokens[at..]);
                    if path.len() > 1 {
                        self.used(&path, file, module);
                    }
                    at += 1;
                }
                _ => at += 1,
            }
        }
    }

    /// A path that stands in a `use`, with the name that it has from there on.
    fn imported(
        &mut self,
        (path, name): (Vec<String>, String),
        file: &Module,
        module: &Module,
        is_handed_on: bool,
    ) {
        let written = Written::of(&path, module);
        let source = self.files.get_mut(file).unwrap();
        source.names.insert(name, written.clone());
        if path[0] == "crate" {
            source.paths.insert(written.full.clone());
        }
        if !is_handed_on {
            source.imports.insert(written);
        }
    }

    /// A path that stands elsewhere.
    fn used(&mut self, path: &[String], file: &Module, module: &Module) {
        let written = Written::of(path, module);
        let source = self.files.get_mut(file).unwrap();
        if path[0] == "crate" {
            source.paths.insert(written.full.clone());
        }
        source.imports.insert(written);
    }
}

impl Written {
    /// A path that is written in a module.
    fn of(path: &[String], module: &Module) -> Self {
        let mut base = module.0.clone();
        let mut rest = path;
        while let [first, more @ ..] = rest {
            match first.as_str() {
                "crate" => base.clear(),
                "self" => {}
                "super" => drop(base.pop()),
                _ => break,
            }
            rest = more;
        }
        Written {
            full: [&base[..], rest].concat(),
            is_relative: rest.len() == path.len(),
            at: base.len(),
        }
    }
}

/// Whether this is `[cfg(test)]`, alone or with more that must hold.
fn is_for_tests(attribute: Option<&TokenTree>) -> bool {
    let text = attribute.map(ToString::to_string).unwrap_or_default();
    let text: String = text.split_whitespace().collect();
    text.starts_with("[cfg(test)") || text.starts_with("[cfg(all(test,")
}

/// How many tokens the item has that stands here.
fn item(tokens: &[TokenTree]) -> usize {
    let is_use = tokens.iter().take(3).any(|token| is_word(token, "use"));
    let is_end = |token: &TokenTree| match token {
        TokenTree::Punct(mark) => mark.as_char() == ';',
        TokenTree::Group(group) => !is_use && group.delimiter() == Delimiter::Brace,
        _ => false,
    };
    tokens
        .iter()
        .position(is_end)
        .map_or(tokens.len(), |end| end + 1)
}

fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(found) if found == word)
}

/// The name in `mod name;`.
fn declared(item: &[TokenTree]) -> impl Iterator<Item = String> + use<> {
    let at = item.iter().position(|token| is_word(token, "mod"));
    let name = at.and_then(|at| item.get(at + 1)).map(ToString::to_string);
    name.into_iter()
}

/// Whether `pub` or `pub(…)` stands at the end.
fn ends_visibility(before: &[TokenTree]) -> bool {
    match before {
        [.., last] if is_word(last, "pub") => true,
        [.., word, TokenTree::Group(_)] => is_word(word, "pub"),
        _ => false,
    }
}

/// Whether this is what stands behind `pub`, in parentheses.
fn is_visibility(group: &Group) -> bool {
    let first = group.stream().into_iter().next();
    let words = ["in", "crate", "super", "self"];
    let is_one = |token: TokenTree| words.into_iter().any(|word| is_word(&token, word));
    group.delimiter() == Delimiter::Parenthesis && first.is_some_and(is_one)
}

/// Whether this stands inside a path.
fn ends_with_colon(before: &[TokenTree]) -> bool {
    matches!(before, [.., TokenTree::Punct(one), TokenTree::Punct(two)] if one.as_char() == ':' && two.as_char() == ':')
}

/// The names of a path, up to what is no name.
fn path_at(tokens: &[TokenTree]) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = tokens;
    while let [TokenTree::Ident(name), more @ ..] = rest {
        names.push(name.to_string());
        match more {
            [TokenTree::Punct(one), TokenTree::Punct(two), after @ ..]
                if one.as_char() == ':' && two.as_char() == ':' =>
            {
                rest = after;
            }
            _ => break,
        }
    }
    names
}

/// Each path of a `use`, without `self` and `*` at its end, with the name that it has from there on.
fn leaves_of(
    tokens: &[TokenTree],
    before: &mut Vec<String>,
    leaves: &mut Vec<(Vec<String>, String)>,
) {
    for branch in
        tokens.split(|token| matches!(token, TokenTree::Punct(mark) if mark.as_char() == ','))
    {
        let length = before.len();
        before.extend(path_at(branch));
        let group = branch.iter().find_map(|token| match token {
            TokenTree::Group(group) => Some(group.stream()),
            _ => None,
        });
        if let Some(group) = group {
            let inside: Vec<TokenTree> = group.into_iter().collect();
            leaves_of(&inside, before, leaves);
        } else if !branch.is_empty() && !before.is_empty() {
            let mut path = before.clone();
            if path.len() > 1 && path.last().is_some_and(|name| name == "self") {
                path.pop();
            }
            let renamed = branch.iter().position(|token| is_word(token, "as"));
            let renamed = renamed
                .and_then(|at| branch.get(at + 1))
                .map(ToString::to_string);
            let name = renamed.unwrap_or_else(|| path.last().cloned().unwrap_or_default());
            leaves.push((path, name));
        }
        before.truncate(length);
    }
}
