//! Whole columns of Parquet files, and what they hold.

use polars::prelude::{ArrowDataType as Type, ArrowField, Column, DataType};

use super::cells::Value;
use crate::data::error::Error;
use crate::data::sources::parquet::file::ParquetFile;
use crate::data::sources::parquet::kinds;
use crate::foreign;
use crate::spec::Problem;

pub(super) fn kind<'f>(file: &'f ParquetFile<'_>, column: &str) -> &'f Type {
    file.field(column).map_or(&Type::Null, ArrowField::dtype)
}

pub(super) fn is_text(kind: &Type) -> bool {
    matches!(kind, Type::Utf8 | Type::LargeUtf8 | Type::Utf8View)
}

pub(super) fn refused(file: &ParquetFile<'_>, (key, column): (&str, &str), help: &str) -> Error {
    let found = kinds::in_words(kind(file, column));
    let path = foreign::path(file.path);
    let message = format!("{path}: column \"{column}\" holds {found}");
    Problem::new(format!("dataset.{key}"), message)
        .help(help)
        .into()
}

/// A whole column.
pub(super) fn read_whole(file: &ParquetFile<'_>, column: &str) -> Result<Column, Error> {
    file.read(column, 0..file.metadata.num_rows)
}

pub(super) fn truths(column: &Column) -> Option<Vec<Option<Value>>> {
    let truths = column.bool().ok()?.iter();
    Some(truths.map(|truth| truth.map(Value::Truth)).collect())
}

pub(super) fn whole(column: &Column) -> Option<Vec<Option<Value>>> {
    if let Ok(large) = column.u64() {
        let number = |number: Option<u64>| Some(Value::Whole(number?.into()));
        return Some(large.iter().map(number).collect());
    }
    let numbers = column.cast(&DataType::Int64).ok()?;
    let number = |number: Option<i64>| Some(Value::Whole(number?.into()));
    Some(numbers.i64().ok()?.iter().map(number).collect())
}

/// A column of text; nothing of what is empty.
pub(super) fn text_of(column: &Column) -> Vec<Option<String>> {
    let Ok(cells) = column.str() else {
        return vec![None; column.len()];
    };
    let cell = |cell: Option<&str>| Some(cell?.to_owned()).filter(|cell| !cell.is_empty());
    cells.iter().map(cell).collect()
}
