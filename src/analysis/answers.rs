//! Which images a run classified right.

use std::path::Path;
use std::rc::Rc;

use super::measure::Images;
use crate::features::Split;
use crate::store::predictions;

/// What a run answered on the images that are reported.
#[derive(Debug)]
pub(super) struct Answers {
    /// Whether each image was classified right, in the order of the dataset.
    pub right: Vec<bool>,
    /// The images' labels: those of other images differ.
    labels: Vec<String>,
}

impl Answers {
    /// Answers on images without names, for tests.
    #[cfg(test)]
    pub fn of(right: Vec<bool>) -> Self {
        Answers {
            labels: vec![String::new(); right.len()],
            right,
        }
    }

    /// Answers on other such images, for tests.
    #[cfg(test)]
    pub fn of_others(right: Vec<bool>) -> Self {
        Answers {
            labels: vec!["other".into(); right.len()],
            right,
        }
    }

    /// Whether so great a share is right: another definition of accuracy, as that of several labels, is not.
    pub fn gives(&self, accuracy: f64) -> bool {
        let right = self.right.iter().filter(|right| **right).count();
        (right as f64 / self.right.len().max(1) as f64 - accuracy).abs() < 1e-6
    }

    /// Whether the two are of the same images.
    pub fn is_of_same_images(&self, other: &Answers) -> bool {
        self.labels == other.labels
    }
}

/// Reads answers on one part of the dataset.
pub(super) struct Reader(Split);

impl Reader {
    /// A reader of answers on these images; none where a number does not depend on images.
    pub fn new(images: Images) -> Option<Self> {
        match images {
            Images::Test => Some(Reader(Split::Test)),
            Images::Validation => Some(Reader(Split::Validation)),
            Images::None => None,
        }
    }

    /// What the run in this folder answered. What is damaged or missing is no answer: the comparison does without.
    pub fn read(&self, run: &Path) -> Option<Rc<Answers>> {
        let predictions = predictions::read(run).ok()??;
        if predictions.part() != self.0.as_str() {
            return None;
        }
        let (labels, predicted) = (predictions.text("label")?, predictions.text("predicted")?);
        let right = labels.iter().zip(predicted.iter());
        let right = right.map(|(label, predicted)| label.is_some() && label == predicted);
        let labels = labels
            .iter()
            .map(|label| label.unwrap_or_default().to_owned());
        Some(Rc::new(Answers {
            right: right.collect(),
            labels: labels.collect(),
        }))
    }
}
