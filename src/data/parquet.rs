//! CIFAR in the hub's Parquet layout: a column of encoded images and one of labels.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use polars::io::parquet::metadata::FileMetadataRef;
use polars::prelude::{
    ArrowField, Column, DataType, Field, ParallelStrategy, ParquetReader, PolarsError,
    PolarsResult, SerReader,
};

use super::decode::{Decoding, decode_sized};
use super::pick::{Picker, Pickers};
use super::shards::Shards;
use super::survey::Labels;
use super::{BadImage, Error, Images, Part, Parts, label_names, narrow};
use crate::files::open_regular;
use crate::parquet;
use crate::progress::Progress;
use crate::spec::{DatasetName, OnBadImage, Problem, classes_of};

/// CIFAR's images are 32×32.
const SIZE: usize = 32;
/// Bytes of a decoded image.
pub(super) const IMAGE_LEN: usize = SIZE * SIZE * 3;
/// Fewer bytes than a label and an encoded image take in any honest file.
const MIN_ROW: u64 = 16;
const IMAGE_COLUMNS: &[&str] = &["img", "image"];

/// The files of each part, where there are any below `folder`.
pub(super) struct Files {
    shards: Shards,
    /// The dataset's classes, by label.
    classes: &'static [&'static str],
}

impl Files {
    /// Looks for the files of a training and a test part in and below `folder`; none where there is neither.
    pub fn find(folder: &Path, dataset: DatasetName) -> Result<Option<Self>, Error> {
        let shards = Shards::find(folder)?;
        if shards.train.is_empty() && shards.test.is_empty() {
            return Ok(None);
        }
        for (part, name) in [
            (&shards.train, "train*.parquet"),
            (&shards.test, "test*.parquet"),
        ] {
            if part.is_empty() {
                return Err(Error::Missing {
                    dataset,
                    folder: folder.to_owned(),
                    looked_for: format!("{name} in it and below"),
                });
            }
        }
        Ok(Some(Files {
            shards,
            classes: classes_of(dataset).unwrap_or_default(),
        }))
    }

    /// The files that are read.
    pub fn all(self) -> Vec<PathBuf> {
        let Shards {
            train,
            validation,
            test,
            ..
        } = self.shards;
        train.into_iter().chain(validation).chain(test).collect()
    }

    /// What is to be said of the names that the files give their labels.
    pub fn label_note(&self, dataset: DatasetName) -> Option<String> {
        let path = self.shards.train.first()?;
        let file = ParquetFile::open(path).ok()?;
        let column = file.column(label_columns(dataset)).ok()?;
        let mapping = label_names::mapping(&file.metadata, column, self.classes).ok()??;
        Some(format!("{}: {}", path.display(), mapping.note?))
    }

    /// Parquet files that say no part.
    pub fn unused(&self) -> &[PathBuf] {
        &self.shards.unused
    }

    /// The labels of the images that are wanted; that there is a column of images is looked at too.
    pub fn labels(&self, dataset: DatasetName, mut pickers: Pickers) -> Result<Labels, Error> {
        let of = |paths: &[PathBuf], picker: &mut Picker| {
            let mut labels = Vec::new();
            for file in open(paths)? {
                file.check_images()?;
                file.pick(label_columns(dataset), self.classes, picker, &mut labels)?;
            }
            Ok::<_, Error>(labels)
        };
        Ok(Labels {
            train: of(&self.shards.train, &mut pickers.train)?,
            validation: match &self.shards.validation[..] {
                [] => None,
                files => Some(of(files, &mut pickers.validation)?),
            },
            test: Some(of(&self.shards.test, &mut pickers.test)?),
            ..Labels::default()
        })
    }

    /// Decodes the images that are wanted.
    pub fn read(
        &self,
        dataset: DatasetName,
        pickers: Pickers,
        on_bad: OnBadImage,
        progress: &dyn Progress,
    ) -> Result<Parts, Error> {
        let labels = label_columns(dataset);
        let mut skipped = 0;
        let mut read = |files: &[PathBuf], part: &str, picker| -> Result<Part, Error> {
            let what = format!("Decoding {dataset}'s {part} images");
            let start = |images| Decoding::start(progress, &what, images, on_bad);
            let (part, bad) = read_part(files, (labels, self.classes), picker, start)?;
            skipped += bad;
            Ok(part)
        };
        Ok(Parts {
            train: read(&self.shards.train, "training", pickers.train)?,
            listed: None,
            validation: match &self.shards.validation[..] {
                [] => None,
                files => Some(read(files, "validation", pickers.validation)?),
            },
            test: Some(read(&self.shards.test, "test", pickers.test)?),
            skipped,
        })
    }
}

/// The names that the column of labels may have, the first that is there.
fn label_columns(dataset: DatasetName) -> &'static [&'static str] {
    match dataset {
        DatasetName::Cifar100 => &["fine_label", "label"],
        _ => &["label"],
    }
}

/// Whether values of this type are structs with binary `bytes`.
fn has_bytes(kind: &DataType) -> bool {
    let is_it = |field: &Field| field.name() == "bytes" && field.dtype() == &DataType::Binary;
    matches!(kind, DataType::Struct(fields) if fields.iter().any(is_it))
}

/// The images of a part, and how many were skipped; `start` begins the decoding of so many.
fn read_part<'a>(
    paths: &[PathBuf],
    (label_columns, classes): (&[&str], &[&str]),
    mut picker: Picker,
    start: impl FnOnce(usize) -> Decoding<'a>,
) -> Result<(Part, usize), Error> {
    let mut labels = Vec::new();
    let mut wanted = Vec::new();
    for file in open(paths)? {
        let rows = file.pick(label_columns, classes, &mut picker, &mut labels)?;
        wanted.push((file, rows));
    }
    if labels.is_empty() {
        return Ok((Part::empty(SIZE, SIZE, 3), 0));
    }
    let mut part = Part {
        images: Images::black(labels.len(), SIZE, SIZE, 3)?,
        labels,
        files: None,
    };
    let mut decoding = start(part.len());
    let mut places = &mut part.images.data[..];
    for (file, rows) in &wanted {
        let (here, rest) = places.split_at_mut(rows.len() * IMAGE_LEN);
        file.decode(rows, here, &mut decoding)?;
        places = rest;
    }
    let skipped = decoding.finish(&mut part)?.len();
    Ok((part, skipped))
}

/// Polars panics on some damaged files.
fn guarded<T>(read: impl FnOnce() -> PolarsResult<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(result) => result.map_err(|e| e.to_string()),
        Err(_) => Err("its structure is damaged".into()),
    }
}

/// The files of a part, of which not all are empty.
fn open(paths: &[PathBuf]) -> Result<Vec<ParquetFile<'_>>, Error> {
    let files: Vec<ParquetFile<'_>> = paths
        .iter()
        .map(|path| ParquetFile::open(path))
        .collect::<Result<_, _>>()?;
    match files.first() {
        Some(first) if files.iter().all(|file| file.metadata.num_rows == 0) => {
            Err(Error::file(first.path, "has no rows"))
        }
        _ => Ok(files),
    }
}

/// One file: its structure is known, its columns are read on demand.
struct ParquetFile<'a> {
    path: &'a Path,
    metadata: FileMetadataRef,
    columns: Vec<(String, ArrowField)>,
}

impl<'a> ParquetFile<'a> {
    fn open(path: &'a Path) -> Result<Self, Error> {
        let mut reader = ParquetReader::new(open_regular(path).map_err(Error::io(path))?);
        let structure = || {
            let metadata = reader.get_metadata()?.clone();
            reader.set_metadata(narrow::widened(metadata));
            Ok((reader.schema()?, reader.get_metadata()?.clone()))
        };
        let (schema, metadata) = guarded(structure)
            .map_err(|e| Error::file(path, format!("not a whole Parquet file: {e}")))?;
        let length = std::fs::metadata(path).map_err(Error::io(path))?.len();
        let rows = metadata.num_rows;
        if rows as u64 > length / MIN_ROW {
            let message = format!("promises {rows} rows of images in {length} bytes");
            return Err(Error::file(path, message));
        }
        Ok(ParquetFile {
            path,
            columns: schema
                .iter()
                .map(|(name, field)| (name.to_string(), field.clone()))
                .collect(),
            metadata,
        })
    }

    /// The first of these columns that is there.
    fn column<'n>(&self, names: &[&'n str]) -> Result<&'n str, Error> {
        let there = |name: &&&str| self.columns.iter().any(|(column, _)| column == **name);
        names.iter().find(there).copied().ok_or_else(|| {
            let columns: Vec<_> = self.columns.iter().map(|(name, _)| &name[..]).collect();
            let (names, columns) = (names.join("\" or \""), columns.join(", "));
            let message = format!("has no column \"{names}\"; its columns are {columns}");
            Error::file(self.path, message)
        })
    }

    /// Whether there is a column of encoded images, as its type says.
    fn check_images(&self) -> Result<(), Error> {
        let name = self.column(IMAGE_COLUMNS)?;
        self.has_kind(name, has_bytes)
            .map_err(|kind| self.no_images(name, &kind))
    }

    /// Whether a column's type is such a one; else what it is.
    fn has_kind(&self, column: &str, is_it: impl Fn(&DataType) -> bool) -> Result<(), String> {
        let Some((_, field)) = self.columns.iter().find(|(name, _)| name == column) else {
            return Ok(());
        };
        // Polars panics on types that it is built without.
        match guarded(|| Ok(DataType::from_arrow_field(field))) {
            Ok(kind) if is_it(&kind) => Ok(()),
            Ok(kind) => Err(kind.to_string()),
            Err(_) => Err(format!("{:?}", field.dtype())),
        }
    }

    fn no_images(&self, column: &str, kind: &str) -> Error {
        let message =
            format!("column \"{column}\" is {kind}, expected a struct with binary \"bytes\"");
        Error::file(self.path, message)
    }

    fn read(&self, column: &str, rows: Range<usize>) -> Result<Column, Error> {
        let read = || -> PolarsResult<Column> {
            let mut reader = ParquetReader::new(open_regular(self.path)?);
            reader.set_metadata(self.metadata.clone());
            let frame = reader
                .with_columns(Some(vec![column.to_owned()]))
                .with_slice(Some((rows.start, rows.len())))
                .read_parallel(ParallelStrategy::RowGroups)
                .finish()?;
            frame.column(column).cloned()
        };
        let wrong = |why: String| {
            let Range { start, end } = rows;
            let message = format!("rows {start} to {end} of column \"{column}\": {why}");
            Error::file(self.path, message)
        };
        let mut file = open_regular(self.path).map_err(Error::io(self.path))?;
        let checked = guarded(|| {
            Ok(parquet::check_column(
                &mut file,
                &self.metadata,
                column,
                rows.clone(),
            ))
        });
        checked.flatten().map_err(wrong)?;
        let column = guarded(read).map_err(wrong)?;
        if column.len() != rows.len() {
            return Err(wrong(format!("{} values are there", column.len())));
        }
        Ok(column)
    }

    /// The rows whose images are wanted; their new labels are added to `labels`.
    fn pick(
        &self,
        columns: &[&str],
        classes: &[&str],
        picker: &mut Picker,
        labels: &mut Vec<u32>,
    ) -> Result<Vec<usize>, Error> {
        let name = self.column(columns)?;
        let by_name = label_names::mapping(&self.metadata, name, classes).map_err(|why| {
            Problem::new("dataset.path", format!("{}: {why}", self.path.display()))
        })?;
        self.has_kind(name, DataType::is_integer).map_err(|kind| {
            let message = format!("column \"{name}\" is {kind}, expected int64");
            Error::file(self.path, message)
        })?;
        let column = self.read(name, 0..self.metadata.num_rows)?;
        let damaged = |e: PolarsError| Error::file(self.path, format!("column \"{name}\": {e}"));
        let integers = column.cast(&DataType::Int64).map_err(damaged)?;
        let values = integers.i64().map_err(damaged)?;
        let mut rows = Vec::new();
        for (row, label) in values.iter().enumerate() {
            let at = |why: String| Error::file(self.path, format!("row {row}: {why}"));
            let label = label.ok_or_else(|| match column.get(row) {
                Ok(value) if !value.is_null() => at(format!("label {value} is too large")),
                _ => at(format!("\"{name}\" is null")),
            })?;
            let label = by_name
                .as_ref()
                .map_or(label, |mapping| mapping.label(label));
            if let Some(new) = picker.pick(label).map_err(|e| at(e.to_string()))? {
                rows.push(row);
                labels.push(new);
            }
        }
        Ok(rows)
    }

    /// Decodes these rows' images (ascending) to their `places`, one row group in memory at a time.
    fn decode(
        &self,
        rows: &[usize],
        places: &mut [u8],
        decoding: &mut Decoding,
    ) -> Result<(), Error> {
        let name = self.column(IMAGE_COLUMNS)?;
        let (mut rows, mut places, mut end) = (rows, places, 0usize);
        for group in &self.metadata.row_groups {
            end = end.saturating_add(group.num_rows());
            let (here, later) = rows.split_at(rows.partition_point(|&row| row < end));
            let (here_places, later_places) = places.split_at_mut(here.len() * IMAGE_LEN);
            if let (Some(&from), Some(&to)) = (here.first(), here.last()) {
                let column = self.read(name, from..to + 1)?;
                self.decode_column(&column, from, here, here_places, decoding)?;
            }
            (rows, places) = (later, later_places);
        }
        match rows.first() {
            None => Ok(()),
            Some(row) => {
                let message = format!("row {row} is in no row group");
                Err(Error::file(self.path, message))
            }
        }
    }

    /// Decodes `rows` of a column that begins with row `offset`.
    fn decode_column(
        &self,
        column: &Column,
        offset: usize,
        rows: &[usize],
        places: &mut [u8],
        decoding: &mut Decoding,
    ) -> Result<(), Error> {
        let bytes = column
            .struct_()
            .and_then(|fields| fields.field_by_name("bytes"));
        let bytes = bytes.as_ref().ok().and_then(|field| field.binary().ok());
        let bytes =
            bytes.ok_or_else(|| self.no_images(column.name(), &column.dtype().to_string()))?;
        decoding.fill(places, IMAGE_LEN, rows, |&row, place| {
            let bad = |reason: String| {
                Error::Image(BadImage {
                    path: self.path.to_owned(),
                    row: Some(row),
                    reason,
                })
            };
            let encoded = bytes
                .get(row - offset)
                .ok_or_else(|| bad("the image is null".into()))?;
            let pixels = decode_sized(encoded, SIZE, SIZE).map_err(bad)?;
            place.copy_from_slice(&pixels);
            Ok(())
        })
    }
}
