//! Multinomial logistic regression with a squared penalty, as scikit-learn's `LogisticRegression`; its strength by the
//! validation images.

use candle_core::Result;

use super::matrix::Matrix;
use super::method::{Fitted, Part, Parts, Probe, Rotated, accuracy, largest};
use super::softmax::Images;
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
        let images = images(parts)?;
        for inverse in INVERSE_PENALTIES {
            let problem = Problem::new(parts, &images, inverse)?;
            weights = minimize(&problem, weights, WHILE_CHOOSING);
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
                problem.turned_back(&minimize(&problem, rough, TOLERANCE))?
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
    let images = images(parts)?;
    let problem = Problem::new(parts, &images, inverse)?;
    problem.turned_back(&minimize(&problem, start, TOLERANCE))
}

fn classes_of(part: &Part, weights: &[f64], classes: usize) -> Result<Vec<u32>> {
    let features = &part.features;
    if features.rows == 0 {
        return Ok(Vec::new());
    }
    let (slopes, biases) = weights.split_at(features.columns * classes);
    let slopes = Matrix::new(features.columns, classes, slopes.to_vec());
    let mut logits = features.times(&slopes.rounded())?;
    for row in logits.values.chunks_mut(classes.max(1)) {
        let pairs = row.iter_mut().zip(biases);
        pairs.for_each(|(logit, bias)| *logit += *bias as f32);
    }
    Ok(largest(&logits))
}

/// The training images, with their features turned where they can be.
fn images(parts: &Parts) -> Result<Images<'_>> {
    let Part { features, labels } = &parts.training;
    let rotated = parts.rotated()?;
    let features = rotated.map_or(features, |rotated| &rotated.features);
    Ok(Images::new(features, labels, parts.classes))
}

/// What is made small: the mean cross-entropy, and half the sum of squared slopes times `penalty`. Where the features are
/// turned, so are the weights; neither the losses nor the squares change.
struct Problem<'a> {
    images: &'a Images<'a>,
    /// How many.
    count: f64,
    features: usize,
    classes: usize,
    penalty: f64,
    /// The basis, and what bounds the curvature in it.
    turned: Option<(&'a Tridiagonal, Factors)>,
}

impl<'a> Problem<'a> {
    /// Of the training images, with one over the penalty as scikit-learn counts it, over the sum of the losses.
    fn new(parts: &'a Parts, images: &'a Images<'a>, inverse: f64) -> Result<Self> {
        let count = parts.training.labels.len().max(1) as f64;
        let penalty = 1.0 / (inverse * count);
        let bound = |rotated: &'a Rotated| {
            let factors = rotated.parts.shifted(2.0 * count * penalty);
            (&rotated.parts, factors)
        };
        Ok(Problem {
            images,
            count,
            features: parts.training.features.columns,
            classes: parts.classes,
            penalty,
            turned: parts.rotated()?.map(bound),
        })
    }

    /// Weights for features as they are.
    fn turned_back(&self, weights: &[f64]) -> Result<Vec<f64>> {
        let Some((parts, _)) = &self.turned else {
            return Ok(weights.to_vec());
        };
        let (slopes, biases) = weights.split_at(self.features * self.classes);
        let slopes = Matrix::new(self.features, self.classes, slopes.to_vec());
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
        let mut slopes = vector;
        let biases = slopes.split_off(self.features * self.classes);
        let slopes = Matrix::new(self.features, self.classes, slopes);
        let mut solved = factors.solve(slopes).values;
        solved
            .iter_mut()
            .for_each(|value| *value *= 2.0 * self.count);
        solved.extend(biases.iter().map(|bias| 2.0 * bias));
        solved
    }

    fn value_and_gradient(&self, weights: &[f64]) -> (f64, Vec<f64>) {
        let (losses, mut gradient) = self.images.losses(weights);
        gradient.iter_mut().for_each(|sum| *sum /= self.count);
        let slopes = &weights[..self.features * self.classes];
        let pairs = gradient.iter_mut().zip(slopes);
        pairs.for_each(|(g, w)| *g += self.penalty * w);
        let squares: f64 = slopes.iter().map(|w| w * w).sum();
        (losses / self.count + 0.5 * self.penalty * squares, gradient)
    }
}

/// L-BFGS with halved steps; J. Nocedal, S. Wright, "Numerical Optimization" (2nd edition), algorithm 7.4.
fn minimize(problem: &Problem<'_>, start: Vec<f64>, tolerance: f64) -> Vec<f64> {
    let mut weights = start;
    let (mut value, mut gradient) = problem.value_and_gradient(&weights);
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
            let (there_value, there_gradient) = problem.value_and_gradient(&there);
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
    weights
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
