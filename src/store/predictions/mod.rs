//! `predictions.parquet`: one row per run and test image, or validation image where there is no test part.
//!
//! Each run's folder gets its own when the run ends; the experiment's is all of them, one after another.

mod collect;
mod encode;
mod read;
#[cfg(test)]
mod tests;

use std::path::Path;

use serde::{Deserialize, Serialize};

pub use collect::collect;
pub use read::{Predictions, read};

use super::TableError;
use super::tables::{encode_file, put_for_now};
use crate::claim::Token;
use crate::run::PartPredictions;

/// The table's name, in a run's folder and in the experiment's.
pub const FILE: &str = "predictions.parquet";

/// What a file says of the classes, as JSON.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Classes {
    /// Their names, by label.
    OfOneLabel(Vec<String>),
    /// Of images with several labels, whose labels are JSON lists of names.
    OfSeveral {
        classes: Vec<String>,
        multi_label: bool,
    },
}

impl Classes {
    fn new(classes: &[String], multi_label: bool) -> Self {
        let classes = classes.to_vec();
        match multi_label {
            true => Classes::OfSeveral {
                classes,
                multi_label,
            },
            false => Classes::OfOneLabel(classes),
        }
    }
}

/// Where the classes stand among a run's file's own key-value pairs, as JSON.
const CLASSES_KEY: &str = "runner.classes";

/// Writes what a run predicted into its folder, whole or not at all, as long as the claim on the run is held; before its last
/// row, with which it outlasts a power failure.
///
/// # Errors
/// A folder that cannot be written, and a run that another process has taken over.
pub fn write(
    folder: &Path,
    run: &str,
    classes: &[String],
    predictions: &PartPredictions,
    token: &Token,
) -> Result<(), TableError> {
    let path = folder.join(FILE);
    let multi_label = predictions.answers.is_multi_label();
    let names = serde_json::to_string(&Classes::new(classes, multi_label)).map_err(|e| {
        TableError::Encode {
            path: path.clone(),
            why: e.to_string(),
        }
    })?;
    let frame = encode::frame(run, classes, predictions);
    let bytes = encode_file(&path, frame, Some((CLASSES_KEY, names)))?;
    put_for_now(&path, &bytes, token)
}
