//! Columns → rows.

use std::path::{Path, PathBuf};

use polars::prelude::{Column, DataFrame, DataType, TimeUnit, TimeZone};

use super::format::FORMAT;
use super::{TableError, axis};
use crate::metric::{LOSS, METRICS, Metrics};
use crate::spec::AxisValue;
use crate::store::rows::{Axis, EpochRow, RunRow, Status};
use crate::store::time::from_unix_micros;
use crate::train::Epoch;

/// A table that was read, with the file it came from.
pub(super) struct Decoder {
    path: PathBuf,
    frame: DataFrame,
}

/// A column's values; a column that is missing is all null.
type Values<T> = Vec<Option<T>>;

impl Decoder {
    pub(super) fn new(path: &Path, frame: DataFrame) -> Self {
        Decoder {
            path: path.to_owned(),
            frame,
        }
    }

    /// The table, where `format` is what this runner reads and writes; one that says none must have a column `run`
    /// to count as another version's.
    pub(super) fn checked(self, format: Option<String>) -> Result<Self, TableError> {
        match format {
            Some(format) if format == FORMAT => Ok(self),
            None => {
                self.required("run", self.strings("run")?)?;
                Err(self.other("1".into()))
            }
            Some(format) => Err(self.other(format)),
        }
    }

    fn other(&self, found: String) -> TableError {
        TableError::Format {
            path: self.path.clone(),
            found,
        }
    }

    /// The rows of `metrics.parquet`.
    pub(super) fn epochs(&self, axes: &[Axis]) -> Result<Vec<EpochRow>, TableError> {
        let runs = self.required("run", self.strings("run")?)?;
        let numbers = self.required("epoch", self.counts("epoch")?)?;
        let stages = self.strings("stage")?;
        let training = self.metrics("")?;
        let validation = self.metrics("val_")?;
        let learning_rate = self.floats("learning_rate")?;
        let seconds = self.floats("seconds")?;
        let images_per_second = self.floats("images_per_second")?;
        let peak_memory_mib = self.floats("peak_memory_mib")?;
        let points = self.points(axes);
        let rows = runs
            .into_iter()
            .zip(numbers)
            .zip(points)
            .zip(training)
            .zip(validation);
        let rows =
            rows.enumerate().map(
                |(i, ((((run, epoch), point), training), validation))| EpochRow {
                    run,
                    point,
                    epoch: Epoch {
                        epoch,
                        stage: at(&stages, i),
                        training: training.unwrap_or_default(),
                        validation,
                        learning_rate: at(&learning_rate, i).unwrap_or(f64::NAN),
                        seconds: at(&seconds, i).unwrap_or(f64::NAN),
                        images_per_second: at(&images_per_second, i).unwrap_or(f64::NAN),
                        peak_memory_mib: at(&peak_memory_mib, i).unwrap_or(f64::NAN),
                    },
                },
            );
        Ok(rows.collect())
    }

    /// The rows of `runs.parquet`.
    pub(super) fn runs(&self, axes: &[Axis]) -> Result<Vec<RunRow>, TableError> {
        let runs = self.required("run", self.strings("run")?)?;
        let statuses = self.required("status", self.strings("status")?)?;
        let error = self.strings("error")?;
        let epochs = self.counts("epochs")?;
        let best_epoch = self.counts("best_epoch")?;
        let validation = self.metrics("val_")?;
        let test = self.metrics("test_")?;
        let contents = self.strings("contents")?;
        let skipped_images = self.counts("skipped_images")?;
        let parameters = self.large_counts("parameters")?;
        let trainable_parameters = self.large_counts("trainable_parameters")?;
        let seconds = self.floats("seconds")?;
        let device = self.strings("device")?;
        let spec = self.strings("spec")?;
        let version = self.strings("version")?;
        let started = self.times("started")?;
        let rows = runs
            .into_iter()
            .zip(statuses)
            .zip(self.points(axes))
            .zip(test);
        let rows = rows.enumerate().map(|(i, (((run, status), point), test))| {
            Ok(RunRow {
                run,
                point,
                status: Status::from_name(&status)
                    .ok_or_else(|| self.foreign(format!("`{status}` is no status of a run")))?,
                error: at(&error, i),
                epochs: at(&epochs, i).unwrap_or(0),
                best_epoch: at(&best_epoch, i),
                validation: at(&validation, i),
                test,
                skipped_images: at(&skipped_images, i),
                parameters: at(&parameters, i),
                trainable_parameters: at(&trainable_parameters, i),
                seconds: at(&seconds, i).unwrap_or(f64::NAN),
                device: at(&device, i).unwrap_or_default(),
                spec: at(&spec, i).unwrap_or_default().into(),
                contents: at(&contents, i).and_then(|text| serde_json::from_str(&text).ok()),
                version: at(&version, i).unwrap_or_default(),
                started: from_unix_micros(at(&started, i).unwrap_or(0)),
            })
        });
        rows.collect()
    }

    /// Each row's values of all axes; an axis that is null is left out.
    fn points(&self, axes: &[Axis]) -> Vec<Vec<(String, AxisValue)>> {
        let mut points = vec![Vec::new(); self.frame.height()];
        for column in self.frame.columns() {
            let Some(key) = axis::key_of(column.name()) else {
                continue;
            };
            let axis = axes.iter().find(|axis| axis.key == key);
            let declared = axis.map_or(&[][..], |axis| &axis.values);
            let values = axis::read(key, column, declared).unwrap_or_default();
            for (point, value) in points.iter_mut().zip(values) {
                point.extend(value.map(|value| (key.to_owned(), value)));
            }
        }
        points
    }

    /// Each row's metrics; absent where the loss is null.
    fn metrics(&self, prefix: &str) -> Result<Values<Metrics>, TableError> {
        let losses = self.floats(&format!("{prefix}{}", LOSS.name))?;
        let metrics = losses.into_iter().map(|loss| loss.map(Metrics::of_loss));
        let mut metrics: Values<Metrics> = metrics.collect();
        for metric in METRICS {
            let name = format!("{prefix}{}", metric.name);
            if metric.is_per_class() {
                let values = self.lists(&name)?;
                put(&mut metrics, values, |m, values| {
                    m.with_each(metric, values)
                });
            } else {
                let values = self.floats(&name)?;
                put(&mut metrics, values, |m, value| m.with(metric, value));
            }
        }
        Ok(metrics)
    }

    fn strings(&self, name: &str) -> Result<Values<String>, TableError> {
        self.values(name, &DataType::String, |column| {
            let column = column.as_materialized_series();
            Ok(column.str()?.iter().map(|v| v.map(str::to_owned)).collect())
        })
    }

    fn floats(&self, name: &str) -> Result<Values<f64>, TableError> {
        self.values(name, &DataType::Float64, |column| {
            Ok(column.as_materialized_series().f64()?.iter().collect())
        })
    }

    fn counts(&self, name: &str) -> Result<Values<usize>, TableError> {
        self.values(name, &DataType::Int32, |column| {
            let values = column.as_materialized_series().i32()?.iter();
            Ok(values
                .map(|v| v.and_then(|v| usize::try_from(v).ok()))
                .collect())
        })
    }

    fn large_counts(&self, name: &str) -> Result<Values<u64>, TableError> {
        self.values(name, &DataType::Int64, |column| {
            let values = column.as_materialized_series().i64()?.iter();
            Ok(values
                .map(|v| v.and_then(|v| u64::try_from(v).ok()))
                .collect())
        })
    }

    fn times(&self, name: &str) -> Result<Values<i64>, TableError> {
        let dtype = DataType::Datetime(TimeUnit::Microseconds, Some(TimeZone::UTC));
        self.values(name, &dtype, |column| {
            let series = column.as_materialized_series();
            Ok(series.datetime()?.physical().iter().collect())
        })
    }

    fn lists(&self, name: &str) -> Result<Values<Vec<f64>>, TableError> {
        let dtype = DataType::List(Box::new(DataType::Float64));
        self.values(name, &dtype, |column| {
            let lists = column.as_materialized_series().list()?;
            (0..lists.len())
                .map(|i| match lists.get_as_series(i) {
                    Some(list) => Ok(Some(
                        list.f64()?.iter().map(|v| v.unwrap_or(f64::NAN)).collect(),
                    )),
                    None => Ok(None),
                })
                .collect()
        })
    }

    fn values<T: Clone>(
        &self,
        name: &str,
        dtype: &DataType,
        read: impl FnOnce(&Column) -> polars::error::PolarsResult<Values<T>>,
    ) -> Result<Values<T>, TableError> {
        let Ok(column) = self.frame.column(name) else {
            return Ok(vec![None; self.frame.height()]);
        };
        if column.dtype() != dtype {
            let found = column.dtype();
            return Err(self.foreign(format!("column `{name}` is {found}, not {dtype}")));
        }
        read(column).map_err(|e| self.foreign(format!("column `{name}`: {e}")))
    }

    fn required<T>(&self, name: &str, values: Values<T>) -> Result<Vec<T>, TableError> {
        if self.frame.column(name).is_err() {
            return Err(self.foreign(format!("it has no column `{name}`")));
        }
        let whole: Option<Vec<T>> = values.into_iter().collect();
        whole.ok_or_else(|| self.foreign(format!("column `{name}` has an empty cell")))
    }

    fn foreign(&self, why: String) -> TableError {
        TableError::Foreign {
            path: self.path.clone(),
            why,
        }
    }
}

fn at<T: Clone>(values: &[Option<T>], i: usize) -> Option<T> {
    values.get(i).cloned().flatten()
}

/// Adds what each row has of a metric to its metrics.
fn put<T>(metrics: &mut Values<Metrics>, values: Values<T>, with: impl Fn(Metrics, T) -> Metrics) {
    for (metrics, value) in metrics.iter_mut().zip(values) {
        if let (Some(found), Some(value)) = (metrics.as_mut(), value) {
            *found = with(std::mem::take(found), value);
        }
    }
}
