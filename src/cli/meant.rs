//! What somebody may have meant: words that are no command, paths that are no spec or no results.

use std::fs;
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use strsim::damerau_levenshtein;

use super::Failure;
use super::args::Cli;
use crate::store::RUNS_FILE;

/// Words of other tools for our commands.
const SYNONYMS: [(&str, &[&str]); 8] = [
    (
        "run",
        &[
            "train", "fit", "start", "resume", "exec", "execute", "sweep",
        ],
    ),
    (
        "check",
        &["validate", "lint", "plan", "dry-run", "verify", "summary"],
    ),
    (
        "compare",
        &["list", "ls", "diff", "results", "show", "best"],
    ),
    ("evaluate", &["eval", "test", "score"]),
    ("predict", &["infer", "inference", "classify", "label"]),
    ("watch", &["serve", "dashboard", "ui", "server", "board"]),
    ("report", &["plot", "html", "charts"]),
    ("init", &["new", "create", "template", "example"]),
];

/// How many specs of a folder are listed.
const LISTED: usize = 8;

/// The command that a word is most like.
pub(super) fn command(word: &str) -> Option<String> {
    let word = word.to_lowercase();
    let cli = Cli::command();
    let names = cli.get_subcommands().map(clap::Command::get_name);
    let mut near: Vec<(usize, &str)> = names
        .map(|name| (damerau_levenshtein(&word, name), name))
        .filter(|(distance, name)| *distance <= (name.len() / 3).max(1))
        .collect();
    near.sort();
    let synonym = || {
        SYNONYMS
            .iter()
            .find(|(_, words)| words.contains(&word.as_str()))
    };
    let begun = || {
        let mut names = cli.get_subcommands().map(clap::Command::get_name);
        names.find(|name| word.len() >= 3 && name.starts_with(&word))
    };
    let found = near.first().map(|(_, name)| *name);
    let found = found
        .or_else(|| synonym().map(|(name, _)| *name))
        .or_else(begun);
    found.map(str::to_owned)
}

/// Whether a word of the command line may be a command: it names nothing that is there, and has no look of a path.
pub(super) fn may_be_command(word: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphabetic() || c == '-' || c == '_';
    !word.starts_with('-') && word.chars().all(is_word) && !Path::new(word).exists()
}

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

/// Refuses what is no folder of results, where it can be told what is meant instead.
///
/// # Errors
/// A spec: where its results are, or how to get some. A run's folder, a table: the folder above it.
pub(super) fn results(given: &Path, command: &str) -> Result<(), Failure> {
    let wrong = |what: &str, folder: &Path| {
        let (shown, folder) = (given.display(), folder.display());
        Err(Failure::usage(format!(
            "{shown} is {what}, not a folder of results; did you mean runner {command} {folder}?"
        )))
    };
    let above = |levels: usize| {
        given
            .ancestors()
            .nth(levels)
            .filter(|path| path.join(RUNS_FILE).is_file())
    };
    if given.is_dir() {
        if given.join(RUNS_FILE).is_file() {
            return Ok(());
        }
        // results/<name>/runs/<run>, or results/<name>/runs.
        return match (above(2), above(1)) {
            (Some(folder), _) => wrong("the folder of a run", folder),
            (_, Some(folder)) => wrong("the folder of its runs", folder),
            _ => Ok(()),
        };
    }
    let beside = above(1);
    if let Some(folder) = beside {
        return wrong("a file of the results", folder);
    }
    if given.is_file() && given.extension().is_some_and(|ending| ending == "toml") {
        let results = Path::new("results").join(name(given));
        if results.join(RUNS_FILE).is_file() {
            return wrong("a spec", &results);
        }
        let shown = given.display();
        return Err(Failure::usage(format!(
            "{shown} is a spec, and {} has no results of it; runner {shown} runs it",
            results.display()
        )));
    }
    let named = Path::new("results").join(given);
    if !given.exists() && named.join(RUNS_FILE).is_file() {
        let shown = given.display();
        return Err(Failure::usage(format!(
            "there are no results in {shown}; did you mean runner {command} {}?",
            named.display()
        )));
    }
    Ok(())
}

/// The name of the experiment that a spec file declares.
fn name(spec: &Path) -> String {
    let text = fs::read_to_string(spec).unwrap_or_default();
    let table: toml::Table = text.parse().unwrap_or_default();
    let named = table
        .get("name")
        .and_then(toml::Value::as_str)
        .map(str::to_owned);
    named.unwrap_or_else(|| {
        spec.file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistyped_and_foreign_words_lead_to_the_command() {
        for (word, name) in [
            ("cmopare", "compare"),
            ("chekc", "check"),
            ("rnu", "run"),
            ("Evalute", "evaluate"),
            ("predcit", "predict"),
            ("train", "run"),
            ("serve", "watch"),
            ("comp", "compare"),
            ("compair", "compare"),
            ("test", "evaluate"),
        ] {
            assert_eq!(command(word).as_deref(), Some(name), "{word}");
        }
        assert_eq!(command("mymodel"), None);
    }

    #[test]
    fn paths_are_not_taken_for_commands() {
        for word in ["cmopare", "dry-run"] {
            assert!(may_be_command(word));
        }
        for word in ["a/b", "x.toml", "-q", "src"] {
            assert!(!may_be_command(word), "{word}");
        }
    }
}
