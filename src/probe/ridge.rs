//! Ridge regression onto the classes (1 for an image's own, -1 for others), in closed form; the penalty by the squared
//! errors of leaving out one training image after another, as scikit-learn's `RidgeClassifierCV` does.

use candle_core::Result;
use rayon::prelude::*;

use super::matrix::Matrix;
use super::method::{Fitted, Part, Parts, Probe, Rotated, largest};
use super::tridiagonal::{Factors, Norms, Tridiagonal};

/// The penalties that are tried.
pub(super) const PENALTIES: [f64; 9] = [0.1, 1.0, 10.0, 30.0, 100.0, 300.0, 1e3, 1e4, 1e5];

pub(super) struct Ridge;

impl Probe for Ridge {
    fn name(&self) -> &'static str {
        "ridge"
    }

    fn is_linear(&self) -> bool {
        true
    }

    fn fit(&self, parts: &Parts) -> Result<Fitted> {
        let weights = Weights::fit(parts)?;
        Ok(Fitted {
            validation: weights.classes_of(&parts.validation)?,
            test: weights.classes_of(&parts.test)?,
        })
    }
}

/// A linear classifier.
pub(super) struct Weights {
    /// `[features, classes]`
    pub weights: Matrix<f64>,
    pub bias: Vec<f64>,
}

/// What a penalty gives.
struct Attempt {
    /// The sum of squared errors, each of an image left out.
    error: f64,
    weights: Matrix<f64>,
}

impl Weights {
    /// Fitted to the training images, whose features have mean 0.
    pub fn fit(parts: &Parts) -> Result<Self> {
        let Part { features, labels } = &parts.training;
        let (mut y, bias) = targets(labels, parts.classes);
        for row in y.values.chunks_mut(parts.classes.max(1)) {
            row.iter_mut().zip(&bias).for_each(|(y, mean)| *y -= mean);
        }
        let attempts = match parts.rotated()? {
            Some(rotated) => by_features(rotated, &y)?,
            None => by_images(&features.exact(), &y)?,
        };
        let best = attempts
            .into_iter()
            .reduce(|best, next| if next.error < best.error { next } else { best });
        let nothing = || Matrix::zeros(features.columns, parts.classes);
        let weights = best.map_or_else(nothing, |attempt| attempt.weights);
        Ok(Weights { weights, bias })
    }

    fn classes_of(&self, part: &Part) -> Result<Vec<u32>> {
        if part.features.rows == 0 {
            return Ok(Vec::new());
        }
        let mut scores = part.features.exact().times(&self.weights)?;
        for row in scores.values.chunks_mut(self.bias.len().max(1)) {
            row.iter_mut()
                .zip(&self.bias)
                .for_each(|(score, bias)| *score += bias);
        }
        Ok(largest(&scores))
    }
}

/// 1 for an image's own class, -1 for the others, and each class's mean.
fn targets(labels: &[u32], classes: usize) -> (Matrix<f64>, Vec<f64>) {
    let mut y = Matrix::new(labels.len(), classes, vec![-1.0; labels.len() * classes]);
    for (row, label) in labels.iter().enumerate() {
        y.values[row * classes + *label as usize] = 1.0;
    }
    let mut means = vec![0.0; classes];
    for row in y.values.chunks(classes.max(1)) {
        row.iter().zip(&mut means).for_each(|(y, mean)| *mean += y);
    }
    means
        .iter_mut()
        .for_each(|mean| *mean /= labels.len().max(1) as f64);
    (y, means)
}

/// Penalties side by side, in whole vectors.
const LANES: usize = PENALTIES.len().next_multiple_of(8);

/// By a matrix of features by features, where there are as many images or more. The errors of leaving an image out are
/// those of all, over one less its leverage.
fn by_features(rotated: &Rotated, y: &Matrix<f64>) -> Result<Vec<Attempt>> {
    let Rotated {
        parts,
        features,
        exact,
    } = rotated;
    let targets = Matrix::of(&exact.t()?.matmul(&y.clone().into_tensor()?)?)?;
    let targets = parts.q.transposed_times(&targets)?;
    let factors = PENALTIES.map(|penalty| parts.shifted(penalty));
    let norms = Norms::<LANES>::new(&factors);
    let leverages: Vec<[f64; LANES]> = features
        .values
        .par_chunks(features.columns.max(1))
        .map(|row| norms.of(row))
        .collect();
    let table = features.tensor()?;
    let attempt = |(at, factors): (usize, &Factors)| -> Result<Attempt> {
        let solution = factors.solve(targets.clone());
        let fitted: Matrix<f32> = Matrix::of(&table.matmul(&solution.rounded().into_tensor()?)?)?;
        let error = |row: usize| {
            let left = 1.0 - leverages[row][at] - 1.0 / y.rows as f64;
            let pairs = y.row(row).iter().zip(fitted.row(row));
            pairs
                .map(|(y, fitted)| ((y - f64::from(*fitted)) / left).powi(2))
                .sum::<f64>()
        };
        Ok(Attempt {
            error: (0..y.rows).map(error).sum(),
            weights: parts.q.times(&solution)?,
        })
    };
    factors.iter().enumerate().map(attempt).collect()
}

/// By a matrix of images by images, where there are more features.
fn by_images(x: &Matrix<f64>, y: &Matrix<f64>) -> Result<Vec<Attempt>> {
    let parts = Tridiagonal::of(x.times_transposed(x)?);
    let targets = parts.q.transposed_times(y)?;
    let factors = PENALTIES.map(|penalty| parts.shifted(penalty));
    let norms = Norms::<LANES>::new(&factors);
    let norms: Vec<[f64; LANES]> = (0..x.rows).map(|row| norms.of(parts.q.row(row))).collect();
    let attempt = |(at, factors): (usize, &Factors)| -> Result<Attempt> {
        let penalty = PENALTIES[at];
        let duals = parts.q.times(&factors.solve(targets.clone()))?;
        let error = |row: usize| {
            let left = penalty * norms[row][at] - 1.0 / x.rows as f64;
            let duals = duals.row(row).iter();
            duals
                .map(|dual| (penalty * dual / left).powi(2))
                .sum::<f64>()
        };
        Ok(Attempt {
            error: (0..x.rows).map(error).sum(),
            weights: x.transposed_times(&duals)?,
        })
    };
    factors.iter().enumerate().map(attempt).collect()
}
