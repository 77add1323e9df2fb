//! Losses from the logits, by Keras's definitions.

use candle_core::{Device, Result, Tensor};

use crate::ops;
use crate::spec::{Loss, Training};

/// A loss with its options, for a number of classes.
#[derive(Clone, Copy, Debug)]
pub struct Criterion {
    loss: Loss,
    smoothing: f64,
    classes: usize,
}

impl Criterion {
    /// The loss a spec asks for.
    pub fn new(training: &Training, classes: usize) -> Self {
        Criterion {
            loss: training.loss,
            smoothing: training.label_smoothing,
            classes,
        }
    }

    /// The loss of each sample, `[batch]`, for logits `[batch, classes]`.
    ///
    /// # Errors
    /// Logits of another shape.
    pub fn each(&self, logits: &Tensor, labels: &[u32]) -> Result<Tensor> {
        let targets = self.targets(labels, logits.device())?;
        match self.loss {
            Loss::CategoricalCrossentropy => ops::softmax_cross_entropy(logits, &targets),
            Loss::BinaryCrossentropy => ops::sigmoid_cross_entropy(logits, &targets),
        }
    }

    /// One-hot rows; smoothed towards the uniform distribution (categorical) or towards one half
    /// (binary), as Keras.
    fn targets(&self, labels: &[u32], device: &Device) -> Result<Tensor> {
        let share = match self.loss {
            Loss::CategoricalCrossentropy => 1.0 / self.classes as f64,
            Loss::BinaryCrossentropy => 0.5,
        };
        let off = (self.smoothing * share) as f32;
        let on = (1.0 - self.smoothing + self.smoothing * share) as f32;
        let mut targets = vec![off; labels.len() * self.classes];
        for (row, &label) in targets.chunks_exact_mut(self.classes.max(1)).zip(labels) {
            if let Some(target) = row.get_mut(label as usize) {
                *target = on;
            }
        }
        Tensor::from_vec(targets, (labels.len(), self.classes), device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loss(loss: Loss, label_smoothing: f64) -> Vec<f32> {
        let training = Training {
            loss,
            label_smoothing,
            ..Training::default()
        };
        let logits = Tensor::new(&[[1f32, 2., -1.], [0.5, 0.5, 3.]], &Device::Cpu).unwrap();
        Criterion::new(&training, 3)
            .each(&logits, &[1, 0])
            .unwrap()
            .to_vec1()
            .unwrap()
    }

    /// keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=s, reduction=None) and
    /// BinaryCrossentropy of the same, on [[1, 2, -1], [0.5, 0.5, 3]] with classes 1 and 0 (Keras 3.15.1).
    #[test]
    fn losses_and_label_smoothing_are_those_of_keras() {
        let cases = [
            (
                Loss::CategoricalCrossentropy,
                0.0,
                [0.349_012_17, 2.652_008_5],
            ),
            (
                Loss::CategoricalCrossentropy,
                0.1,
                [0.482_345_52, 2.568_675_3],
            ),
            (Loss::BinaryCrossentropy, 0.0, [0.584_483_8, 1.498_913_8]),
            (Loss::BinaryCrossentropy, 0.1, [0.617_817_1, 1.448_913_7]),
        ];
        for (kind, smoothing, expected) in cases {
            for (found, expected) in loss(kind, smoothing).into_iter().zip(expected) {
                assert!(
                    (found - expected).abs() < 2e-6,
                    "{kind} {smoothing}: {found} {expected}"
                );
            }
        }
    }
}
