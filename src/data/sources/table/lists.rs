//! Several labels a row: lists in Parquet, or values of text.

use polars::prelude::{Column, IntoColumn, Series};

use super::cells::Value;
use super::columns::Columns;
use super::labels;
use super::values::{is_text, kind, read_whole, refused, text_of, truths, whole};
use crate::data::error::Error;
use crate::data::sources::parquet::file::ParquetFile;
use crate::data::sources::parquet::kinds;
use crate::datasets::LABEL_COLUMN;
use crate::spec::Problem;

/// Labels one after another, how many each row has, and what is to be said of how they were read.
type Lists = (Vec<Option<Value>>, Option<Vec<usize>>, Option<String>);

/// The labels of all rows. A row without a list has one that is missing; of an empty list it has none.
///
/// # Errors
/// A column of something else.
pub(super) fn read(file: &ParquetFile<'_>, columns: &Columns) -> Result<Lists, Error> {
    let name = &columns.label;
    let found = kind(file, name).clone();
    if is_text(&found) {
        return of_text(file, columns);
    }
    let key = (LABEL_COLUMN.name, name.as_str());
    let help = "several labels are a list of text, whole numbers, or true and false; or text with label_separator";
    let Some(inside) = kinds::in_list(&found).cloned() else {
        return Err(refused(file, key, help));
    };
    let column = read_whole(file, name)?;
    let lists = column.as_materialized_series().list();
    let lists = lists.map_err(|_| refused(file, key, help))?;
    let lists: Vec<Option<Series>> = (0..lists.len())
        .map(|row| lists.get_as_series(row))
        .collect();
    let of_list = |list: Column| -> Option<Vec<Option<Value>>> {
        Some(match &inside {
            kind if is_text(kind) => {
                let cells = text_of(&list).into_iter();
                cells.map(|cell| cell.map(Value::Text)).collect()
            }
            kind if kinds::is_integer(kind) => whole(&list)?,
            _ => truths(&list)?,
        })
    };
    let (mut all, mut counts) = (Vec::new(), Vec::with_capacity(lists.len()));
    for list in lists {
        let values = match list {
            None => vec![None],
            Some(list) if list.is_empty() => Vec::new(),
            Some(list) => of_list(list.into_column()).ok_or_else(|| refused(file, key, help))?,
        };
        counts.push(values.len());
        all.extend(values);
    }
    Ok((all, Some(counts), None))
}

fn of_text(file: &ParquetFile<'_>, columns: &Columns) -> Result<Lists, Error> {
    let name = &columns.label;
    let Some(separator) = &columns.separator else {
        let message = format!(
            "column \"{name}\" holds text: `dataset.multi_label` needs `dataset.label_separator`, what sets its labels off"
        );
        let help = "add e.g. `label_separator = \"|\"` to [dataset]";
        return Err(Problem::new("dataset.multi_label", message)
            .help(help)
            .into());
    };
    let (cells, counts) = labels::separated(text_of(&read_whole(file, name)?), separator);
    let values = cells.into_iter().map(|cell| cell.map(Value::Text));
    Ok((values.collect(), Some(counts), None))
}
