//! Tar files in WebDataset's layout: the files of a sample lie one after another, and have their names in common up to
//! the first dot. Read as a table with a row per sample, whose columns are the endings: `jpg`, `cls`, `json`, and
//! `json.label` for a field of one in JSON.
//!
//! Samples are what `webdataset.tariterators` makes of them: endings in lower case, names without one left out. What it
//! passes over in silence and would be guessed here is refused: files of a sample that do not lie together, several
//! images in a sample.

mod field;
mod index;
mod shard;

use std::path::Path;

use super::table::{self, Columns, Form};
use crate::data::error::Error;
use crate::data::format::Reader;
use crate::datasets::{SHARD_IMAGE_COLUMN, SHARD_LABEL_COLUMN};
use crate::spec::Dataset;
use shard::Shard;

pub(super) fn open(spec: &Dataset, path: &Path) -> Result<Box<dyn Reader>, Error> {
    let columns = Columns {
        label: spec.options.text(&SHARD_LABEL_COLUMN),
        ..Columns::of(spec)
    };
    let files = table::find(path, table::TAR, &columns)?;
    let image = spec.options.text_if_set(&SHARD_IMAGE_COLUMN);
    let form = |path| -> Result<Box<dyn Form>, Error> {
        Ok(Box::new(Shard::open(path, image.as_deref())?))
    };
    table::of_files(spec, files, form, columns, Vec::new())
}
