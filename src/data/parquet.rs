//! CIFAR in the hub's Parquet layout: a column of encoded images and one of labels.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use polars::io::parquet::metadata::FileMetadataRef;
use polars::prelude::{Column, DataType, ParallelStrategy, ParquetReader, PolarsResult, SerReader};

use super::decode::{Decoding, decode_sized};
use super::files::{file_name, walk};
use super::pick::{Picker, Pickers};
use super::{BadImage, Error, Images, Part, Parts};
use crate::fetch::Progress;
use crate::files::open_regular;
use crate::parquet;
use crate::spec::{DatasetName, OnBadImage};

/// CIFAR's images are 32×32.
const SIZE: usize = 32;
/// Bytes of a decoded image.
const IMAGE_LEN: usize = SIZE * SIZE * 3;
/// Fewer bytes than a label and an encoded image take in any honest file.
const MIN_ROW: u64 = 16;
const IMAGE_COLUMNS: &[&str] = &["img", "image"];
/// How deep below the given folder the files may lie, e.g. `plain_text/`.
const DEPTH: usize = 4;

/// The training and the test files, where there is any of either below `folder`.
pub(super) struct Files {
    train: Vec<PathBuf>,
    test: Vec<PathBuf>,
}

impl Files {
    /// Looks for `train*.parquet` and `test*.parquet` in and below `folder`.
    pub fn find(folder: &Path, dataset: DatasetName) -> Result<Option<Self>, Error> {
        let mut files = walk(folder, DEPTH)?;
        files.retain(|path| {
            path.extension()
                .is_some_and(|e| e.eq_ignore_ascii_case("parquet"))
        });
        let named = |prefix: &str| -> Vec<PathBuf> {
            let named = files
                .iter()
                .filter(|path| file_name(path).starts_with(prefix));
            named.cloned().collect()
        };
        let files = Files {
            train: named("train"),
            test: named("test"),
        };
        if files.train.is_empty() && files.test.is_empty() {
            return Ok(None);
        }
        for (part, name) in [
            (&files.train, "train*.parquet"),
            (&files.test, "test*.parquet"),
        ] {
            check_shards(folder, part, name, dataset)?;
        }
        Ok(Some(files))
    }

    /// The training and the test files.
    pub fn all(self) -> Vec<PathBuf> {
        self.train.into_iter().chain(self.test).collect()
    }

    /// Decodes the images that are wanted.
    pub fn read(
        &self,
        dataset: DatasetName,
        pickers: Pickers,
        on_bad: OnBadImage,
        progress: &dyn Progress,
    ) -> Result<Parts, Error> {
        let labels: &[&str] = match dataset {
            DatasetName::Cifar100 => &["fine_label", "label"],
            _ => &["label"],
        };
        let mut skipped = 0;
        let mut read = |files: &[PathBuf], part: &str, picker| -> Result<Part, Error> {
            let what = format!("Decoding {dataset}'s {part} images");
            let start = |images| Decoding::start(progress, &what, images, on_bad);
            let (part, bad) = read_part(files, labels, picker, start)?;
            skipped += bad;
            Ok(part)
        };
        Ok(Parts {
            train: read(&self.train, "training", pickers.train)?,
            validation: None,
            test: read(&self.test, "test", pickers.test)?,
            skipped,
        })
    }
}

/// All files of a part lie in one folder, and none of `…-of-N.parquet` is missing.
fn check_shards(
    folder: &Path,
    files: &[PathBuf],
    name: &str,
    dataset: DatasetName,
) -> Result<(), Error> {
    let Some(first) = files.first() else {
        return Err(Error::Missing {
            dataset,
            folder: folder.to_owned(),
            looked_for: format!("{name} in it and below"),
        });
    };
    if let Some(other) = files.iter().find(|file| file.parent() != first.parent()) {
        let message = format!(
            "another {name} lies at {}; set dataset.path to the folder that is meant",
            other.display()
        );
        return Err(Error::file(first, message));
    }
    let stem = file_name(first);
    let shards = stem.trim_end_matches(".parquet").rsplit_once("-of-");
    match shards.and_then(|(_, n)| n.parse::<usize>().ok()) {
        Some(n) if n != files.len() => Err(Error::file(
            first,
            format!(
                "{n} files belong together, {} of them are there",
                files.len()
            ),
        )),
        _ => Ok(()),
    }
}

/// The images of a part, and how many were skipped; `start` begins the decoding of so many.
fn read_part<'a>(
    paths: &[PathBuf],
    label_columns: &[&str],
    mut picker: Picker,
    start: impl FnOnce(usize) -> Decoding<'a>,
) -> Result<(Part, usize), Error> {
    let mut labels = Vec::new();
    let mut wanted = Vec::new();
    for path in paths {
        let file = ParquetFile::open(path)?;
        let rows = file.pick(label_columns, &mut picker, &mut labels)?;
        wanted.push((file, rows));
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
    let skipped = decoding.finish(&mut part)?;
    Ok((part, skipped))
}

/// Polars panics on some damaged files.
fn guarded<T>(read: impl FnOnce() -> PolarsResult<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(result) => result.map_err(|e| e.to_string()),
        Err(_) => Err("its structure is damaged".into()),
    }
}

/// One file: its structure is known, its columns are read on demand.
struct ParquetFile<'a> {
    path: &'a Path,
    metadata: FileMetadataRef,
    columns: Vec<String>,
}

impl<'a> ParquetFile<'a> {
    fn open(path: &'a Path) -> Result<Self, Error> {
        let mut reader = ParquetReader::new(open_regular(path).map_err(Error::io(path))?);
        let mut structure = || Ok((reader.schema()?, reader.get_metadata()?.clone()));
        let (schema, metadata) = guarded(&mut structure)
            .map_err(|e| Error::file(path, format!("not a whole Parquet file: {e}")))?;
        let length = std::fs::metadata(path).map_err(Error::io(path))?.len();
        let rows = metadata.num_rows;
        if rows as u64 > length / MIN_ROW {
            let message = format!("promises {rows} rows of images in {length} bytes");
            return Err(Error::file(path, message));
        }
        Ok(ParquetFile {
            path,
            columns: schema.iter_names().map(|name| name.to_string()).collect(),
            metadata,
        })
    }

    /// The first of these columns that is there.
    fn column<'n>(&self, names: &[&'n str]) -> Result<&'n str, Error> {
        let there = |name: &&&str| self.columns.iter().any(|column| column == **name);
        names.iter().find(there).copied().ok_or_else(|| {
            let (names, columns) = (names.join("\" or \""), self.columns.join(", "));
            let message = format!("has no column \"{names}\"; its columns are {columns}");
            Error::file(self.path, message)
        })
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
        picker: &mut Picker,
        labels: &mut Vec<u32>,
    ) -> Result<Vec<usize>, Error> {
        let name = self.column(columns)?;
        let column = self.read(name, 0..self.metadata.num_rows)?;
        let integers = column.cast(&DataType::Int64);
        let integers = integers
            .as_ref()
            .ok()
            .filter(|_| column.dtype().is_integer());
        let values = integers
            .and_then(|column| column.i64().ok())
            .ok_or_else(|| {
                let message = format!("column \"{name}\" is {}, expected int64", column.dtype());
                Error::file(self.path, message)
            })?;
        let mut rows = Vec::new();
        for (row, label) in values.iter().enumerate() {
            let at = |why: String| Error::file(self.path, format!("row {row}: {why}"));
            let label = label.ok_or_else(|| at(format!("\"{name}\" is null")))?;
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
        let bytes = bytes.ok_or_else(|| {
            let (name, kind) = (column.name(), column.dtype());
            let message =
                format!("column \"{name}\" is {kind}, expected a struct with binary \"bytes\"");
            Error::file(self.path, message)
        })?;
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
