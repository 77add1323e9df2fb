//! Every sample's probability of every class, for what depends on their order.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::mean::mean;

/// Probabilities `[samples, classes]` and labels; in a checkpoint they are tensors of their own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ranking {
    #[serde(skip)]
    scores: Vec<f32>,
    #[serde(skip)]
    labels: Vec<u32>,
}

/// The samples with the same probability of a class, and those with it that are of the class.
#[derive(Clone, Copy)]
struct Tied {
    samples: u64,
    positives: u64,
}

impl Ranking {
    /// What so many samples take, in bytes.
    pub fn bytes(samples: usize, classes: usize) -> u64 {
        let of_sample = size_of::<f32>() * classes + size_of::<u32>();
        (samples as u64).saturating_mul(of_sample as u64)
    }

    /// Makes room for so many samples.
    pub(super) fn reserve(&mut self, samples: usize, classes: usize) {
        self.scores.reserve_exact(samples.saturating_mul(classes));
        self.labels.reserve_exact(samples);
    }

    /// The probabilities, sample by sample, and the labels.
    pub fn kept(&self) -> (&[f32], &[u32]) {
        (&self.scores, &self.labels)
    }

    /// Puts back what was kept of so many classes.
    ///
    /// # Errors
    /// What does not fit together.
    pub fn put_back(
        &mut self,
        scores: &[f32],
        labels: Vec<u32>,
        classes: usize,
    ) -> Result<(), String> {
        if labels.len().checked_mul(classes) != Some(scores.len()) {
            return Err(format!(
                "it has {} probabilities of {classes} classes for {} labels",
                scores.len(),
                labels.len()
            ));
        }
        self.scores.clear();
        self.scores.extend_from_slice(scores);
        self.labels = labels;
        Ok(())
    }

    /// Adds a sample.
    pub(super) fn add(&mut self, probabilities: &[f32], label: u32) {
        self.scores.extend_from_slice(probabilities);
        self.labels.push(label);
    }

    /// The mean over the classes of the area under the ROC curve of each against the rest, ties as half; classes without
    /// samples, or with all of them, are left out. NaN where there is no other.
    pub(super) fn auroc(&self) -> f64 {
        self.macro_mean(|tied| {
            // Pairs of a sample of the class with one of the rest, twice: a tie counts one of the two.
            let (mut above, mut negatives_all, mut twice) = (0, 0, 0_u128);
            for tie in tied {
                let negatives = tie.samples - tie.positives;
                twice += u128::from(negatives) * u128::from(2 * above + tie.positives);
                above += tie.positives;
                negatives_all += negatives;
            }
            let pairs = u128::from(above) * u128::from(negatives_all);
            (pairs > 0).then(|| twice as f64 / (2 * pairs) as f64)
        })
    }

    /// The mean over the classes of each one's Σ (Rₙ - Rₙ₋₁) Pₙ over thresholds, as scikit-learn's
    /// `average_precision_score`; classes without samples are left out. NaN where there is no other.
    pub(super) fn average_precision(&self) -> f64 {
        self.macro_mean(|tied| {
            let all: u64 = tied.iter().map(|tie| tie.positives).sum();
            let (mut samples, mut positives, mut area) = (0, 0, 0.0);
            for tie in tied {
                samples += tie.samples;
                positives += tie.positives;
                let gained = tie.positives as f64 / all as f64;
                area += gained * (positives as f64 / samples as f64);
            }
            (all > 0).then_some(area)
        })
    }

    /// The mean over the classes that have a value; NaN where a score is.
    fn macro_mean(&self, of: impl Fn(&[Tied]) -> Option<f64> + Sync) -> f64 {
        if self.scores.iter().any(|score| score.is_nan()) {
            return f64::NAN;
        }
        let classes = self.scores.len() / self.labels.len().max(1);
        // In the order of the classes, whichever thread is first.
        let values: Vec<Option<f64>> = (0..classes)
            .into_par_iter()
            .map(|class| of(&self.tied(class, classes)))
            .collect();
        mean(values.into_iter().flatten())
    }

    /// The samples by their probability of a class, the highest first.
    fn tied(&self, class: usize, classes: usize) -> Vec<Tied> {
        let scores = self.scores.iter().skip(class).step_by(classes.max(1));
        let labels = self.labels.iter().map(|label| *label as usize == class);
        let mut samples: Vec<(f32, bool)> = scores.copied().zip(labels).collect();
        samples.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        let ties = samples.chunk_by(|a, b| a.0 == b.0);
        let tied = ties.map(|tie| Tied {
            samples: tie.len() as u64,
            positives: tie.iter().filter(|(_, is_positive)| *is_positive).count() as u64,
        });
        tied.collect()
    }
}
