//! What somebody may have meant by a path that is no spec.

use std::fs;
use std::path::{Path, PathBuf};

use strsim::damerau_levenshtein;

use super::failure::Failure;
use super::words::{command, may_be_command};
use crate::store::RUNS_FILE;

/// How many specs of a folder are listed.
const LISTED: usize = 8;

/// The spec file that is meant by what was given: itself, or with `.toml`; and whether that is another than given.
///
/// # Errors
/// What is there instead, and what could be meant.
pub(super) fn spec(given: &Path) -> Result<PathBuf, Failure> {
    if given.is_dir() {
        return Err(Failure::usage(folder_as_spec(given)));
    }
    if given.symlink_metadata().is_ok() || given.exists() {
        return Ok(given.to_owned());
    }
    let with_ending = with_toml(given);
    if with_ending.is_file() {
        return Ok(with_ending);
    }
    Err(Failure::usage(missing(given)))
}

fn with_toml(given: &Path) -> PathBuf {
    let mut name = given.as_os_str().to_owned();
    name.push(".toml");
    name.into()
}

fn missing(given: &Path) -> String {
    let shown = given.display();
    if let Some(word) = given.to_str().filter(|word| may_be_command(word)) {
        return match command(word) {
            Some(name) => {
                format!("there is no command or spec `{word}`; did you mean `runner {name}`?")
            }
            None => format!("there is no command or spec `{word}`{}", near_specs(given)),
        };
    }
    format!("there is no spec {shown}{}", near_specs(given))
}

/// The specs beside one that is not there, the most like it first.
fn near_specs(given: &Path) -> String {
    let folder = match given.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let wanted = given
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    let mut specs = specs_in(folder);
    if specs.is_empty() {
        return "; runner init writes one to begin with".into();
    }
    let distance = |spec: &PathBuf| {
        let stem = spec
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .to_lowercase();
        damerau_levenshtein(&wanted, &stem)
    };
    specs.sort_by_key(distance);
    if distance(&specs[0]) <= (wanted.chars().count() / 3).max(1) {
        return format!("; did you mean {}?", specs[0].display());
    }
    format!("; specs there: {}", listed(&specs))
}

fn specs_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut specs: Vec<PathBuf> = entries
        .map(|entry| match folder == Path::new(".") {
            true => PathBuf::from(entry.file_name()),
            false => entry.path(),
        })
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml") && path.is_file())
        .filter(|path| path.file_name().is_some_and(|name| name != "Cargo.toml"))
        .collect();
    specs.sort();
    specs
}

fn listed(paths: &[PathBuf]) -> String {
    let shown: Vec<String> = paths
        .iter()
        .take(LISTED)
        .map(|path| path.display().to_string())
        .collect();
    let more = if paths.len() > LISTED { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}

/// What to do with a folder where a spec was expected.
fn folder_as_spec(folder: &Path) -> String {
    let shown = folder.display();
    let is = |file: &str| folder.join(file).is_file();
    if is("model.safetensors") || is("log.jsonl") {
        return format!(
            "{shown} is the folder of a run, not a spec; runner evaluate {shown} measures its model, runner predict \
             {shown} IMAGE… uses it"
        );
    }
    if is(RUNS_FILE) {
        return format!(
            "{shown} is a folder of results, not a spec; runner compare {shown} compares its runs, runner watch \
             {shown} shows them"
        );
    }
    let mut inside = fs::read_dir(folder).into_iter().flatten().flatten();
    if inside.any(|entry| entry.path().join(RUNS_FILE).is_file()) {
        return format!(
            "{shown} is a folder of results, not a spec; runner compare {shown}/<name> compares an experiment's runs"
        );
    }
    match &specs_in(folder)[..] {
        [] => format!(
            "{shown} is a folder, expected a file; for a folder of images: runner init --template photos writes a spec whose \
             dataset.path names it"
        ),
        [only] => format!(
            "{shown} is a folder, expected a file; did you mean {}?",
            only.display()
        ),
        several => format!(
            "{shown} is a folder, expected a file; name one of its specs: {}",
            listed(several)
        ),
    }
}
