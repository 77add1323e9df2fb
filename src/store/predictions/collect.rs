//! From the runs' files to the experiment's.

use std::io::Write;
use std::path::Path;

use polars::error::PolarsResult;
use polars::io::parquet::write::BatchedWriter;
use polars::prelude::{DataFrame, ParquetWriter};
use sha2::{Digest, Sha256};

use super::encode::schema;
use super::{FILE, read};
use crate::atomic::NewFile;
use crate::claim::Token;
use crate::store::TableError;
use crate::store::folder::run_folder;
use crate::store::tables::{digest_of, file_metadata, read_words, seal, value_of};
use crate::text::hex;

/// Rows of a row group, or more where a run has more.
const GROUP: usize = 10_000;
/// Where it stands among the file's own key-value pairs which runs' files it was made of.
const SOURCES_KEY: &str = "runner.sources";

/// Writes the predictions of these runs, in this order, into the experiment's folder, as long as its claim is held; a run
/// that has left none, as runs before version 0.2 have not, is passed over, and so, with a warning, is one whose file is
/// damaged. A file that was made of the same already is left alone. Runs' predictions are in memory until they fill a row group.
///
/// # Errors
/// A file that cannot be read, or a folder that cannot be written.
pub fn collect(experiment: &Path, runs: &[String], token: &Token) -> Result<(), TableError> {
    let path = experiment.join(FILE);
    let sources = sources(experiment, runs)?;
    if is_made_of(&path, &sources) {
        return Ok(());
    }
    let encode = |e: polars::error::PolarsError| TableError::Encode {
        path: path.clone(),
        why: e.to_string(),
    };
    let write = |source| TableError::Write {
        path: path.clone(),
        source,
    };
    let mut file = NewFile::create(&path, token).map_err(write)?;
    let schema = schema();
    let mut out = ParquetWriter::new(&mut file)
        .with_key_value_metadata(Some(file_metadata(Some((SOURCES_KEY, sources)))))
        .batched(&schema)
        .map_err(encode)?;
    let mut group = DataFrame::empty_with_schema(&schema);
    for run in runs {
        match read(&run_folder(experiment, run)) {
            Ok(Some(predictions)) => {
                group.vstack_mut(&predictions.frame).map_err(encode)?;
                if group.height() >= GROUP {
                    write_group(&mut out, &mut group).map_err(encode)?;
                }
            }
            Ok(None) => {}
            Err(error @ TableError::Read { .. }) => return Err(error),
            Err(error) => tracing::warn!("{error}; {FILE} is without the rows of {run}"),
        }
    }
    write_group(&mut out, &mut group).map_err(encode)?;
    out.finish().map_err(encode)?;
    drop(out);
    file.flushed().and_then(seal).map_err(write)?;
    file.commit(&path).map_err(write)
}

/// Writes what is not written yet as a row group.
fn write_group<W: Write>(out: &mut BatchedWriter<W>, group: &mut DataFrame) -> PolarsResult<()> {
    let mut full = std::mem::replace(group, group.clear());
    if full.height() > 0 {
        full.rechunk_mut();
        out.write_batch(&full)?;
    }
    Ok(())
}

/// The runs and their files' checksums, as one.
fn sources(experiment: &Path, runs: &[String]) -> Result<String, TableError> {
    let mut hasher = Sha256::new();
    hasher.update(format!("{:?}", schema()));
    for run in runs {
        let path = run_folder(experiment, run).join(FILE);
        let digest = digest_of(&path).map_err(|source| TableError::Read { path, source })?;
        hasher.update((run.len() as u64).to_le_bytes());
        hasher.update(run);
        hasher.update(digest.unwrap_or_default());
    }
    Ok(hex(hasher.finalize()))
}

/// Whether a whole file was made of these.
fn is_made_of(path: &Path, sources: &str) -> bool {
    let Ok(Some(metadata)) = read_words(path) else {
        return false;
    };
    value_of(&metadata, SOURCES_KEY).is_some_and(|found| found == sources)
}
