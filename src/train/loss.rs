//! Losses from the logits, by Keras's definitions.

use candle_core::{Device, Result, Tensor, bail};

use super::class_weights::ClassFactors;
use crate::data::Mix;
use crate::label_sets::LabelSets;
use crate::ops;
use crate::spec::{Loss, Training};

/// A loss with its options, for a number of classes.
#[derive(Clone, Copy, Debug)]
pub struct Criterion<'a> {
    loss: Loss,
    smoothing: f64,
    classes: usize,
    sets: Option<&'a LabelSets>,
}

impl<'a> Criterion<'a> {
    /// The loss a spec asks for; with the classes of each label, where samples have several.
    pub fn new(training: &Training, classes: usize, sets: Option<&'a LabelSets>) -> Self {
        Criterion {
            loss: training.loss,
            smoothing: training.label_smoothing,
            classes,
            sets,
        }
    }

    /// The loss of each sample, `[batch]`, for logits `[batch, classes]`.
    ///
    /// # Errors
    /// Logits of another shape.
    pub fn each(&self, logits: &Tensor, labels: &[u32]) -> Result<Tensor> {
        self.each_of(logits, &self.targets(labels, logits.device())?)
    }

    fn each_of(&self, logits: &Tensor, targets: &Tensor) -> Result<Tensor> {
        match self.loss {
            Loss::CategoricalCrossentropy => ops::softmax_cross_entropy(logits, targets),
            Loss::BinaryCrossentropy => ops::sigmoid_cross_entropy(logits, targets),
        }
    }

    /// The mean over a batch of each sample's loss times its class's weight, as Keras's `class_weight`: the divisor is the
    /// number of samples, not the sum of their weights. Of samples with several labels the mean over samples and classes,
    /// each class's part of the loss times the class's weight, as the `weight` of PyTorch's `binary_cross_entropy`.
    ///
    /// # Errors
    /// Logits of another shape.
    pub fn mean(
        &self,
        logits: &Tensor,
        labels: &[u32],
        class_weights: Option<&ClassFactors>,
    ) -> Result<Tensor> {
        let wanted = self.wanted(labels, class_weights, logits.device())?;
        self.mean_of(logits, &wanted)
    }

    /// The mean loss of a batch. Of mixed images it is that of the mixed targets, in which every loss is linear; each of the
    /// two labels of an image has its own class's weight.
    ///
    /// # Errors
    /// Logits of another shape.
    pub fn mean_of_mixed(
        &self,
        logits: &Tensor,
        labels: &[u32],
        class_weights: Option<&ClassFactors>,
        mix: Option<Mix>,
    ) -> Result<Tensor> {
        let mean = |labels: &[u32]| self.mean(logits, labels, class_weights);
        let Some(mix) = mix else {
            return mean(labels);
        };
        let (own, others) = (mean(labels)?, mean(&Mix::others(labels))?);
        ops::blend(&own, &others, f64::from(mix.share))
    }

    /// What [`Self::mean_of`] compares logits with: the targets `[batch, classes]`, and the samples' weights `[batch]` where
    /// classes have any; with several labels those of the targets, `[batch × classes]`.
    ///
    /// # Errors
    /// What the device reports.
    pub fn wanted(
        &self,
        labels: &[u32],
        class_weights: Option<&ClassFactors>,
        device: &Device,
    ) -> Result<Vec<Tensor>> {
        let mut wanted = vec![self.targets(labels, device)?];
        if let Some(factors) = class_weights {
            let weights: Vec<f32> = match self.sets {
                Some(sets) => labels
                    .iter()
                    .flat_map(|label| {
                        (0..self.classes).map(|c| factors.of_decision(c, sets.has(*label, c)))
                    })
                    .collect(),
                None => labels.iter().map(|label| factors.of(*label)).collect(),
            };
            let count = weights.len();
            wanted.push(Tensor::from_vec(weights, count, device)?);
        }
        Ok(wanted)
    }

    /// As [`Self::mean`], of what [`Self::wanted`] gave for the labels.
    ///
    /// # Errors
    /// Logits of another shape.
    pub fn mean_of(&self, logits: &Tensor, wanted: &[Tensor]) -> Result<Tensor> {
        match wanted {
            [targets, weights] if self.sets.is_some() => {
                let decisions = [targets.elem_count(), 1];
                let logits = ops::reshape(logits, &decisions)?;
                let each = self.each_of(&logits, &targets.reshape(&decisions)?)?;
                ops::weighted_mean(&each, Some(weights))
            }
            [targets, rest @ ..] => {
                ops::weighted_mean(&self.each_of(logits, targets)?, rest.first())
            }
            [] => bail!("a loss without targets"),
        }
    }

    /// One-hot rows, or with several labels as many ones; smoothed towards the uniform distribution (categorical) or towards one half
    /// (binary), as Keras.
    fn targets(&self, labels: &[u32], device: &Device) -> Result<Tensor> {
        let share = match self.loss {
            Loss::CategoricalCrossentropy => 1.0 / self.classes as f64,
            Loss::BinaryCrossentropy => 0.5,
        };
        let off = (self.smoothing * share) as f32;
        let on = (1.0 - self.smoothing + self.smoothing * share) as f32;
        let mut targets = vec![off; labels.len() * self.classes];
        for (row, label) in targets.chunks_exact_mut(self.classes.max(1)).zip(labels) {
            let classes = match self.sets {
                Some(sets) => sets.classes(*label),
                None => std::slice::from_ref(label),
            };
            for class in classes {
                if let Some(target) = row.get_mut(*class as usize) {
                    *target = on;
                }
            }
        }
        Tensor::from_vec(targets, (labels.len(), self.classes), device)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Var;

    use super::*;
    use crate::spec::Augmentation;

    fn loss(loss: Loss, label_smoothing: f64) -> Vec<f32> {
        let training = Training {
            loss,
            label_smoothing,
            ..Training::default()
        };
        let logits = Tensor::new(&[[1f32, 2., -1.], [0.5, 0.5, 3.]], &Device::Cpu).unwrap();
        Criterion::new(&training, 3, None)
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

    /// ```python
    /// z = torch.tensor([[1., 2., -1.], [0.5, 0.5, 3.], [0., 1., 0.]], requires_grad=True)
    /// y, w = torch.tensor([1, 0, 1]), torch.tensor([4., 0.5, 1.])
    /// (w[y] * F.cross_entropy(z, y, reduction="none")).mean().backward()
    /// (w[y] * F.binary_cross_entropy_with_logits(z, F.one_hot(y, 3).float(), reduction="none").mean(1)).mean().backward()
    /// ```
    #[test]
    fn weighted_losses_and_their_gradients_are_those_of_pytorch() {
        let cases = [
            (
                Loss::CategoricalCrossentropy,
                3.686_087_6,
                [
                    0.043_249_413,
                    -0.049_102_575,
                    0.005_853_172,
                    -1.239_320_8,
                    0.094_012_6,
                    1.145_308_1,
                    0.035_323_597,
                    -0.070_647_18,
                    0.035_323_597,
                ],
            ),
            (
                Loss::BinaryCrossentropy,
                2.190_385_6,
                [
                    0.040_614_367,
                    -0.006_622_388,
                    0.014_941_19,
                    -0.167_795_85,
                    0.276_648_6,
                    0.423_366_28,
                    0.027_777_778,
                    -0.014_941_189,
                    0.027_777_778,
                ],
            ),
        ];
        for (loss, expected, gradient) in cases {
            let training = Training {
                loss,
                ..Training::default()
            };
            let rows = [[1f32, 2., -1.], [0.5, 0.5, 3.], [0., 1., 0.]];
            let logits = Var::new(&rows, &Device::Cpu).unwrap();
            let criterion = Criterion::new(&training, 3, None);
            let factors = ClassFactors::of_classes(vec![4.0, 0.5, 1.0]);
            let _recording = ops::Recording::start();
            let mean = criterion.mean(&logits, &[1, 0, 1], Some(&factors)).unwrap();
            let found = mean.to_scalar::<f32>().unwrap();
            assert!((found - expected).abs() < 1e-6, "{loss}: {found}");
            let gradients = ops::backward(&mean).unwrap();
            let found = gradients.get(&logits).unwrap().flatten_all().unwrap();
            for (found, expected) in found.to_vec1::<f32>().unwrap().iter().zip(gradient) {
                assert!(
                    (found - expected).abs() < 1e-6,
                    "{loss}: {found} {expected}"
                );
            }
        }
    }

    /// ```python
    /// z = torch.tensor([[1., 2., -1.], [0.5, 0.5, 3.], [0., 1., 0.]])
    /// y, w = torch.tensor([1, 0, 1]), torch.tensor([4., 0.5, 1.])
    /// part = lambda y: (w[y] * F.cross_entropy(z, y, reduction="none")).mean()
    /// 0.75 * part(y) + 0.25 * part(y.roll(1))
    /// ```
    #[test]
    fn each_of_two_mixed_labels_has_its_own_classs_weight() {
        let spec = Augmentation {
            mixup: 1.0,
            ..Augmentation::default()
        };
        let mut mix = Mix::draw(&spec, 0, (1, 1), 2.into()).unwrap();
        mix.share = 0.75;
        let rows = [[1f32, 2., -1.], [0.5, 0.5, 3.], [0., 1., 0.]];
        let logits = Tensor::new(&rows, &Device::Cpu).unwrap();
        let training = Training::default();
        let factors = ClassFactors::of_classes(vec![4.0, 0.5, 1.0]);
        let mean = Criterion::new(&training, 3, None)
            .mean_of_mixed(&logits, &[1, 0, 1], Some(&factors), Some(mix))
            .unwrap();
        let found = mean.to_scalar::<f32>().unwrap();
        assert!((found - 3.406_756_3).abs() < 1e-6, "{found}");
    }

    /// ```python
    /// z = torch.tensor([[1., 2., -1.], [0.5, 0.5, 3.], [0., 1., 0.]], requires_grad=True)
    /// t = torch.tensor([[1., 0, 1], [0, 0, 0], [0, 1, 0]])
    /// w = torch.where(t > 0, torch.tensor([4., 0.5, 1.]), torch.tensor([1., 2., 0.25]))
    /// F.binary_cross_entropy_with_logits(z, t), F.binary_cross_entropy_with_logits(z, t, w)     # .backward()
    /// ```
    #[test]
    fn losses_of_several_labels_and_their_gradients_are_those_of_pytorch() {
        let (labels, sets) = LabelSets::of([vec![0, 2], vec![], vec![1]]);
        let training = Training {
            loss: Loss::BinaryCrossentropy,
            ..Training::default()
        };
        let criterion = Criterion::new(&training, 3, Some(&sets));
        let factors = ClassFactors {
            present: vec![4.0, 0.5, 1.0],
            absent: vec![1.0, 2.0, 0.25],
        };
        for (weights, expected, gradient) in [
            (None, PLAIN.0, PLAIN.1),
            (Some(&factors), WEIGHTED.0, WEIGHTED.1),
        ] {
            let rows = [[1f32, 2., -1.], [0.5, 0.5, 3.], [0., 1., 0.]];
            let logits = Var::new(&rows, &Device::Cpu).unwrap();
            let _recording = ops::Recording::start();
            let mean = criterion.mean(&logits, &labels, weights).unwrap();
            let found = mean.to_scalar::<f32>().unwrap();
            assert!((found - expected).abs() < 1e-6, "{found}");
            let gradients = ops::backward(&mean).unwrap();
            let found = gradients.get(&logits).unwrap().flatten_all().unwrap();
            for (found, expected) in found.to_vec1::<f32>().unwrap().iter().zip(gradient) {
                assert!((found - expected).abs() < 1e-6, "{found} {expected}");
            }
        }
    }

    const PLAIN: (f32, [f32; 9]) = (
        1.161_083_2,
        [
            -0.029_882_38,
            0.097_866_34,
            -0.081_228_73,
            0.069_162_145,
            0.069_162_145,
            0.105_841_57,
            0.055_555_556,
            -0.029_882_38,
            0.055_555_556,
        ],
    );
    const WEIGHTED: (f32, [f32; 9]) = (
        1.280_845_3,
        [
            -0.119_529_52,
            0.195_732_68,
            -0.081_228_73,
            0.069_162_145,
            0.138_324_29,
            0.026_460_392,
            0.055_555_556,
            -0.014_941_19,
            0.013_888_889,
        ],
    );
}
