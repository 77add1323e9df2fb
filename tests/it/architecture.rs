//! The source is as ARCHITECTURE.md says: folders import those below them only, no files import one another in a circle,
//! and nothing is too large to be read.

mod imports;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use imports::Imports;

/// A file has at most so many lines.
const LINES: usize = 400;
/// A folder of `src` has at most this part of its lines.
const PART: f64 = 0.15;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Rust files in and below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The map's lines from the top, each the names of folders or files of `src`.
fn map() -> Vec<Vec<String>> {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let block = text.split("```").nth(1).unwrap();
    let names = |line: &str| line.split(", ").map(str::to_owned).collect();
    block.trim().lines().map(names).collect()
}

#[test]
fn folders_import_only_what_stands_below_them_in_the_map() {
    let imports = Imports::of(&root().join("src"));
    let map = map();
    let mut heights = BTreeMap::new();
    for (depth, names) in map.iter().enumerate() {
        for name in names {
            let twice = heights.insert(name.as_str(), map.len() - depth);
            assert!(twice.is_none(), "{name} stands in the map twice");
        }
    }
    let there: BTreeSet<&str> = imports.tops().collect();
    let mapped: BTreeSet<&str> = heights.keys().copied().collect();
    assert_eq!(there, mapped, "what is in src, and what is in the map");

    let mut wrong = Vec::new();
    for (from, to) in imports.between_tops() {
        if heights[to] >= heights[from.top()] {
            wrong.push(format!("{from} imports {to}, which is not below it"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_files_import_one_another_in_a_circle() {
    let circles = Imports::of(&root().join("src")).circles();
    assert!(circles.is_empty(), "{circles:#?}");
}

#[test]
fn no_file_is_longer_than_400_lines() {
    let mut long = Vec::new();
    for folder in ["src", "tests", "benches", "fuzz/src", "fuzz/fuzz_targets"] {
        for path in files(&root().join(folder)) {
            let lines = fs::read_to_string(&path).unwrap().lines().count();
            if lines > LINES {
                long.push(format!("{}: {lines}", path.display()));
            }
        }
    }
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn no_folder_is_much_of_the_whole() {
    let lines = |path: &PathBuf| fs::read_to_string(path).unwrap().lines().count();
    let mut sizes: BTreeMap<PathBuf, usize> = BTreeMap::new();
    let src = root().join("src");
    for path in files(&src) {
        let inside = path.strip_prefix(&src).unwrap();
        let top = inside.components().next().unwrap();
        *sizes.entry(PathBuf::from(top.as_os_str())).or_default() += lines(&path);
    }
    let all: usize = sizes.values().sum();
    for (folder, lines) in sizes {
        let part = lines as f64 / all as f64;
        assert!(part < PART, "{}: {lines} of {all}", folder.display());
    }
}

#[test]
fn every_test_that_reliability_names_is_there() {
    let text = fs::read_to_string(root().join("RELIABILITY.md")).unwrap();
    let mut code = String::new();
    for path in ["src", "tests"]
        .map(|folder| files(&root().join(folder)))
        .concat()
    {
        code.push_str(&fs::read_to_string(path).unwrap());
    }
    let mut missing = Vec::new();
    for quoted in text.split('`').skip(1).step_by(2) {
        let is_there = if quoted.contains('/') {
            root().join(quoted).exists()
        } else if quoted.contains(' ') || !quoted.contains('_') {
            true
        } else {
            let name = quoted.rsplit("::").next().unwrap();
            name.contains(char::is_uppercase) || code.contains(&format!("fn {name}("))
        };
        if !is_there {
            missing.push(quoted);
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}
