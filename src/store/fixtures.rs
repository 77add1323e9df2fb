//! Sweeps with plausible curves, for tests.

use std::time::{Duration, UNIX_EPOCH};

use super::{Axis, EpochRow, Results, RunRow, Status};
use crate::metric::{ACCURACY, Metrics};
use crate::rng::{Purpose, Stream};
use crate::spec::AxisValue;
use crate::train::Epoch;

pub(crate) struct Sweep {
    pub axes: Vec<Axis>,
    pub runs: Vec<RunRow>,
    pub epochs: Vec<EpochRow>,
}

impl Sweep {
    /// Writes its tables into `folder`.
    pub(crate) fn write(&self, folder: &std::path::Path) {
        let mut tables = super::Tables::open(folder, &self.axes, &[]).unwrap();
        for row in &self.runs {
            tables.set_run(row.clone());
        }
        for row in &self.epochs {
            tables.add_epoch(row.clone());
        }
        tables.write().unwrap();
    }

    pub(crate) fn results(&self) -> Results<'_> {
        Results {
            axes: &self.axes,
            runs: self.runs.iter().collect(),
            others: 0,
        }
    }
}

pub(crate) fn texts(key: &str, values: &[&str]) -> Axis {
    axis(key, values.iter().map(|v| AxisValue::Text((*v).into())))
}

pub(crate) fn integers(key: &str, values: impl IntoIterator<Item = i64>) -> Axis {
    axis(key, values.into_iter().map(AxisValue::Integer))
}

pub(crate) fn floats(key: &str, values: &[f64]) -> Axis {
    axis(key, values.iter().map(|v| AxisValue::Float(*v)))
}

fn axis(key: &str, values: impl Iterator<Item = AxisValue>) -> Axis {
    Axis {
        key: key.into(),
        values: values.collect(),
    }
}

/// Every combination of the axes' values, each run for `epochs` epochs.
pub(crate) fn sweep(axes: Vec<Axis>, epochs: usize) -> Sweep {
    let mut points: Vec<Vec<(usize, (String, AxisValue))>> = vec![Vec::new()];
    for axis in &axes {
        let with = |point: &Vec<_>| {
            let values = axis.values.iter().cloned().enumerate();
            let extended =
                values.map(|(i, v)| [&point[..], &[(i, (axis.key.clone(), v))]].concat());
            extended.collect::<Vec<_>>()
        };
        points = points.iter().flat_map(with).collect();
    }
    let mut sweep = Sweep {
        axes,
        runs: Vec::new(),
        epochs: Vec::new(),
    };
    for (n, point) in points.into_iter().enumerate() {
        let level = point.first().map_or(0, |(i, _)| *i);
        let point: Vec<_> = point.into_iter().map(|(_, pair)| pair).collect();
        let values: Vec<String> = point.iter().map(|(_, v)| v.to_string()).collect();
        let id = format!("{}-{n:04x}", values.join("-"));
        let rows = curve(&id, &point, level, n, epochs);
        sweep.runs.push(run(&id, point, &rows));
        sweep.epochs.extend(rows);
    }
    sweep
}

fn curve(
    id: &str,
    point: &[(String, AxisValue)],
    level: usize,
    n: usize,
    epochs: usize,
) -> Vec<EpochRow> {
    let mut noise = Stream::new(1, Purpose::Init, 0, n as u64);
    let best = 0.62 + 0.05 * (level as f64 * 0.9).sin() + 0.04 * f64::from(noise.uniform());
    let row = |e: usize, noise: &mut Stream| {
        let progress = 1.0 - (-(e as f64) / 6.0).exp();
        let mut wobble = || 0.02 * (f64::from(noise.uniform()) - 0.5);
        let metrics = |accuracy: f64, loss: f64| Metrics::of_loss(loss).with(&ACCURACY, accuracy);
        let training = metrics(
            0.3 + 0.65 * progress + wobble(),
            0.08 + 1.8 * (1.0 - progress),
        );
        let validation = metrics(
            0.28 + (best - 0.28) * progress + wobble(),
            1.1 + 0.9 * (1.0 - progress) + 0.02 * e as f64 + wobble(),
        );
        EpochRow {
            run: id.into(),
            point: point.to_vec(),
            epoch: Epoch {
                epoch: e,
                stage: None,
                training,
                validation: Some(validation),
                learning_rate: 1e-3,
                seconds: 12.5,
                images_per_second: 412.0,
                peak_memory_mib: 900.0,
            },
        }
    };
    (1..=epochs).map(|e| row(e, &mut noise)).collect()
}

fn run(id: &str, point: Vec<(String, AxisValue)>, rows: &[EpochRow]) -> RunRow {
    let validation = |row: &&EpochRow| row.epoch.validation.as_ref().map_or(0.0, |m| -m.loss);
    let best = rows
        .iter()
        .max_by(|a, b| validation(a).total_cmp(&validation(b)));
    let test = best.and_then(|row| row.epoch.validation.clone()).map(|m| {
        let accuracy = m.accuracy().unwrap_or_default();
        m.with(&ACCURACY, accuracy - 0.015)
    });
    RunRow {
        run: id.into(),
        point,
        status: Status::Finished,
        error: None,
        epochs: rows.len(),
        best_epoch: best.map(|row| row.epoch.epoch),
        validation: best.and_then(|row| row.epoch.validation.clone()),
        test,
        skipped_images: Some(0),
        parameters: Some(14_848_586),
        trainable_parameters: Some(134_410),
        seconds: 12.5 * rows.len() as f64,
        device: "cpu".into(),
        spec: "{}".into(),
        contents: None,
        version: "0.1.0".into(),
        started: UNIX_EPOCH + Duration::from_secs(1_772_357_400),
    }
}
