//! Rows → columns.

use polars::prelude::{
    Column, DataFrame, DataType, Float64Type, Int64Chunked, IntoColumn, IntoSeries,
    ListBuilderTrait, ListPrimitiveChunkedBuilder, NewChunkedArray, PolarsResult, TimeUnit,
    TimeZone,
};

use super::axis::{AxisColumn, Points};
use crate::metric::{self, ACCURACY, LOSS, METRICS, Metric, Metrics};
use crate::store::rows::{EpochRow, RunRow};
use crate::store::time::unix_micros;

/// The columns of `metrics.parquet`, in order.
pub(super) fn epochs(
    axes: &[AxisColumn],
    points: &Points<'_>,
    rows: &[EpochRow],
) -> PolarsResult<DataFrame> {
    let number =
        |name: &str, value: fn(&EpochRow) -> f64| floats(name, rows.iter().map(|r| Some(value(r))));
    let training = |row: &EpochRow| Some(row.epoch.training.clone());
    let validation = |row: &EpochRow| row.epoch.validation.clone();
    let parts: [(&str, Vec<Option<Metrics>>); 2] = [
        ("", rows.iter().map(training).collect()),
        ("val_", rows.iter().map(validation).collect()),
    ];

    let mut columns = vec![strings("run", rows.iter().map(|r| Some(r.run.as_str())))];
    columns.extend(
        axes.iter()
            .map(|axis| axis.column(points, rows.iter().map(|r| (r.run.as_str(), &r.point)))),
    );
    columns.push(counts("epoch", rows.iter().map(|r| Some(r.epoch.epoch))));
    columns.push(strings(
        "stage",
        rows.iter().map(|r| r.epoch.stage.as_deref()),
    ));
    // What every run has comes first, part by part; then the others, one after another.
    let of_part = |(prefix, rows): &(&str, Vec<_>), metric| column(prefix, metric, rows);
    for part in &parts {
        columns.extend([&LOSS, &ACCURACY].map(|metric| of_part(part, metric)));
    }
    for metric in METRICS
        .into_iter()
        .filter(|metric| metric.name != ACCURACY.name)
    {
        columns.extend(parts.iter().map(|part| of_part(part, metric)));
    }
    columns.extend([
        number("learning_rate", |r| r.epoch.learning_rate),
        number("seconds", |r| r.epoch.seconds),
        number("images_per_second", |r| r.epoch.images_per_second),
        number("peak_memory_mib", |r| r.epoch.peak_memory_mib),
    ]);
    DataFrame::new(rows.len(), columns)
}

/// The metrics of a run's saved model on one part of its images.
type OfPart = fn(&RunRow) -> &Option<Metrics>;

/// What the saved model was measured on, with the prefix of its columns.
const PARTS: [(&str, OfPart); 2] = [("val_", |r| &r.validation), ("test_", |r| &r.test)];

/// The columns of `runs.parquet`, in order.
pub(super) fn runs(
    axes: &[AxisColumn],
    points: &Points<'_>,
    rows: &[RunRow],
) -> PolarsResult<DataFrame> {
    let text =
        |name: &str, value: fn(&RunRow) -> &str| strings(name, rows.iter().map(|r| Some(value(r))));
    let started = rows.iter().map(|r| Some(unix_micros(r.started)));
    let json = |r: &RunRow| serde_json::to_string(r.contents.as_ref()?).ok();
    let contents: Vec<Option<String>> = rows.iter().map(json).collect();

    let mut columns = vec![text("run", |r| &r.run)];
    columns.extend(
        axes.iter()
            .map(|axis| axis.column(points, rows.iter().map(|r| (r.run.as_str(), &r.point)))),
    );
    columns.extend([
        text("status", |r| r.status.as_str()),
        strings("error", rows.iter().map(|r| r.error.as_deref())),
        counts("epochs", rows.iter().map(|r| Some(r.epochs))),
        counts("best_epoch", rows.iter().map(|r| r.best_epoch)),
    ]);
    for (prefix, of) in PARTS {
        let rows: Vec<Option<Metrics>> = rows.iter().map(|r| of(r).clone()).collect();
        columns.extend(metric::all().map(|metric| column(prefix, metric, &rows)));
    }
    columns.extend([
        counts("skipped_images", rows.iter().map(|r| r.skipped_images)),
        large_counts("parameters", rows.iter().map(|r| r.parameters)),
        large_counts(
            "trainable_parameters",
            rows.iter().map(|r| r.trainable_parameters),
        ),
        floats("seconds", rows.iter().map(|r| Some(r.seconds))),
        text("device", |r| &r.device),
        text("spec", |r| &r.spec),
        strings("contents", contents.iter().map(Option::as_deref)),
        text("version", |r| &r.version),
        Int64Chunked::from_iter_options("started".into(), started)
            .into_datetime(TimeUnit::Microseconds, Some(TimeZone::UTC))
            .into_column(),
    ]);
    DataFrame::new(rows.len(), columns)
}

/// A metric of a part, under a name that begins with `prefix`.
fn column(prefix: &str, metric: &Metric, rows: &[Option<Metrics>]) -> Column {
    let name = format!("{prefix}{}", metric.name);
    let rows = rows.iter().map(Option::as_ref);
    match metric.is_per_class() {
        true => lists(&name, rows.map(|m| m?.each(metric))),
        false => floats(&name, rows.map(|m| m?.number(metric))),
    }
}

fn strings<'a>(name: &str, values: impl Iterator<Item = Option<&'a str>>) -> Column {
    Column::new(name.into(), values.collect::<Vec<_>>())
}

fn floats(name: &str, values: impl Iterator<Item = Option<f64>>) -> Column {
    Column::new(name.into(), values.collect::<Vec<_>>())
}

fn counts(name: &str, values: impl Iterator<Item = Option<usize>>) -> Column {
    let fit = |v: usize| i32::try_from(v).unwrap_or(i32::MAX);
    Column::new(name.into(), values.map(|v| v.map(fit)).collect::<Vec<_>>())
}

fn large_counts(name: &str, values: impl Iterator<Item = Option<u64>>) -> Column {
    let fit = |v: u64| i64::try_from(v).unwrap_or(i64::MAX);
    Column::new(name.into(), values.map(|v| v.map(fit)).collect::<Vec<_>>())
}

fn lists<'a>(name: &str, values: impl ExactSizeIterator<Item = Option<&'a [f64]>>) -> Column {
    let (rows, classes) = (values.len(), 10);
    let mut builder = ListPrimitiveChunkedBuilder::<Float64Type>::new(
        name.into(),
        rows,
        rows * classes,
        DataType::Float64,
    );
    values.for_each(|list| builder.append_opt_slice(list));
    builder.finish().into_series().into_column()
}
