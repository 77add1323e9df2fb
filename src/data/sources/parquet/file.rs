//! One Parquet file: its structure is known, its columns are read on demand.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;

use polars::io::parquet::metadata::FileMetadataRef;
use polars::prelude::{
    ArrowField, BinaryChunked, Column, DataType, ParallelStrategy, ParquetReader, PolarsResult,
    SerReader,
};

use super::kinds;
use crate::data::decode::{Decoding, decode_sized};
use crate::data::error::{BadImage, Error};
use crate::data::pick::Picker;
use crate::data::{label_names, narrow};
use crate::datasets::ImageSize;
use crate::file_kind::{self, PARQUET};
use crate::files::open_regular;
use crate::foreign;
use crate::spec::{OnBadImage, Problem};
use crate::{guarded, parquet};

/// Fewer bytes than a label and an encoded image take in any honest file.
const MIN_ROW: u64 = 16;
/// Fewer bytes than a label and an image's name take.
const MIN_NAMED_ROW: u64 = 1;
const IMAGE_COLUMNS: &[&str] = &["img", "image"];
const AGAIN: &str = "copy or download it again";

/// What polars reads; none where it cannot, and it panics on some damaged files.
fn guarded<T>(read: impl FnOnce() -> PolarsResult<T>) -> Option<T> {
    match guarded::guarded(read) {
        Ok(Ok(read)) => Some(read),
        Ok(Err(error)) => {
            tracing::debug!("polars: {error}");
            None
        }
        Err(_) => None,
    }
}

/// A file that is not what it should be.
fn refused(path: &Path, message: &str, help: impl Into<String>) -> Error {
    let message = format!("{}: {message}", foreign::path(path));
    Problem::new("dataset.path", message).help(help).into()
}

/// Why a file cannot be opened as Parquet, told by its first and last bytes.
fn no_parquet(path: &Path, file: &mut File) -> Error {
    const MAGIC: &[u8] = b"PAR1";
    /// One at each end, and the length of what is before the last.
    const SHORTEST: u64 = 12;
    let mut ends = || {
        let mut end = [0; MAGIC.len()];
        if file.seek(SeekFrom::End(0)).ok()? < SHORTEST {
            return None;
        }
        file.seek(SeekFrom::End(-(MAGIC.len() as i64))).ok()?;
        file.read_exact(&mut end).ok()?;
        Some(end == MAGIC)
    };
    let is_whole = ends().unwrap_or(false);
    let kind = match file_kind::recognize(path, file) {
        Ok(kind) => kind,
        Err(error) => return Error::io(path)(error),
    };
    match kind {
        _ if is_whole => refused(
            path,
            "the end of this Parquet file, which says what is in it, is damaged",
            AGAIN,
        ),
        Some(PARQUET) => refused(
            path,
            "this Parquet file is cut off: its end, which says what is in it, is missing",
            AGAIN,
        ),
        Some(kind) => {
            let message = format!("a Parquet file is needed, and this is {}", kind.name);
            let elsewhere = "set dataset.path to the folder that has the dataset's Parquet files";
            refused(path, &message, kind.for_anything.unwrap_or(elsewhere))
        }
        None => refused(path, "not a Parquet file, whatever its name says", AGAIN),
    }
}

/// One file: its structure is known, its columns are read on demand.
pub(in crate::data::sources) struct ParquetFile<'a> {
    pub path: &'a Path,
    pub metadata: FileMetadataRef,
    pub columns: Vec<(String, ArrowField)>,
}

impl<'a> ParquetFile<'a> {
    pub fn open(path: &'a Path) -> Result<Self, Error> {
        Self::open_as(path, narrow::widened, MIN_ROW)
    }

    /// A table, whose columns have the types that Parquet says rather than Arrow.
    pub fn open_table(path: &'a Path) -> Result<Self, Error> {
        Self::open_as(path, narrow::plain, MIN_NAMED_ROW)
    }

    fn open_as(
        path: &'a Path,
        retyped: fn(FileMetadataRef) -> FileMetadataRef,
        least: u64,
    ) -> Result<Self, Error> {
        let mut reader = ParquetReader::new(open_regular(path).map_err(Error::io(path))?);
        let structure = || {
            let metadata = reader.get_metadata()?.clone();
            reader.set_metadata(retyped(metadata));
            Ok((reader.schema()?, reader.get_metadata()?.clone()))
        };
        let Some((schema, metadata)) = guarded(structure) else {
            let mut file = open_regular(path).map_err(Error::io(path))?;
            return Err(no_parquet(path, &mut file));
        };
        let length = std::fs::metadata(path).map_err(Error::io(path))?.len();
        let rows = metadata.num_rows;
        if rows as u64 > length / least {
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
    pub fn column<'n>(&self, names: &[&'n str]) -> Result<&'n str, Error> {
        let there = |name: &&&str| self.columns.iter().any(|(column, _)| column == **name);
        names.iter().find(there).copied().ok_or_else(|| {
            let columns: Vec<_> = self.columns.iter().map(|(name, _)| &name[..]).collect();
            let (names, columns) = (names.join("\" or \""), columns.join(", "));
            let message = format!("has no column \"{names}\"; its columns are {columns}");
            Error::file(self.path, message)
        })
    }

    pub fn field(&self, column: &str) -> Option<&ArrowField> {
        let mut columns = self.columns.iter();
        let field = columns.find(|(name, _)| name == column);
        field.map(|(_, field)| field)
    }

    /// Whether there is a column of encoded images, as its type says.
    pub fn check_images(&self) -> Result<(), Error> {
        let name = self.column(IMAGE_COLUMNS)?;
        match self.field(name) {
            Some(field) if !kinds::has_bytes(field.dtype()) => Err(self.no_images(name)),
            _ => Ok(()),
        }
    }

    pub fn no_images(&self, column: &str) -> Error {
        let found = self
            .field(column)
            .map(|field| kinds::in_words(field.dtype()));
        let found = found.unwrap_or_else(|| "something else".into());
        let message = format!(
            "column \"{column}\" holds {found}, expected structs with each image's file in \"bytes\" (binary)"
        );
        let help = "write it as Hugging Face's datasets does: {\"bytes\": a PNG or JPEG file, \"path\": its name}";
        refused(self.path, &message, help)
    }

    /// Whether labels of `classes` can be read from a column, as its type says.
    fn check_labels(&self, column: &str, classes: &[&str]) -> Result<(), Error> {
        let Some(field) = self.field(column).filter(|f| !kinds::is_integer(f.dtype())) else {
            return Ok(());
        };
        let message = format!(
            "column \"{column}\" holds {}, expected whole numbers (int64)",
            kinds::in_words(field.dtype())
        );
        let numbered = classes.iter().take(2).enumerate();
        let numbered: Vec<String> = numbered
            .map(|(i, class)| format!("{i} for {class}"))
            .collect();
        let help = format!("write the classes as numbers: {}, …", numbered.join(", "));
        Err(refused(self.path, &message, help))
    }

    pub fn read(&self, column: &str, rows: Range<usize>) -> Result<Column, Error> {
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
            let (first, last) = (rows.start, rows.end.saturating_sub(1));
            let message =
                format!("rows {first} to {last} of column \"{column}\" cannot be read: {why}");
            refused(self.path, &message, AGAIN)
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
        let unread = || "they are damaged, or written in a way that is not known here".to_owned();
        checked.unwrap_or_else(|| Err(unread())).map_err(wrong)?;
        let column = guarded(read).ok_or_else(|| wrong(unread()))?;
        if column.len() != rows.len() {
            return Err(wrong(format!("{} values are there", column.len())));
        }
        Ok(column)
    }

    /// The rows whose images are wanted; their new labels are added to `labels`.
    pub fn pick(
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
        self.check_labels(name, classes)?;
        let column = self.read(name, 0..self.metadata.num_rows)?;
        let integers = guarded(|| Ok(column.cast(&DataType::Int64)?.i64()?.clone()));
        let values = integers.ok_or_else(|| {
            let message = format!("the labels in column \"{name}\" cannot be read");
            refused(self.path, &message, AGAIN)
        })?;
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

    /// Whether these rows (ascending) have images, which are not decoded; where bad ones are skipped, one may be null.
    pub fn check_rows(&self, rows: &[usize], on_bad: OnBadImage) -> Result<(), Error> {
        self.by_group(self.column(IMAGE_COLUMNS)?, rows, |images, rows, _| {
            let null = rows.iter().find(|row| images.of_row(**row).is_none());
            match null.filter(|_| on_bad == OnBadImage::Error) {
                Some(&row) => Err(self.bad(row, NULL)),
                None => Ok(()),
            }
        })
    }

    /// Decodes these rows' images (ascending) to their `places`.
    pub fn decode(
        &self,
        rows: &[usize],
        image: ImageSize,
        places: &mut [u8],
        decoding: &mut Decoding,
    ) -> Result<(), Error> {
        let len = image.bytes();
        let column = self.column(IMAGE_COLUMNS)?;
        self.by_group(column, rows, |images, rows, range| {
            let places = &mut places[range.start * len..range.end * len];
            decoding.fill(places, len, rows, |&row, place| {
                let encoded = images.of_row(row).ok_or_else(|| self.bad(row, NULL))?;
                let pixels = decode_sized(encoded, image.height, image.width);
                place.copy_from_slice(&pixels.map_err(|why| self.bad(row, &why))?);
                Ok(())
            })
        })
    }

    fn bad(&self, row: usize, reason: &str) -> Error {
        bad(self.path, row, reason)
    }

    /// Gives the images in a column of a row group after the other that has some of `rows` (ascending), with these rows and their
    /// places among `rows`; one row group is in memory at a time.
    pub fn by_group(
        &self,
        name: &str,
        rows: &[usize],
        mut take: impl FnMut(&Encoded, &[usize], Range<usize>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (mut done, mut end) = (0, 0usize);
        for group in &self.metadata.row_groups {
            end = end.saturating_add(group.num_rows());
            let here = done..rows.partition_point(|&row| row < end).max(done);
            done = here.end;
            let wanted = &rows[here.clone()];
            if let (Some(&from), Some(&to)) = (wanted.first(), wanted.last()) {
                let column = self.read(name, from..to + 1)?;
                let images = Encoded::of(&column, from).ok_or_else(|| self.no_images(name))?;
                take(&images, wanted, here)?;
            }
        }
        match rows.get(done) {
            None => Ok(()),
            Some(row) => {
                let message = format!("row {row} is in no row group");
                Err(Error::file(self.path, message))
            }
        }
    }
}

/// What is wrong with the image of a row of a file.
pub(in crate::data::sources) fn bad(path: &Path, row: usize, reason: &str) -> Error {
    Error::Image(BadImage {
        path: path.to_owned(),
        row: Some(row),
        reason: reason.to_owned(),
    })
}

pub(in crate::data::sources) const NULL: &str = "the image is null";

/// Encoded images from a row on.
pub(in crate::data::sources) struct Encoded {
    bytes: BinaryChunked,
    first: usize,
}

impl Encoded {
    /// A binary column, or the binary `bytes` of a column of structs; none where it is neither.
    fn of(column: &Column, first: usize) -> Option<Self> {
        if let Ok(bytes) = column.binary() {
            let bytes = bytes.clone();
            return Some(Encoded { bytes, first });
        }
        let fields = column.struct_().ok()?;
        let bytes = fields.field_by_name("bytes").ok()?;
        let bytes = bytes.binary().ok()?.clone();
        Some(Encoded { bytes, first })
    }

    /// The image of a row; none where it is null.
    pub fn of_row(&self, row: usize) -> Option<&[u8]> {
        self.bytes.get(row.checked_sub(self.first)?)
    }
}
