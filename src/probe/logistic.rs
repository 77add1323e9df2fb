//! Multinomial logistic regression with a squared penalty, as scikit-learn's `LogisticRegression`; its strength by the
//! validation images.

use candle_core::Result;
use rayon::prelude::*;

use super::matrix::Matrix;
use super::method::{Fitted, Part, Parts, Probe, accuracy, largest};

/// One over the penalty, as scikit-learn counts, from strong to weak.
const INVERSE_PENALTIES: [f64; 5] = [1e-4, 1e-3, 1e-2, 1e-1, 1.0];
/// So many weaker penalties without a gain end the choice.
const WITHOUT_GAIN: usize = 2;
/// The largest entry of the mean loss's gradient at the end, scikit-learn's `tol`.
const TOLERANCE: f64 = 1e-4;
const MOST_STEPS: usize = 100;
/// Steps that the curvature is estimated from.
const MEMORY: usize = 10;

pub(super) struct Logistic;

impl Probe for Logistic {
    fn name(&self) -> &'static str {
        "logistic"
    }

    fn is_linear(&self) -> bool {
        true
    }

    fn fit(&self, parts: &Parts) -> Result<Fitted> {
        let mut weights = vec![0.0; (parts.training.features.columns + 1) * parts.classes];
        let mut best: Option<(f64, Vec<u32>, Vec<f64>)> = None;
        let mut without_gain = 0;
        for inverse in INVERSE_PENALTIES {
            weights = minimize(&Problem::new(parts, inverse), weights)?;
            let found = classes_of(&parts.validation, &weights, parts.classes)?;
            let share = accuracy(&found, &parts.validation.labels).unwrap_or(0.0);
            if best.as_ref().is_none_or(|(best, ..)| share > *best) {
                best = Some((share, found, weights.clone()));
                without_gain = 0;
            } else {
                without_gain += 1;
            }
            if without_gain == WITHOUT_GAIN {
                break;
            }
        }
        let (_, validation, weights) = best.unwrap_or_default();
        Ok(Fitted {
            validation,
            test: classes_of(&parts.test, &weights, parts.classes)?,
        })
    }
}

/// The weights and, in the last row, the biases for a single strength.
#[cfg(test)]
pub(super) fn fitted(parts: &Parts, inverse: f64) -> Result<Vec<f64>> {
    let start = vec![0.0; (parts.training.features.columns + 1) * parts.classes];
    minimize(&Problem::new(parts, inverse), start)
}

fn classes_of(part: &Part, weights: &[f64], classes: usize) -> Result<Vec<u32>> {
    match part.labels.is_empty() {
        true => Ok(Vec::new()),
        false => Ok(largest(&logits(part, weights, classes)?)),
    }
}

/// The features times the weights, with the biases, which stand in the last row.
fn logits(part: &Part, weights: &[f64], classes: usize) -> Result<Matrix<f32>> {
    let of_features = part.features.columns * classes;
    let slopes = weights[..of_features].iter().map(|w| *w as f32).collect();
    let slopes = Matrix::new(part.features.columns, classes, slopes);
    let mut logits = part.features.times(&slopes)?;
    for row in logits.values.chunks_mut(classes.max(1)) {
        let biases = &weights[of_features..];
        row.iter_mut()
            .zip(biases)
            .for_each(|(logit, bias)| *logit += *bias as f32);
    }
    Ok(logits)
}

/// What is made small: the mean cross-entropy, and half the sum of squared slopes times `penalty`.
struct Problem<'a> {
    part: &'a Part,
    classes: usize,
    penalty: f64,
}

impl<'a> Problem<'a> {
    /// Of the training images, with one over the penalty as scikit-learn counts it, over the sum of the losses.
    fn new(parts: &'a Parts, inverse: f64) -> Self {
        Problem {
            part: &parts.training,
            classes: parts.classes,
            penalty: 1.0 / (inverse * parts.training.labels.len().max(1) as f64),
        }
    }

    fn value_and_gradient(&self, weights: &[f64]) -> Result<(f64, Vec<f64>)> {
        let (classes, images) = (self.classes, self.part.labels.len().max(1) as f64);
        let mut errors = logits(self.part, weights, classes)?;
        let losses: Vec<f64> = errors
            .values
            .par_chunks_mut(classes.max(1))
            .zip(&self.part.labels)
            .map(|(row, label)| error_of(row, *label as usize))
            .collect();
        let of_features = self.part.features.columns * classes;
        let slopes = &weights[..of_features];
        let squares: f64 = slopes.iter().map(|w| w * w).sum();
        let value = losses.iter().sum::<f64>() / images + 0.5 * self.penalty * squares;
        let sums = self.part.features.transposed_times(&errors)?;
        let mut gradient: Vec<f64> = sums.values.iter().map(|g| f64::from(*g) / images).collect();
        gradient
            .iter_mut()
            .zip(slopes)
            .for_each(|(g, w)| *g += self.penalty * w);
        let mut biases = vec![0.0; classes];
        for row in errors.values.chunks(classes.max(1)) {
            row.iter()
                .zip(&mut biases)
                .for_each(|(error, sum)| *sum += f64::from(*error));
        }
        gradient.extend(biases.iter().map(|sum| sum / images));
        Ok((value, gradient))
    }
}

/// An image's loss; its logits become their gradient: the probabilities, less one at its class.
fn error_of(row: &mut [f32], label: usize) -> f64 {
    let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let own = f64::from(row[label] - most);
    let mut sum = 0.0;
    for x in row.iter_mut() {
        *x = (*x - most).exp();
        sum += f64::from(*x);
    }
    row.iter_mut()
        .for_each(|x| *x = (f64::from(*x) / sum) as f32);
    row[label] -= 1.0;
    sum.ln() - own
}

/// L-BFGS with halved steps; J. Nocedal, S. Wright, "Numerical Optimization" (2nd edition), algorithm 7.4.
fn minimize(problem: &Problem<'_>, start: Vec<f64>) -> Result<Vec<f64>> {
    let mut weights = start;
    let (mut value, mut gradient) = problem.value_and_gradient(&weights)?;
    let mut past: Vec<(Vec<f64>, Vec<f64>, f64)> = Vec::new();
    for _ in 0..MOST_STEPS {
        let steepest = gradient.iter().fold(0.0, |most: f64, g| most.max(g.abs()));
        if steepest <= TOLERANCE {
            break;
        }
        let direction = direction(&gradient, &past);
        let slope = dot(&gradient, &direction);
        let mut step = match past.is_empty() {
            true => 1.0 / dot(&gradient, &gradient).sqrt().max(1.0),
            false => 1.0,
        };
        let mut next = None;
        for _ in 0..30 {
            let there: Vec<f64> = weights
                .iter()
                .zip(&direction)
                .map(|(w, d)| w + step * d)
                .collect();
            let (there_value, there_gradient) = problem.value_and_gradient(&there)?;
            if there_value <= value + 1e-4 * step * slope {
                next = Some((there, there_value, there_gradient));
                break;
            }
            step /= 2.0;
        }
        // What is left is smaller than rounding.
        let Some((there, there_value, there_gradient)) = next else {
            break;
        };
        let moved: Vec<f64> = there.iter().zip(&weights).map(|(a, b)| a - b).collect();
        let turned: Vec<f64> = there_gradient
            .iter()
            .zip(&gradient)
            .map(|(a, b)| a - b)
            .collect();
        let curvature = dot(&moved, &turned);
        if curvature > 1e-12 * dot(&turned, &turned) {
            past.push((moved, turned, 1.0 / curvature));
        }
        if past.len() > MEMORY {
            past.remove(0);
        }
        (weights, value, gradient) = (there, there_value, there_gradient);
    }
    Ok(weights)
}

/// Minus the gradient, bent by what the last steps say of the curvature.
fn direction(gradient: &[f64], past: &[(Vec<f64>, Vec<f64>, f64)]) -> Vec<f64> {
    let mut q: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut shares = Vec::with_capacity(past.len());
    for (moved, turned, inverse) in past.iter().rev() {
        let share = inverse * dot(moved, &q);
        q.iter_mut().zip(turned).for_each(|(q, y)| *q -= share * y);
        shares.push(share);
    }
    if let Some((_, turned, inverse)) = past.last() {
        let scale = 1.0 / (inverse * dot(turned, turned));
        q.iter_mut().for_each(|q| *q *= scale);
    }
    for ((moved, turned, inverse), share) in past.iter().zip(shares.into_iter().rev()) {
        let back = inverse * dot(turned, &q);
        q.iter_mut()
            .zip(moved)
            .for_each(|(q, s)| *q += (share - back) * s);
    }
    q
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
