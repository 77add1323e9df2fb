//! What is kept of the samples of a part, from which its metrics are made.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::calibration::Calibration;
use super::mean::mean;
use super::ranking::Ranking;
use super::{Metric, Metrics, Needs, Of};
use crate::label_sets::LabelSets;

/// Logits that are not a value per class and sample.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the logits have shape {found:?}; expected [{batch}, {classes}]")]
pub struct WrongLogits {
    pub found: Vec<usize>,
    pub batch: usize,
    pub classes: usize,
}

/// Sums of losses and hits, and what else the wanted metrics need; the order of samples does not matter to hits, losses are
/// summed in order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tally {
    samples: usize,
    loss: f64,
    hits: usize,
    top5_hits: usize,
    /// Samples of several labels of which all classes are decided right.
    #[serde(default)]
    exact: usize,
    /// Where samples have several labels; a checkpoint does not have it.
    #[serde(skip)]
    several: Option<Several>,
    classes: Vec<OfClass>,
    #[serde(skip_serializing_if = "Option::is_none")]
    calibration: Option<Calibration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ranking: Option<Ranking>,
}

/// How samples of several labels are counted.
#[derive(Clone, Debug)]
struct Several {
    sets: Arc<LabelSets>,
    /// The probability above which a class is predicted.
    threshold: f32,
}

/// What was counted of a class.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct OfClass {
    /// Samples of it that were predicted to be of it.
    pub hits: usize,
    /// Samples of it.
    pub samples: usize,
    /// Samples that were predicted to be of it.
    pub predicted: usize,
}

impl Tally {
    /// Nothing seen yet; what the wanted metrics need will be kept.
    pub fn new(classes: usize, wanted: impl IntoIterator<Item = &'static Metric>) -> Self {
        let needs: Vec<Needs> = wanted.into_iter().map(|metric| metric.needs).collect();
        Tally {
            samples: 0,
            loss: 0.0,
            hits: 0,
            top5_hits: 0,
            exact: 0,
            several: None,
            classes: vec![OfClass::default(); classes],
            calibration: needs
                .contains(&Needs::Confidence)
                .then(Calibration::default),
            ranking: needs.contains(&Needs::Scores).then(Ranking::default),
        }
    }

    /// Of samples with several labels each, where there are sets: a class is predicted above a threshold.
    pub fn of_sets(mut self, sets: Option<Arc<LabelSets>>, threshold: f64) -> Self {
        if let Some(ranking) = &mut self.ranking {
            ranking.set_sets(sets.clone());
        }
        let threshold = threshold as f32;
        self.several = sets.map(|sets| Several { sets, threshold });
        self
    }

    /// What was read from a checkpoint, of samples with labels as those of `other`.
    pub fn as_in(self, other: &Tally) -> Self {
        match &other.several {
            Some(several) => {
                self.of_sets(Some(Arc::clone(&several.sets)), several.threshold.into())
            }
            None => self,
        }
    }

    /// With room for so many samples.
    pub fn expecting(mut self, samples: usize) -> Self {
        if let Some(ranking) = &mut self.ranking {
            ranking.reserve(samples, self.classes.len());
        }
        self
    }

    /// Adds a batch: its mean loss, its logits row by row, and its labels. `probabilities` makes a row of probabilities of
    /// one of logits; it is asked where they are needed.
    ///
    /// # Errors
    /// Logits that are not a value per class and sample.
    pub fn add(
        &mut self,
        mean_loss: f64,
        logits: &[Vec<f32>],
        labels: &[u32],
        probabilities: impl Fn(&[f32]) -> Vec<f32>,
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
        let needs_probabilities = self.calibration.is_some() || self.ranking.is_some();
        if let Some(several) = self.several.clone() {
            for (row, &label) in logits.iter().zip(labels) {
                let probabilities = probabilities(row);
                self.count_several(&probabilities, label, &several);
                self.keep(&probabilities, label, false);
            }
            return Ok(());
        }
        for (row, &label) in logits.iter().zip(labels) {
            let is_hit = self.count(row, label as usize);
            if needs_probabilities {
                self.keep(&probabilities(row), label, is_hit);
            }
        }
        Ok(())
    }

    /// Counts a sample, and tells whether it was predicted right.
    fn count(&mut self, logits: &[f32], label: usize) -> bool {
        let rank = rank(logits, label);
        let is_hit = rank == 0;
        self.hits += usize::from(is_hit);
        self.top5_hits += usize::from(rank < 5);
        if let Some(class) = self.classes.get_mut(label) {
            class.hits += usize::from(is_hit);
            class.samples += 1;
        }
        if let Some(class) = predicted(logits).and_then(|class| self.classes.get_mut(class)) {
            class.predicted += 1;
        }
        is_hit
    }

    /// Counts the decisions about the classes of a sample.
    fn count_several(&mut self, probabilities: &[f32], label: u32, several: &Several) {
        let mut wrong = 0;
        let classes = self.classes.iter_mut().zip(probabilities).enumerate();
        for (class, (counts, &probability)) in classes {
            let is_of_it = several.sets.has(label, class);
            let is_predicted = probability > several.threshold;
            counts.samples += usize::from(is_of_it);
            counts.predicted += usize::from(is_predicted);
            counts.hits += usize::from(is_of_it && is_predicted);
            wrong += usize::from(is_of_it != is_predicted);
        }
        self.hits += self.classes.len() - wrong;
        self.exact += usize::from(wrong == 0);
    }

    /// Keeps of a sample's probabilities what is needed.
    fn keep(&mut self, probabilities: &[f32], label: u32, is_hit: bool) {
        if let Some(calibration) = &mut self.calibration {
            let largest = probabilities.iter().copied().reduce(f32::max);
            calibration.add(largest.unwrap_or(f32::NAN), is_hit);
        }
        if let Some(ranking) = &mut self.ranking {
            ranking.add(probabilities, label);
        }
    }

    /// Samples seen.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// What was counted of each class.
    pub fn classes(&self) -> &[OfClass] {
        &self.classes
    }

    /// Every sample's probabilities, where they are kept.
    pub fn ranking(&self) -> Option<&Ranking> {
        self.ranking.as_ref()
    }

    /// As [`Self::ranking`], to put back what was kept.
    pub fn ranking_mut(&mut self) -> Option<&mut Ranking> {
        self.ranking.as_mut()
    }

    /// The mean loss so far; NaN before the first sample.
    pub fn loss(&self) -> f64 {
        self.loss / self.samples as f64
    }

    /// The share of samples so far whose label has the largest logit; of samples with several labels, of right decisions
    /// about a class, as Keras's `BinaryAccuracy`. NaN before the first.
    pub fn accuracy(&self) -> f64 {
        let decisions = self.several.as_ref().map_or(1, |_| self.classes.len());
        self.hits as f64 / (self.samples * decisions) as f64
    }

    /// Of samples with several labels: the share of those of which every class is decided right, as scikit-learn's
    /// `accuracy_score`; NaN before the first.
    pub fn exact_match(&self) -> f64 {
        self.exact as f64 / self.samples as f64
    }

    /// The F1 score of all decisions together, as scikit-learn's `f1_score(average="micro")`; NaN where nothing is predicted
    /// and nothing is to be.
    pub fn micro_f1(&self) -> f64 {
        let sum = |of: fn(&OfClass) -> usize| self.classes.iter().map(of).sum::<usize>() as f64;
        let both = sum(|class| class.samples) + sum(|class| class.predicted);
        2.0 * sum(|class| class.hits) / both
    }

    /// The share of samples so far whose label is among the five largest logits; NaN before the first.
    pub fn top5_accuracy(&self) -> f64 {
        self.top5_hits as f64 / self.samples as f64
    }

    /// The accuracy of each class so far, which is its recall; NaN for a class without samples.
    pub fn accuracies(&self) -> Vec<f64> {
        self.each(|class| class.hits as f64 / class.samples as f64)
    }

    /// The precision of each class so far: 0 for a class that was never predicted, NaN for one without samples beside.
    pub fn precisions(&self) -> Vec<f64> {
        self.each(|class| match (class.predicted, class.samples) {
            (0, 0) => f64::NAN,
            (0, _) => 0.0,
            (predicted, _) => class.hits as f64 / predicted as f64,
        })
    }

    /// The harmonic mean of precision and recall of each class so far; NaN for a class that does not occur.
    pub fn f1_scores(&self) -> Vec<f64> {
        self.each(|class| 2.0 * class.hits as f64 / (class.samples + class.predicted) as f64)
    }

    /// The mean accuracy of the classes with samples; NaN before the first.
    pub fn balanced_accuracy(&self) -> f64 {
        let accuracies = self.accuracies().into_iter();
        mean(accuracies.filter(|accuracy| !accuracy.is_nan()))
    }

    /// 1 - (wrong / wrong by chance); NaN where nothing can be wrong by chance.
    pub fn cohen_kappa(&self) -> f64 {
        let by_chance = |class: &OfClass| class.samples as f64 * class.predicted as f64;
        let by_chance: f64 = self.classes.iter().map(by_chance).sum();
        let (samples, hits) = (self.samples as f64, self.hits as f64);
        1.0 - samples * (samples - hits) / (samples * samples - by_chance)
    }

    /// See [`Calibration::error`]; NaN where nothing was kept for it.
    pub fn calibration_error(&self) -> f64 {
        self.calibration
            .as_ref()
            .map_or(f64::NAN, Calibration::error)
    }

    /// See [`Ranking::auroc`]; NaN where nothing was kept for it.
    pub fn auroc(&self) -> f64 {
        self.ranking.as_ref().map_or(f64::NAN, Ranking::auroc)
    }

    /// See [`Ranking::average_precision`]; NaN where nothing was kept for it.
    pub fn average_precision(&self) -> f64 {
        self.ranking
            .as_ref()
            .map_or(f64::NAN, Ranking::average_precision)
    }

    fn each(&self, value: impl Fn(&OfClass) -> f64) -> Vec<f64> {
        self.classes.iter().map(value).collect()
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

/// The class with the largest logit, of equals the first; none where one is NaN.
fn predicted(logits: &[f32]) -> Option<usize> {
    let (mut first, mut largest) = (None, f32::NEG_INFINITY);
    for (class, &logit) in logits.iter().enumerate() {
        if logit.is_nan() {
            return None;
        }
        if first.is_none() || logit > largest {
            (first, largest) = (Some(class), logit);
        }
    }
    first
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
mod tests;
