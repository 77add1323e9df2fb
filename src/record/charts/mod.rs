//! Pictures of an experiment: learning curves, and for every swept axis how its values compare.

mod canvas;
mod compare;
mod curves;
mod legend;
mod looks;
mod panel;
mod plot;
mod positions;
mod quantity;
mod scale;
mod style;
#[cfg(test)]
mod tests;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Results;
use crate::atomic::write_atomically;

pub use compare::compare;
pub use curves::curves;

/// Why a chart cannot be made or written.
#[derive(Debug, thiserror::Error)]
pub enum ChartError {
    #[error("cannot draw a chart: {0}")]
    Draw(String),
    #[error("cannot write {path}: {source}", path = path.display())]
    Write { path: PathBuf, source: io::Error },
}

/// Writes `curves.svg` and a `compare_<axis>.svg` for every swept axis into `folder`, each whole or not at all.
///
/// The folder is created where it is missing. Before the first epoch there is nothing to draw and nothing is written.
///
/// # Errors
/// When the folder or a file cannot be written.
pub fn write_charts(folder: &Path, results: &Results) -> Result<Vec<PathBuf>, ChartError> {
    if results.epochs.is_empty() {
        return Ok(Vec::new());
    }
    let mut charts = vec![("curves.svg".to_owned(), curves(results)?)];
    for axis in results.axes {
        charts.push((file_name(&axis.key), compare(results, axis)?));
    }
    fs::create_dir_all(folder).map_err(|source| ChartError::Write {
        path: folder.to_owned(),
        source,
    })?;
    let mut paths = Vec::new();
    for (name, svg) in charts {
        let path = folder.join(name);
        match write_atomically(&path, svg.as_bytes()) {
            Ok(()) => paths.push(path),
            Err(source) => return Err(ChartError::Write { path, source }),
        }
    }
    Ok(paths)
}

/// `compare_freeze.through.svg`; characters that do not belong in a file's name become `_`.
fn file_name(key: &str) -> String {
    let safe = |c: char| {
        if c.is_alphanumeric() || "._-".contains(c) {
            c
        } else {
            '_'
        }
    };
    format!("compare_{}.svg", key.chars().map(safe).collect::<String>())
}
