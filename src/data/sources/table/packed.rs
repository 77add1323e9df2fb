//! Tables in Parquet, which may hold the images themselves.

use std::io::Read;
use std::path::{Path, PathBuf};

use polars::prelude::{ArrowDataType as Type, DataType};

use super::cells::{Images, Numbers, Sheet, Value};
use super::columns::Columns;
use super::form::{EncodedImages, Form, Take};
use super::labels;
use super::lists;
use super::values::{is_text, kind, read_whole, refused, text_of, truths, whole};
use crate::data::error::Error;
use crate::data::files::file_name;
use crate::data::label_names;
use crate::data::sources::parquet::file::{self as parquet, Encoded, ParquetFile};
use crate::data::sources::parquet::kinds;
use crate::datasets::{GROUP_COLUMN, IMAGE_COLUMN, LABEL_COLUMN, SPLIT_COLUMN};
use crate::files::open_regular;

const MAGIC: &[u8] = b"PAR1";

/// A Parquet file, by its path.
pub(super) struct Packed(pub PathBuf);

/// Whether a file is Parquet, by its first bytes or its name.
///
/// # Errors
/// A file that cannot be read.
pub(super) fn is_parquet(path: &Path) -> Result<bool, Error> {
    let mut head = Vec::new();
    let file = open_regular(path).map_err(Error::io(path))?;
    let mut start = file.take(MAGIC.len() as u64);
    start.read_to_end(&mut head).map_err(Error::io(path))?;
    let ending = path.extension().unwrap_or_default();
    Ok(head == MAGIC || ending.eq_ignore_ascii_case("parquet"))
}

impl Form for Packed {
    fn read(&self, columns: &Columns) -> Result<Sheet, Error> {
        read(&self.0, columns)
    }

    /// A row group at a time.
    fn by_group(
        &self,
        columns: &Columns,
        rows: &[usize],
        take: &mut Take<'_>,
    ) -> Result<(), Error> {
        let file = ParquetFile::open_table(&self.0)?;
        file.by_group(&columns.image, rows, |images, rows, range| {
            take(images, rows, range)
        })
    }

    fn bad(&self, row: usize, reason: &str) -> Error {
        parquet::bad(&self.0, row, reason)
    }
}

impl EncodedImages for Encoded {
    fn of_row(&self, row: usize) -> Option<&[u8]> {
        Encoded::of_row(self, row)
    }
}

fn read(path: &Path, columns: &Columns) -> Result<Sheet, Error> {
    let file = ParquetFile::open_table(path)?;
    columns.check(path, file.columns.iter().map(|(name, _)| name.as_str()))?;
    let names =
        label_names::names(&file.metadata, &columns.label).or_else(|| columns.names.clone());
    let (found, counts, note) = match columns.multi_label {
        true => lists::read(&file, columns)?,
        false => {
            let (found, note) = read_labels(&file, &columns.label)?;
            (found, None, note)
        }
    };
    let texts = |key: &'static str, column: &Option<String>| {
        let column = column.as_deref();
        column.map(|column| texts(&file, key, column)).transpose()
    };
    let splits = texts(SPLIT_COLUMN.name, &columns.split)?;
    let groups = texts(GROUP_COLUMN.name, &columns.group)?;
    Ok(Sheet {
        path: path.to_owned(),
        part: None,
        numbers: Numbers::Rows,
        images: read_images(&file, &columns.image)?,
        labels: found,
        counts,
        names,
        splits,
        groups,
        delimiter: None,
        notes: note.into_iter().collect(),
    })
}

fn read_images(file: &ParquetFile<'_>, column: &str) -> Result<Images, Error> {
    let found = kind(file, column);
    if is_text(found) {
        return Ok(Images::Named(text_of(&read_whole(file, column)?)));
    }
    let is_packed = kinds::is_binary(found) || kinds::has_bytes(found);
    if !is_packed {
        let help = "name the column of the images' files (text), or of their bytes: binary, or a struct of bytes and path";
        return Err(refused(file, (IMAGE_COLUMN.name, column), help));
    }
    let name = file_name(file.path);
    let row = |row: usize| format!("{name} row {row}");
    Ok(Images::Packed(
        (0..file.metadata.num_rows).map(row).collect(),
    ))
}

type Labels = (Vec<Option<Value>>, Option<String>);

fn read_labels(file: &ParquetFile<'_>, name: &str) -> Result<Labels, Error> {
    let found = kind(file, name).clone();
    let key = (LABEL_COLUMN.name, name);
    if is_text(&found) {
        let text = text_of(&read_whole(file, name)?).into_iter();
        return Ok((text.map(|cell| cell.map(Value::Text)).collect(), None));
    }
    if let Type::Float16 | Type::Float32 | Type::Float64 = found {
        let column = read_whole(file, name)?;
        let numbers = column.cast(&DataType::Float64).ok();
        let numbers = numbers.as_ref().and_then(|numbers| numbers.f64().ok());
        let numbers: Vec<Option<f64>> = numbers.map_or(Vec::new(), |all| all.iter().collect());
        let is_nan = |number: &f64| !number.is_nan();
        let numbers = numbers.into_iter().map(|n| n.filter(is_nan)).collect();
        return labels::of_decimals(file.path, name, numbers, &Numbers::Rows);
    }
    let values = match found {
        Type::Boolean => truths(&read_whole(file, name)?),
        ref kind if kinds::is_integer(kind) => whole(&read_whole(file, name)?),
        _ => {
            let help = match kinds::in_list(&found) {
                Some(_) => "of images with several labels: dataset.multi_label = true",
                None => "classes are text, whole numbers, or true and false",
            };
            return Err(refused(file, key, help));
        }
    };
    let why = "the labels cannot be read: they are of a kind that is not known here";
    let values = values.ok_or_else(|| Error::file(file.path, why))?;
    Ok((values, None))
}

/// A column of text, whole numbers or truth, as text.
fn texts(file: &ParquetFile<'_>, key: &str, name: &str) -> Result<Vec<Option<String>>, Error> {
    let found = kind(file, name);
    if is_text(found) {
        return Ok(text_of(&read_whole(file, name)?));
    }
    let values = match found {
        Type::Boolean => truths(&read_whole(file, name)?),
        kind if kinds::is_integer(kind) => whole(&read_whole(file, name)?),
        _ => None,
    };
    let help = "name a column of text or whole numbers";
    let values = values.ok_or_else(|| refused(file, (key, name), help))?;
    let text = |value: Option<Value>| value.map(|value| value.to_string());
    Ok(values.into_iter().map(text).collect())
}
