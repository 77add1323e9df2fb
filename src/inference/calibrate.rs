//! Probabilities made honest: logits divided by a temperature that is fitted on validation images.
//!
//! C. Guo, G. Pleiss, Y. Sun, K. Weinberger, "On calibration of modern neural networks" (2017).

use serde::Serialize;

use super::evaluate::{EvaluatedPart, Evaluation, Kept, measure};
use super::{Error, Model};
use crate::metric::{Bin, Calibration};
use crate::progress::Progress;
use crate::spec::Activation;
use crate::train::probabilities;

/// Temperatures that are looked at, by their logarithm.
const RANGE: (f64, f64) = (-3.0, 3.0);
/// The golden section's steps: the last interval is 1e-9 of the first.
const STEPS: usize = 45;

/// What a temperature does to a model's probabilities.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calibrated {
    /// The probabilities are those of the logits over this.
    pub temperature: f64,
    /// It was fitted on so many.
    pub validation_images: usize,
    /// On the images that were evaluated, as it is and with the temperature.
    pub before: Reliability,
    pub after: Reliability,
}

/// How far probabilities can be relied on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reliability {
    /// Mean cross-entropy.
    pub loss: f64,
    /// As the metric of this name, in [0, 1].
    pub calibration_error: f64,
    /// Images by the probability of what was predicted, from 0 to 1, all as wide; those without images are left out.
    pub bins: Vec<ReliabilityBin>,
}

/// Images whose prediction had about the same probability.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReliabilityBin {
    /// The ends of the probabilities.
    pub from: f64,
    pub to: f64,
    pub images: usize,
    /// Mean probability of the prediction.
    pub confidence: f64,
    /// Share that was right.
    pub accuracy: f64,
}

/// Evaluates a model on a part of its dataset, and with the temperature that suits its validation images best.
///
/// # Errors
/// As of [`super::evaluate()`]; no validation images; a model that gives no softmax.
pub fn calibrate(
    model: &Model,
    part: EvaluatedPart,
    progress: &dyn Progress,
) -> Result<(Evaluation, Calibrated), Error> {
    if model.network.blueprint.output != Activation::Softmax {
        return Err(Error::NoSoftmax);
    }
    let mut held_out = Kept::default();
    let validation = EvaluatedPart::Validation;
    measure(model, validation, progress, Some(&mut held_out)).map_err(|error| match error {
        Error::NoImages { .. } => Error::NoValidation,
        error => error,
    })?;
    let mut images = Kept::default();
    let found = measure(model, part, progress, Some(&mut images))?;
    let temperature = fitted(&held_out);
    let calibrated = Calibrated {
        temperature,
        validation_images: held_out.labels.len(),
        before: Reliability::of(&images, 1.0),
        after: Reliability::of(&images, temperature),
    };
    Ok((found, calibrated))
}

/// The temperature with the least mean cross-entropy: it has one minimum, as the loss is convex in its inverse.
fn fitted(kept: &Kept) -> f64 {
    let ratio = (5f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = RANGE;
    let loss = |at: f64| mean_loss(kept, at.exp());
    let mut inner = [high - ratio * (high - low), low + ratio * (high - low)];
    let mut losses = inner.map(loss);
    for _ in 0..STEPS {
        if losses[0] < losses[1] {
            high = inner[1];
            inner = [high - ratio * (high - low), inner[0]];
            losses = [loss(inner[0]), losses[0]];
        } else {
            low = inner[0];
            inner = [inner[1], low + ratio * (high - low)];
            losses = [losses[1], loss(inner[1])];
        }
    }
    f64::midpoint(low, high).exp()
}

fn mean_loss(kept: &Kept, temperature: f64) -> f64 {
    let loss = |(row, label): (&Vec<f32>, &u32)| {
        let scaled = |x: &f32| f64::from(*x) / temperature;
        let most = row.iter().map(scaled).fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = row.iter().map(|x| (scaled(x) - most).exp()).sum();
        let own = row.get(*label as usize).map_or(f64::NEG_INFINITY, scaled);
        sum.ln() + most - own
    };
    let losses = kept.logits.iter().zip(&kept.labels).map(loss);
    losses.sum::<f64>() / kept.labels.len().max(1) as f64
}

impl Reliability {
    fn of(kept: &Kept, temperature: f64) -> Self {
        let mut calibration = Calibration::default();
        for (row, label) in kept.logits.iter().zip(&kept.labels) {
            let row: Vec<f32> = row
                .iter()
                .map(|x| (f64::from(*x) / temperature) as f32)
                .collect();
            let all = probabilities(&row, Activation::Softmax);
            let best = all.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
            if let Some((class, probability)) = best {
                calibration.add(*probability, class as u32 == *label);
            }
        }
        let bins = calibration.bins();
        let width = 1.0 / bins.len() as f64;
        let bin = |(i, bin): (usize, &Bin)| ReliabilityBin {
            from: i as f64 * width,
            to: (i + 1) as f64 * width,
            images: bin.samples,
            confidence: bin.confidence / bin.samples as f64,
            accuracy: bin.hits as f64 / bin.samples as f64,
        };
        let with_images = bins.iter().enumerate().filter(|(_, bin)| bin.samples > 0);
        Reliability {
            loss: mean_loss(kept, temperature),
            calibration_error: calibration.error(),
            bins: with_images.map(bin).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ```python
    /// z = np.array([[4, 0, 0], [3, 1, 0], [0, 5, 1], [2, 0, 3], [0, 1, 4]]); y = [0, 1, 1, 2, 2]
    /// nll = lambda t: -np.mean(log_softmax(z / np.exp(t), axis=1)[range(5), y])
    /// np.exp(minimize_scalar(nll, bounds=(-3, 3), method="bounded", options={"xatol": 1e-12}).x), nll(0)
    /// ```
    const SCIPY: (f64, f64) = (1.2764290581159197, 0.5290926659937835);

    #[test]
    fn the_temperature_is_that_of_scipy() {
        let rows = [
            [4.0, 0.0, 0.0],
            [3.0, 1.0, 0.0],
            [0.0, 5.0, 1.0],
            [2.0, 0.0, 3.0],
            [0.0, 1.0, 4.0],
        ];
        let kept = Kept {
            logits: rows.map(|row: [f32; 3]| row.to_vec()).into(),
            labels: vec![0, 1, 1, 2, 2],
        };
        let (temperature, loss) = (fitted(&kept), mean_loss(&kept, 1.0));
        assert!((temperature - SCIPY.0).abs() < 1e-6, "{temperature}");
        assert!((loss - SCIPY.1).abs() < 1e-12, "{loss}");
        let reliability = Reliability::of(&kept, temperature);
        assert_eq!(
            reliability.bins.iter().map(|bin| bin.images).sum::<usize>(),
            5
        );
    }
}
