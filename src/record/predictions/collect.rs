//! From the runs' files to the experiment's.

use std::path::Path;

use polars::prelude::ParquetWriter;

use super::encode::schema;
use super::{FILE, read};
use crate::atomic::NewFile;
use crate::record::TableError;
use crate::record::folder::run_folder;
use crate::record::tables::{file_metadata, seal};

/// Writes the predictions of these runs, in this order, into the experiment's folder; a run that has left none, as runs
/// before version 0.2 have not, is passed over. One run's predictions are in memory at a time.
///
/// # Errors
/// A run's file that is damaged, or a folder that cannot be written.
pub fn collect<'a>(
    experiment: &Path,
    runs: impl Iterator<Item = &'a String>,
) -> Result<(), TableError> {
    let path = experiment.join(FILE);
    let encode = |e: polars::error::PolarsError| TableError::Encode {
        path: path.clone(),
        why: e.to_string(),
    };
    let write = |source| TableError::Write {
        path: path.clone(),
        source,
    };
    let mut file = NewFile::create(&path).map_err(write)?;
    let schema = schema();
    let mut out = ParquetWriter::new(&mut file)
        .with_key_value_metadata(Some(file_metadata(None)))
        .batched(&schema)
        .map_err(encode)?;
    for run in runs {
        if let Some(predictions) = read(&run_folder(experiment, run))? {
            out.write_batch(&predictions.frame).map_err(encode)?;
        }
    }
    out.finish().map_err(encode)?;
    drop(out);
    file.flushed().and_then(seal).map_err(write)?;
    file.commit(&path).map_err(write)
}
