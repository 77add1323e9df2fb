//! Every sample's probability of every class, for what depends on their order.

use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::mean::mean;
use super::one_against_rest::OneAgainstRest;
use crate::label_sets::LabelSets;

/// Probabilities `[samples, classes]` and labels; in a checkpoint they are tensors of their own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ranking {
    #[serde(skip)]
    scores: Vec<f32>,
    #[serde(skip)]
    labels: Vec<u32>,
    /// The classes of each label, where samples have several.
    #[serde(skip)]
    sets: Option<Arc<LabelSets>>,
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

    /// The classes that labels stand for, where samples have several.
    pub fn set_sets(&mut self, sets: Option<Arc<LabelSets>>) {
        self.sets = sets;
    }

    /// Adds a sample.
    pub(super) fn add(&mut self, probabilities: &[f32], label: u32) {
        self.scores.extend_from_slice(probabilities);
        self.labels.push(label);
    }

    /// The mean over the classes of the area under the ROC curve of each against the rest, ties as half; classes without
    /// samples, or with all of them, are left out. NaN where there is no other.
    pub fn auroc(&self) -> f64 {
        self.macro_mean(OneAgainstRest::auroc)
    }

    /// The mean over the classes of each one's Σ (Rₙ - Rₙ₋₁) Pₙ over thresholds, as scikit-learn's
    /// `average_precision_score`; classes without samples are left out. NaN where there is no other.
    pub fn average_precision(&self) -> f64 {
        self.macro_mean(OneAgainstRest::average_precision)
    }

    /// The mean over the classes that have a value; NaN where a score is.
    fn macro_mean(&self, of: impl Fn(&OneAgainstRest) -> Option<f64> + Sync) -> f64 {
        if self.has_nan() {
            return f64::NAN;
        }
        // In the order of the classes, whichever thread is first.
        let values: Vec<Option<f64>> = (0..self.classes())
            .into_par_iter()
            .map(|class| of(&self.of_class(class)))
            .collect();
        mean(values.into_iter().flatten())
    }

    /// Whether a probability is no number, so that samples have no order.
    pub fn has_nan(&self) -> bool {
        self.scores.iter().any(|score| score.is_nan())
    }

    /// How many classes the samples have probabilities of; 0 without samples.
    pub fn classes(&self) -> usize {
        self.scores.len() / self.labels.len().max(1)
    }

    /// The samples by their probability of a class.
    pub fn of_class(&self, class: usize) -> OneAgainstRest {
        let scores = self
            .scores
            .iter()
            .skip(class)
            .step_by(self.classes().max(1));
        let is_of_it = |label: &u32| match &self.sets {
            Some(sets) => sets.has(*label, class),
            None => *label as usize == class,
        };
        let labels = self.labels.iter().map(is_of_it);
        OneAgainstRest::new(scores.copied().zip(labels).collect())
    }
}
