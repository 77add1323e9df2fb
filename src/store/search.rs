//! `search.parquet`: a row per question that a sweep's strategy asked, in the order in which it asked.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use polars::prelude::{Column, DataFrame, DataType, IntoSeries, NamedFrom, Series};

use super::TableError;
use super::tables::{encode_file, put, read_table};
use crate::claim::Token;

/// The table's name.
pub const FILE: &str = "search.parquet";

/// A question, and what is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// From 1. Questions of a round do not depend on each other's answers.
    pub round: usize,
    /// The swept keys with their values, without those on which runs repeat one another: `through=all, units=256`.
    pub configuration: String,
    /// The ids of its runs, which repeat one another.
    pub runs: Vec<String>,
    /// After how many epochs they are looked at.
    pub epochs: usize,
    /// What is looked at, a column of `metrics.parquet`.
    pub metric: String,
    /// The mean over the runs; NaN where one failed, absent before all have come so far.
    pub value: Option<f64>,
}

/// Writes the rows into the folder of an experiment's results, whole or not at all.
///
/// # Errors
/// A folder that cannot be written.
pub fn write(folder: &Path, rows: &[Row]) -> Result<(), TableError> {
    let path = folder.join(FILE);
    let counts = |name: &str, value: &dyn Fn(usize, &Row) -> usize| {
        let values = rows.iter().enumerate();
        let values = values.map(|(at, row)| value(at, row) as i64);
        Column::new(name.into(), values.collect::<Vec<_>>())
    };
    let text = |name: &str, value: fn(&Row) -> &str| {
        Column::new(name.into(), rows.iter().map(value).collect::<Vec<_>>())
    };
    let runs = rows.iter().map(|row| Series::new("".into(), &row.runs));
    let runs = Series::new("runs".into(), runs.collect::<Vec<_>>());
    let runs = runs.cast(&DataType::List(Box::new(DataType::String)));
    let values = rows.iter().map(|row| row.value).collect::<Vec<_>>();
    let frame = runs.and_then(|runs| {
        let columns = vec![
            counts("question", &|at, _| at + 1),
            counts("round", &|_, row| row.round),
            text("configuration", |row| &row.configuration),
            runs.into_series().into(),
            counts("epochs", &|_, row| row.epochs),
            text("metric", |row| &row.metric),
            Column::new("value".into(), values),
        ];
        DataFrame::new(rows.len(), columns)
    });
    put(
        &path,
        &encode_file(&path, frame, None)?,
        &Token::unclaimed(),
    )
}

/// Removes the table, which is another strategy's.
///
/// # Errors
/// A folder that cannot be written.
pub fn forget(folder: &Path) -> io::Result<()> {
    match fs::remove_file(folder.join(FILE)) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The rows in the folder of an experiment's results; none where there are none, or where they cannot be read: the table is
/// made again from the runs' folders.
pub fn read(folder: &Path) -> Vec<Row> {
    let table = read_table(&folder.join(FILE)).unwrap_or_default();
    table
        .and_then(|(_, frame)| decode(&frame))
        .unwrap_or_default()
}

fn decode(frame: &DataFrame) -> Option<Vec<Row>> {
    let counts = |name: &str| -> Option<Vec<usize>> {
        let column = frame.column(name).ok()?.i64().ok()?;
        column.iter().map(|n| usize::try_from(n?).ok()).collect()
    };
    let text = |name: &str| -> Option<Vec<String>> {
        let column = frame.column(name).ok()?.str().ok()?;
        column.iter().map(|text| text.map(str::to_owned)).collect()
    };
    let runs = frame.column("runs").ok()?.as_materialized_series();
    let runs = runs.list().ok()?;
    let ids = |at: usize| -> Option<Vec<String>> {
        let ids = runs.get_as_series(at)?;
        let ids = ids.str().ok()?.iter();
        ids.map(|id| id.map(str::to_owned)).collect()
    };
    let values = frame.column("value").ok()?.f64().ok()?;
    let (rounds, epochs) = (counts("round")?, counts("epochs")?);
    let (configurations, metrics) = (text("configuration")?, text("metric")?);
    let rows = rounds.into_iter().zip(configurations).zip(epochs);
    let rows = rows.zip(metrics).zip(values.iter());
    let row = |(at, ((((round, configuration), epochs), metric), value))| Row {
        round,
        configuration,
        runs: ids(at).unwrap_or_default(),
        epochs,
        metric,
        value,
    };
    Some(rows.enumerate().map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_as_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let row = |round: usize, value| Row {
            round,
            configuration: format!("through=block{round}"),
            runs: vec!["a".into(), "b".into()],
            epochs: 3 * round,
            metric: "val_accuracy".into(),
            value,
        };
        let rows = [row(1, Some(0.5)), row(2, None)];
        write(folder.path(), &rows).unwrap();
        assert_eq!(read(folder.path()), rows);
        std::fs::write(folder.path().join(FILE), "damaged").unwrap();
        assert!(read(folder.path()).is_empty());
    }
}
