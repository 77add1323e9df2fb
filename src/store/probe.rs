//! `probe.parquet`: a row per backbone, boundary and probe.

use std::path::Path;

use polars::prelude::{Column, DataFrame};

use super::TableError;
use super::tables::{encode_file, put};
use crate::claim::Token;
use crate::probe::Row;

/// The table's name.
pub const FILE: &str = "probe.parquet";

/// Writes the rows into the folder of an experiment's results, whole or not at all.
///
/// # Errors
/// A folder that cannot be written.
pub fn write(folder: &Path, rows: &[Row]) -> Result<(), TableError> {
    let path = folder.join(FILE);
    let text = |name: &str, value: fn(&Row) -> &str| {
        Column::new(name.into(), rows.iter().map(value).collect::<Vec<_>>())
    };
    let floats = |name: &str, value: fn(&Row) -> Option<f64>| {
        Column::new(name.into(), rows.iter().map(value).collect::<Vec<_>>())
    };
    let counts = |name: &str, value: fn(&Row) -> u64| {
        let values = rows.iter().map(|row| value(row) as i64);
        Column::new(name.into(), values.collect::<Vec<_>>())
    };
    let columns = vec![
        text("backbone", |row| &row.backbone),
        text("boundary", |row| &row.boundary),
        counts("layers", |row| row.layers as u64),
        text("probe", |row| row.probe),
        counts("dimensions", |row| row.dimensions as u64),
        floats("val_accuracy", |row| Some(row.val_accuracy)),
        floats("val_std", |row| Some(row.val_std)),
        floats("test_accuracy", |row| row.test_accuracy),
        floats("seconds", |row| Some(row.seconds)),
        counts("training_operations", |row| row.training_operations),
    ];
    let bytes = encode_file(&path, DataFrame::new(rows.len(), columns), None)?;
    put(&path, &bytes, &Token::unclaimed())
}
