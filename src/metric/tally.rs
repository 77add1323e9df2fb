//! Sums over the samples of a part, from which its metrics are made.

use serde::{Deserialize, Serialize};

use super::{Metric, Metrics, Of};

/// Logits that are not a value per class and sample.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the logits have shape {found:?}; expected [{batch}, {classes}]")]
pub struct WrongLogits {
    pub found: Vec<usize>,
    pub batch: usize,
    pub classes: usize,
}

/// Sums of losses and hits; the order of samples does not matter to hits, losses are summed in order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tally {
    samples: usize,
    loss: f64,
    hits: usize,
    top5_hits: usize,
    /// Hits and samples of each class.
    classes: Vec<(usize, usize)>,
}

impl Tally {
    /// Nothing seen yet.
    pub fn new(classes: usize) -> Self {
        Tally {
            samples: 0,
            loss: 0.0,
            hits: 0,
            top5_hits: 0,
            classes: vec![(0, 0); classes],
        }
    }

    /// Adds a batch: its mean loss, its logits row by row, and its labels.
    ///
    /// # Errors
    /// Logits that are not a value per class and sample.
    pub fn add(
        &mut self,
        mean_loss: f64,
        logits: &[Vec<f32>],
        labels: &[u32],
    ) -> Result<(), WrongLogits> {
        let classes = self.classes.len();
        if logits.len() != labels.len() || logits.iter().any(|row| row.len() != classes) {
            let found = vec![logits.len(), logits.first().map_or(0, Vec::len)];
            return Err(WrongLogits {
                found,
                batch: labels.len(),
                classes,
            });
        }
        self.samples += labels.len();
        self.loss += mean_loss * labels.len() as f64;
        for (row, &label) in logits.iter().zip(labels) {
            let rank = rank(row, label as usize);
            self.hits += usize::from(rank == 0);
            self.top5_hits += usize::from(rank < 5);
            if let Some((hits, samples)) = self.classes.get_mut(label as usize) {
                *hits += usize::from(rank == 0);
                *samples += 1;
            }
        }
        Ok(())
    }

    /// Samples seen.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// The mean loss so far; NaN before the first sample.
    pub fn loss(&self) -> f64 {
        self.loss / self.samples as f64
    }

    /// The share of samples so far whose label has the largest logit; NaN before the first.
    pub fn accuracy(&self) -> f64 {
        self.hits as f64 / self.samples as f64
    }

    /// The share of samples so far whose label is among the five largest logits; NaN before the first.
    pub fn top5_accuracy(&self) -> f64 {
        self.top5_hits as f64 / self.samples as f64
    }

    /// The accuracy of each class so far; NaN for a class without samples.
    pub fn accuracies(&self) -> Vec<f64> {
        let class = |&(hits, samples): &(usize, usize)| hits as f64 / samples as f64;
        self.classes.iter().map(class).collect()
    }

    /// The loss, and what is wanted beside.
    pub fn metrics(&self, wanted: impl IntoIterator<Item = &'static Metric>) -> Metrics {
        let loss = Metrics::of_loss(self.loss());
        wanted
            .into_iter()
            .fold(loss, |metrics, metric| match metric.of {
                Of::All(of) => metrics.with(metric, of(self)),
                Of::EachClass(of) => metrics.with_each(metric, of(self)),
            })
    }
}

/// How many classes come before `label`: those with a larger logit, and, as in an argmax that takes
/// the first of equals, earlier ones with the same. A NaN comes before everything.
fn rank(logits: &[f32], label: usize) -> usize {
    let Some(&own) = logits.get(label) else {
        return logits.len();
    };
    let before = |(i, &other): (usize, &f32)| {
        other > own || other.is_nan() || own.is_nan() || (other == own && i < label)
    };
    logits
        .iter()
        .enumerate()
        .filter(|&(i, other)| i != label && before((i, other)))
        .count()
}

#[cfg(test)]
mod tests {
    use super::super::{ACCURACY, PER_CLASS, TOP5_ACCURACY};
    use super::*;

    #[test]
    fn partial_batches_count_by_their_size() {
        let mut tally = Tally::new(2);
        tally
            .add(1.0, &[vec![0., 1.], vec![0., 1.], vec![1., 0.]], &[1, 1, 1])
            .unwrap();
        tally.add(5.0, &[vec![0., 1.]], &[0]).unwrap();
        let metrics = tally.metrics([&ACCURACY, &PER_CLASS]);
        assert_eq!(metrics.loss, 2.0);
        assert_eq!(metrics.accuracy(), Some(0.5));
        assert_eq!(metrics.each(&PER_CLASS), Some(&[0.0, 2.0 / 3.0][..]));
        assert_eq!(metrics.number(&TOP5_ACCURACY), None);
    }

    #[test]
    fn equal_logits_go_to_the_first_class_and_nan_is_never_a_hit() {
        assert_eq!(rank(&[1., 1., 0.], 0), 0);
        assert_eq!(rank(&[1., 1., 0.], 1), 1);
        assert_eq!(rank(&[f32::NAN, 1.], 1), 1);
        assert_eq!(rank(&[f32::NAN, 1.], 0), 1);
    }

    #[test]
    fn top5_counts_the_five_largest() {
        let mut tally = Tally::new(7);
        let row: Vec<f32> = (0..7).map(|v| v as f32).collect();
        tally.add(0.0, &[row.clone(), row], &[2, 1]).unwrap();
        assert_eq!(tally.top5_accuracy(), 0.5);
    }

    #[test]
    fn logits_of_another_width_are_refused() {
        assert!(matches!(
            Tally::new(3).add(0.0, &[vec![0., 1.]], &[0]),
            Err(WrongLogits { .. })
        ));
    }
}
