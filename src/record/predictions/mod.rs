//! `predictions.parquet`: one row per run and test image, or validation image where there is no test part.
//!
//! Each run's folder gets its own when the run ends; the experiment's is all of them, one after another.

mod collect;
mod encode;
mod read;
#[cfg(test)]
mod tests;

use std::io::Cursor;
use std::path::Path;

use polars::prelude::ParquetWriter;

pub use collect::collect;
pub use read::{Predictions, read};

use super::TableError;
use super::tables::{file_metadata, seal};
use crate::atomic::write_atomically;
use crate::sweep::PartPredictions;

/// The table's name, in a run's folder and in the experiment's.
pub const FILE: &str = "predictions.parquet";

/// Where the names of the classes stand among a run's file's own key-value pairs, as JSON.
const CLASSES_KEY: &str = "runner.classes";

/// Writes what a run predicted into its folder, whole or not at all.
///
/// # Errors
/// A folder that cannot be written.
pub fn write(
    folder: &Path,
    run: &str,
    classes: &[String],
    predictions: &PartPredictions,
) -> Result<(), TableError> {
    let path = folder.join(FILE);
    let encode = |e: &dyn ToString| TableError::Encode {
        path: path.clone(),
        why: e.to_string(),
    };
    let names = serde_json::to_string(classes).map_err(|e| encode(&e))?;
    let mut bytes = Vec::new();
    encode::frame(run, classes, predictions)
        .and_then(|mut frame| {
            ParquetWriter::new(&mut bytes)
                .with_key_value_metadata(Some(file_metadata(Some((CLASSES_KEY, names)))))
                .finish(&mut frame)
        })
        .map_err(|e| encode(&e))?;
    seal(&mut Cursor::new(&mut bytes))
        .and_then(|()| write_atomically(&path, &bytes))
        .map_err(|source| TableError::Write { path, source })
}
