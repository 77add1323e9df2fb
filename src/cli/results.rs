//! What somebody may have meant by a path that is no folder of results.

use std::fs;
use std::path::Path;

use super::failure::Failure;
use crate::store::RUNS_FILE;

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
pub(super) fn name(spec: &Path) -> String {
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
