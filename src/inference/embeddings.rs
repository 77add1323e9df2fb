//! A Parquet file of images' features, written some rows at a time.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use polars::error::PolarsResult;
use polars_arrow::array::{ArrayRef, FixedSizeListArray, PrimitiveArray, Utf8ViewArray};
use polars_arrow::datatypes::{ArrowDataType, ArrowSchema, Field};
use polars_arrow::record_batch::RecordBatchT;
use polars_parquet::write::{
    CompressionOptions, Encoding, FileWriter, RowGroupIterator, StatisticsOptions, Version,
    WriteOptions,
};

use super::Error;
use crate::atomic::NewFile;
use crate::claim::Token;

/// Bytes of features that are kept before they are written.
const KEPT: usize = 32 << 20;

const OPTIONS: WriteOptions = WriteOptions {
    statistics: StatisticsOptions {
        min_value: false,
        max_value: false,
        distinct_count: false,
        null_count: true,
        binary_statistics_truncate_length: None,
    },
    version: Version::V1,
    // Features are noise to a compressor.
    compression: CompressionOptions::Uncompressed,
    data_page_size: None,
};

/// An image's row.
pub(super) struct Row {
    pub path: String,
    pub label: Option<String>,
    pub features: Vec<f32>,
}

/// The file: `path` and `label`, strings, and `features`, lists of `width` float32 that are never null.
pub(super) struct Embeddings {
    path: PathBuf,
    file: FileWriter<NewFile>,
    width: usize,
    rows: Vec<Row>,
}

impl Embeddings {
    pub fn create(path: &Path, width: usize) -> Result<Self, Error> {
        let new = NewFile::create(path, &Token::unclaimed());
        let new = new.map_err(|error| wrong(path, error.to_string()))?;
        let fields = [
            Field::new("path".into(), ArrowDataType::Utf8View, false),
            Field::new("label".into(), ArrowDataType::Utf8View, true),
            Field::new("features".into(), list(width), false),
        ];
        let schema = ArrowSchema::from_iter_check_duplicates(fields);
        let file = schema.and_then(|schema| FileWriter::try_new(new, schema, OPTIONS));
        Ok(Embeddings {
            file: file.map_err(|error| wrong(path, error.to_string()))?,
            path: path.to_owned(),
            rows: Vec::new(),
            width,
        })
    }

    pub fn add(&mut self, row: Row) -> Result<(), Error> {
        self.rows.push(row);
        match self.rows.len() * self.width * size_of::<f32>() >= KEPT {
            true => self.write(),
            false => Ok(()),
        }
    }

    /// Gives the file its name.
    pub fn finish(mut self) -> Result<(), Error> {
        self.write()?;
        let wrong = |why: String| wrong(&self.path, why);
        self.file
            .end(None)
            .map_err(|error| wrong(error.to_string()))?;
        let file = self.file.into_inner();
        file.commit(&self.path)
            .map_err(|error| wrong(error.to_string()))
    }

    fn write(&mut self) -> Result<(), Error> {
        let rows = std::mem::take(&mut self.rows);
        let written = self.write_group(rows);
        written.map_err(|error| wrong(&self.path, error.to_string()))
    }

    fn write_group(&mut self, rows: Vec<Row>) -> PolarsResult<()> {
        let count = rows.len();
        let paths: Vec<&str> = rows.iter().map(|row| row.path.as_str()).collect();
        let paths = Utf8ViewArray::from_slice_values(paths);
        let labels: Vec<_> = rows.iter().map(|row| row.label.as_deref()).collect();
        let values: Vec<f32> = rows.iter().flat_map(|row| &row.features).copied().collect();
        let values = PrimitiveArray::from_vec(values).boxed();
        let features = FixedSizeListArray::try_new(list(self.width), count, values, None)?;
        let arrays: Vec<ArrayRef> = vec![
            paths.boxed(),
            Utf8ViewArray::from_slice(labels).boxed(),
            Box::new(features),
        ];
        let schema = self.file.schema().clone();
        let encodings: Vec<_> = arrays.iter().map(|_| vec![Encoding::Plain]).collect();
        let batch = RecordBatchT::try_new(count, Arc::new(schema.clone()), arrays);
        let groups = [batch].into_iter();
        let groups = RowGroupIterator::try_new(groups, &schema, OPTIONS, encodings.into())?;
        for group in groups {
            self.file.write(count as u64, group?)?;
        }
        Ok(())
    }
}

fn list(width: usize) -> ArrowDataType {
    let item = Field::new("item".into(), ArrowDataType::Float32, false);
    ArrowDataType::FixedSizeList(Box::new(item), width)
}

fn wrong(path: &Path, why: String) -> Error {
    Error::Write {
        path: path.to_owned(),
        why,
    }
}
