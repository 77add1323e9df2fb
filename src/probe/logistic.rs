//! Multinomial logistic regression with a squared penalty, as scikit-learn's `LogisticRegression`; its strength by the
//! validation images.

use candle_core::{Result, Tensor};
use rayon::prelude::*;

use super::matrix::Matrix;
use super::method::{Fitted, Part, Parts, Probe, Rotated, accuracy, largest};
use super::tridiagonal::{Factors, Tridiagonal};

/// One over the penalty, as scikit-learn counts, from strong to weak.
const INVERSE_PENALTIES: [f64; 5] = [1e-4, 1e-3, 1e-2, 1e-1, 1.0];
/// So many weaker penalties without a gain end the choice, once there was one.
const WITHOUT_GAIN: usize = 1;
/// The largest entry of the mean loss's gradient at the end, scikit-learn's `tol`.
const TOLERANCE: f64 = 1e-4;
/// As [`TOLERANCE`], while the strength is being chosen.
const WHILE_CHOOSING: f64 = 1e-3;
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
        let classes_of = |part, weights: &[f64]| classes_of(part, weights, parts.classes);
        let mut best: Option<(f64, Problem<'_>, Vec<f64>)> = None;
        let (mut has_gained, mut without_gain) = (false, 0);
        for inverse in INVERSE_PENALTIES {
            let problem = Problem::new(parts, inverse)?;
            weights = minimize(&problem, weights, WHILE_CHOOSING)?;
            let found = classes_of(&parts.validation, &problem.turned_back(&weights)?)?;
            let share = accuracy(&found, &parts.validation.labels).unwrap_or(0.0);
            if best.as_ref().is_none_or(|(best, ..)| share > *best) {
                has_gained = best.is_some();
                best = Some((share, problem, weights.clone()));
                without_gain = 0;
            } else {
                without_gain += 1;
            }
            // Before the first gain all may be so strong that every image gets the same class.
            if has_gained && without_gain >= WITHOUT_GAIN {
                break;
            }
        }
        let weights = match best {
            Some((_, problem, rough)) => {
                problem.turned_back(&minimize(&problem, rough, TOLERANCE)?)?
            }
            None => weights,
        };
        Ok(Fitted {
            validation: classes_of(&parts.validation, &weights)?,
            test: classes_of(&parts.test, &weights)?,
        })
    }
}

/// The weights and, in the last row, the biases for a single strength.
#[cfg(test)]
pub(super) fn fitted(parts: &Parts, inverse: f64) -> Result<Vec<f64>> {
    let start = vec![0.0; (parts.training.features.columns + 1) * parts.classes];
    let problem = Problem::new(parts, inverse)?;
    problem.turned_back(&minimize(&problem, start, TOLERANCE)?)
}

fn classes_of(part: &Part, weights: &[f64], classes: usize) -> Result<Vec<u32>> {
    match part.labels.is_empty() {
        true => Ok(Vec::new()),
        false => {
            let table = part.features.tensor()?;
            Ok(largest(&logits(&table, weights, classes)?))
        }
    }
}

/// The features times the weights, with the biases, which stand in the last row.
fn logits(table: &Tensor, weights: &[f64], classes: usize) -> Result<Matrix<f32>> {
    let features = table.dim(1)?;
    let of_features = features * classes;
    let slopes = weights[..of_features].iter().map(|w| *w as f32).collect();
    let slopes = Matrix::new(features, classes, slopes);
    let mut logits = Matrix::of(&table.matmul(&slopes.tensor()?)?)?;
    for row in logits.values.chunks_mut(classes.max(1)) {
        let biases = &weights[of_features..];
        row.iter_mut()
            .zip(biases)
            .for_each(|(logit, bias)| *logit += *bias as f32);
    }
    Ok(logits)
}

/// What is made small: the mean cross-entropy, and half the sum of squared slopes times `penalty`. Where the features are
/// turned, so are the weights; neither the losses nor the squares change.
struct Problem<'a> {
    features: &'a Matrix<f32>,
    /// The same, copied once.
    table: Tensor,
    labels: &'a [u32],
    classes: usize,
    penalty: f64,
    /// The basis, and what bounds the curvature in it.
    turned: Option<(&'a Tridiagonal, Factors)>,
}

impl<'a> Problem<'a> {
    /// Of the training images, with one over the penalty as scikit-learn counts it, over the sum of the losses.
    fn new(parts: &'a Parts, inverse: f64) -> Result<Self> {
        let images = parts.training.labels.len().max(1) as f64;
        let rotated = parts.rotated()?;
        let penalty = 1.0 / (inverse * images);
        let bound = |rotated: &'a Rotated| {
            let factors = rotated.parts.shifted(2.0 * images * penalty);
            (&rotated.parts, factors)
        };
        let features = rotated.map_or(&parts.training.features, |rotated| &rotated.features);
        Ok(Problem {
            features,
            table: features.tensor()?,
            labels: &parts.training.labels,
            classes: parts.classes,
            penalty,
            turned: rotated.map(bound),
        })
    }

    /// Weights for features as they are.
    fn turned_back(&self, weights: &[f64]) -> Result<Vec<f64>> {
        let Some((parts, _)) = &self.turned else {
            return Ok(weights.to_vec());
        };
        let (slopes, biases) = weights.split_at(self.features.columns * self.classes);
        let slopes = Matrix::new(self.features.columns, self.classes, slopes.to_vec());
        let mut back = parts.q.times(&slopes)?.values;
        back.extend(biases);
        Ok(back)
    }

    /// A vector by the inverse of what bounds the curvature: `½ XᵀX / images + penalty` for the slopes of each class; D.
    /// Böhning, "Multinomial logistic regression algorithm", Annals of the Institute of Statistical Mathematics 44 (1992).
    fn straightened(&self, vector: Vec<f64>) -> Vec<f64> {
        let Some((_, factors)) = &self.turned else {
            return vector;
        };
        let images = self.labels.len().max(1) as f64;
        let mut slopes = vector;
        let biases = slopes.split_off(self.features.columns * self.classes);
        let slopes = Matrix::new(self.features.columns, self.classes, slopes);
        let mut solved = factors.solve(slopes).values;
        solved.iter_mut().for_each(|value| *value *= 2.0 * images);
        solved.extend(biases.iter().map(|bias| 2.0 * bias));
        solved
    }

    fn value_and_gradient(&self, weights: &[f64]) -> Result<(f64, Vec<f64>)> {
        let (classes, images) = (self.classes, self.labels.len().max(1) as f64);
        let mut errors = logits(&self.table, weights, classes)?;
        let losses: Vec<f64> = errors
            .values
            .par_chunks_mut(classes.max(1))
            .zip(self.labels)
            .map(|(row, label)| error_of(row, *label as usize))
            .collect();
        let of_features = self.features.columns * classes;
        let slopes = &weights[..of_features];
        let squares: f64 = slopes.iter().map(|w| w * w).sum();
        let value = losses.iter().sum::<f64>() / images + 0.5 * self.penalty * squares;
        let sums = Matrix::<f32>::of(&self.table.t()?.matmul(&errors.tensor()?)?)?;
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
fn minimize(problem: &Problem<'_>, start: Vec<f64>, tolerance: f64) -> Result<Vec<f64>> {
    let mut weights = start;
    let (mut value, mut gradient) = problem.value_and_gradient(&weights)?;
    let mut past: Vec<Step> = Vec::new();
    for _ in 0..MOST_STEPS {
        let steepest = gradient.iter().fold(0.0, |most: f64, g| most.max(g.abs()));
        if steepest <= tolerance {
            break;
        }
        let direction = direction(problem, &gradient, &past);
        let slope = dot(&gradient, &direction);
        let mut step = match past.is_empty() && problem.turned.is_none() {
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
            past.push(Step {
                moved,
                turned,
                inverse: 1.0 / curvature,
            });
        }
        if past.len() > MEMORY {
            past.remove(0);
        }
        (weights, value, gradient) = (there, there_value, there_gradient);
    }
    Ok(weights)
}

/// A step that was taken.
struct Step {
    moved: Vec<f64>,
    /// How the gradient changed.
    turned: Vec<f64>,
    /// One over the product of the two.
    inverse: f64,
}

/// Minus the gradient, bent by the bound of the curvature and by what the last steps say of it.
fn direction(problem: &Problem<'_>, gradient: &[f64], past: &[Step]) -> Vec<f64> {
    let mut q: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut shares = Vec::with_capacity(past.len());
    for step in past.iter().rev() {
        let share = step.inverse * dot(&step.moved, &q);
        q.iter_mut()
            .zip(&step.turned)
            .for_each(|(q, y)| *q -= share * y);
        shares.push(share);
    }
    q = problem.straightened(q);
    if let Some(Step {
        turned, inverse, ..
    }) = past.last()
    {
        let straightened = problem.straightened(turned.clone());
        let scale = 1.0 / (inverse * dot(turned, &straightened));
        q.iter_mut().for_each(|q| *q *= scale);
    }
    for (step, share) in past.iter().zip(shares.into_iter().rev()) {
        let back = step.inverse * dot(&step.turned, &q);
        q.iter_mut()
            .zip(&step.moved)
            .for_each(|(q, s)| *q += (share - back) * s);
    }
    q
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
