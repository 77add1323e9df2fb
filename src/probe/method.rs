//! What a probe is, and what it is fitted to.

use std::sync::OnceLock;
use std::time::Instant;

use candle_core::{Result, Tensor};

use super::matrix::Matrix;
use super::pass::Pooled;
use super::row::Row;
use super::tridiagonal::Tridiagonal;

/// A classifier of pooled features with a strength that is chosen.
pub trait Probe: Sync {
    /// As the column `probe` has it.
    fn name(&self) -> &'static str;

    /// Whether it is linear in the features, as a head of one layer is.
    fn is_linear(&self) -> bool;

    /// The classes of the validation and the test images, learned from the training images; what there is to choose is
    /// chosen on the validation images, or on the training images where that is as good.
    ///
    /// # Errors
    /// What the device reports.
    fn fit(&self, parts: &Parts) -> Result<Fitted>;
}

/// Some images' features and classes.
#[derive(Clone, Debug)]
pub struct Part {
    pub(super) features: Matrix<f32>,
    pub(super) labels: Vec<u32>,
}

/// What a probe learns from, chooses by and is measured on, each feature with mean 0 and deviation 1 over the training
/// images; one that is the same for all of these is 0.
#[derive(Clone, Debug)]
pub struct Parts {
    pub(super) training: Part,
    pub(super) validation: Part,
    /// May be of no images.
    pub(super) test: Part,
    pub(super) classes: usize,
    /// Made when it is first asked for; probes share it.
    rotated: OnceLock<Rotated>,
}

/// The training images' features in a basis in which the products of every two features are tridiagonal, so that systems
/// with them are solved at once.
#[derive(Clone, Debug)]
pub(super) struct Rotated {
    /// Of the features' products `XᵀX`.
    pub parts: Tridiagonal,
    /// `X Q`
    pub features: Matrix<f32>,
    /// `X`, in double precision.
    pub exact: Tensor,
}

/// What a probe says of images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fitted {
    pub validation: Vec<u32>,
    pub test: Vec<u32>,
}

impl Parts {
    /// Of the training, validation and test images with their classes.
    pub fn new(tables: [Pooled; 3], labels: [Vec<u32>; 3], classes: usize) -> Self {
        let [training, validation, test] = tables;
        let dimensions = training.dimensions;
        let (means, scales) = standard(&training);
        let scaled = |table: Pooled, labels| {
            let rows = table.len();
            let mut values = table.values;
            for row in values.chunks_mut(dimensions.max(1)) {
                for ((value, mean), scale) in row.iter_mut().zip(&means).zip(&scales) {
                    *value = ((f64::from(*value) - mean) * scale) as f32;
                }
            }
            Part {
                features: Matrix::new(rows, dimensions, values),
                labels,
            }
        };
        let [of_training, of_validation, of_test] = labels;
        Parts {
            training: scaled(training, of_training),
            validation: scaled(validation, of_validation),
            test: scaled(test, of_test),
            classes,
            rotated: OnceLock::new(),
        }
    }

    /// The training images' features turned; none where there are fewer images than features.
    pub(super) fn rotated(&self) -> Result<Option<&Rotated>> {
        let features = &self.training.features;
        if features.rows < features.columns {
            return Ok(None);
        }
        if let Some(known) = self.rotated.get() {
            return Ok(Some(known));
        }
        let exact = features.exact().into_tensor()?;
        let parts = Tridiagonal::of(Matrix::of(&exact.t()?.matmul(&exact)?)?);
        let turned = features.times(&parts.q.rounded())?;
        let rotated = Rotated {
            parts,
            features: turned,
            exact,
        };
        Ok(Some(self.rotated.get_or_init(|| rotated)))
    }
}

/// Each feature's mean and one over its deviation (over n), 0 where it is always the same.
fn standard(table: &Pooled) -> (Vec<f64>, Vec<f64>) {
    let (dimensions, rows) = (table.dimensions, table.len().max(1) as f64);
    let mut means = vec![0.0; dimensions];
    for row in table.values.chunks(dimensions.max(1)) {
        row.iter()
            .zip(&mut means)
            .for_each(|(value, mean)| *mean += f64::from(*value));
    }
    means.iter_mut().for_each(|mean| *mean /= rows);
    let mut squares = vec![0.0; dimensions];
    for row in table.values.chunks(dimensions.max(1)) {
        for ((value, mean), square) in row.iter().zip(&means).zip(&mut squares) {
            *square += (f64::from(*value) - mean).powi(2);
        }
    }
    let scale = |(square, mean): (&f64, &f64)| {
        let deviation = (square / rows).sqrt();
        // What rounding leaves of a constant is none.
        let is_constant = deviation <= 1e-6 * mean.abs() || deviation == 0.0;
        if is_constant { 0.0 } else { 1.0 / deviation }
    };
    let scales = squares.iter().zip(&means).map(scale).collect();
    (means, scales)
}

/// Fits a probe and measures it; the row's boundary is still to be named.
///
/// # Errors
/// What the device reports.
pub fn fit(probe: &dyn Probe, parts: &Parts) -> Result<Row> {
    let start = Instant::now();
    let fitted = probe.fit(parts)?;
    let accuracy = accuracy(&fitted.validation, &parts.validation.labels).unwrap_or(0.0);
    let images = parts.validation.labels.len() as f64;
    Ok(Row {
        probe: probe.name(),
        is_linear: probe.is_linear(),
        dimensions: parts.training.features.columns,
        val_accuracy: accuracy,
        val_std: standard_error(accuracy, images),
        classes: parts.classes,
        test_accuracy: self::accuracy(&fitted.test, &parts.test.labels),
        seconds: start.elapsed().as_secs_f64(),
        ..Row::default()
    })
}

/// Of a share of so many images, with two more that are right and two that are not.
fn standard_error(share: f64, images: f64) -> f64 {
    let share = (share * images + 2.0) / (images + 4.0);
    (share * (1.0 - share) / (images + 4.0)).sqrt()
}

/// The share that is right; none of no images.
pub(super) fn accuracy(found: &[u32], labels: &[u32]) -> Option<f64> {
    let right = found
        .iter()
        .zip(labels)
        .filter(|(found, label)| found == label);
    (!labels.is_empty()).then(|| right.count() as f64 / labels.len() as f64)
}

/// The place of the largest number of each row, the first where several are.
pub(super) fn largest<T: candle_core::WithDType>(scores: &Matrix<T>) -> Vec<u32> {
    let best = |row: &[T]| {
        let mut best = 0;
        for (place, value) in row.iter().enumerate() {
            if *value > row[best] {
                best = place;
            }
        }
        best as u32
    };
    scores
        .values
        .chunks(scores.columns.max(1))
        .map(best)
        .collect()
}
