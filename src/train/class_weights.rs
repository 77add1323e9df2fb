//! What the loss of a training image is multiplied by, by its class.

use crate::label_sets::LabelSets;
use crate::spec::ClassWeights;

/// What the loss is multiplied by, by class.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassFactors {
    /// Of samples of the class.
    pub present: Vec<f32>,
    /// Where samples have several labels: of the class's part of the loss, of samples that are not of the class.
    pub absent: Vec<f32>,
}

impl ClassFactors {
    /// The same for samples that are of a class and for those that are not.
    pub fn of_classes(weights: Vec<f32>) -> Self {
        ClassFactors {
            absent: weights.clone(),
            present: weights,
        }
    }

    /// Of a sample with this label alone.
    pub fn of(&self, label: u32) -> f32 {
        self.present.get(label as usize).copied().unwrap_or(1.0)
    }

    /// Of the decision about a class.
    pub fn of_decision(&self, class: usize, is_of_it: bool) -> f32 {
        let weights = if is_of_it {
            &self.present
        } else {
            &self.absent
        };
        weights.get(class).copied().unwrap_or(1.0)
    }
}

/// The weights of the classes, for the labels of the training part; none where all are one. Where samples have several
/// labels, `balanced` weighs those that are of a class and those that are not by their numbers, class by class.
pub fn class_weights(
    wanted: &ClassWeights,
    classes: &[String],
    labels: impl Iterator<Item = u32>,
    sets: Option<&LabelSets>,
) -> Option<ClassFactors> {
    match (wanted, sets) {
        (ClassWeights::None, _) => None,
        (ClassWeights::Balanced, None) => {
            let weights = balanced(classes.len(), labels);
            Some(ClassFactors::of_classes(weights))
        }
        (ClassWeights::Balanced, Some(sets)) => {
            Some(balanced_decisions(classes.len(), labels, sets))
        }
        (ClassWeights::ByClass(weights), _) => {
            let weight = |class| weights.get(class).copied().unwrap_or(1.0) as f32;
            let weights = classes.iter().map(weight).collect();
            Some(ClassFactors::of_classes(weights))
        }
    }
}

/// Samples / (2 · samples of the class), and samples / (2 · samples not of it): [`balanced`] of each class against the rest;
/// one where there is no other kind.
fn balanced_decisions(
    classes: usize,
    labels: impl Iterator<Item = u32>,
    sets: &LabelSets,
) -> ClassFactors {
    let labels: Vec<u32> = labels.collect();
    let mut factors = ClassFactors::of_classes(vec![1.0; classes]);
    let places = factors.present.iter_mut().zip(&mut factors.absent);
    for (class, (present, absent)) in places.enumerate() {
        let of_it = |label: &u32| u32::from(sets.has(*label, class));
        let weights = balanced(2, labels.iter().map(of_it));
        (*absent, *present) = (weights[0], weights[1]);
    }
    factors
}

/// Samples / (classes with samples · samples of the class); one for a class without.
fn balanced(classes: usize, labels: impl Iterator<Item = u32>) -> Vec<f32> {
    let mut counts = vec![0usize; classes];
    for label in labels {
        if let Some(count) = counts.get_mut(label as usize) {
            *count += 1;
        }
    }
    let samples: usize = counts.iter().sum();
    let seen = counts.iter().filter(|count| **count > 0).count();
    let weight = |count: &usize| match count {
        0 => 1.0,
        count => samples as f64 / (seen * count) as f64,
    };
    counts.iter().map(|count| weight(count) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `compute_class_weight("balanced", classes=np.unique(y), y=y)` for `y = [0] * 6 + [1] * 3 + [3]`, scikit-learn 1.9.1.
    #[test]
    fn balanced_weights_are_those_of_scikit_learn() {
        let names = ["a", "b", "c", "d"].map(String::from);
        let labels = [0, 0, 0, 0, 0, 0, 1, 1, 1, 3];
        let weights = |wanted| {
            let factors = class_weights(&wanted, &names, labels.into_iter(), None);
            factors.map(|factors| factors.present)
        };
        let expected = [0.555_555_6, 1.111_111_2, 1.0, 3.333_333_3];
        assert_eq!(weights(ClassWeights::Balanced).unwrap(), expected);
        let named = ClassWeights::ByClass([("b".to_owned(), 2.5)].into());
        assert_eq!(weights(named).unwrap(), [1.0, 2.5, 1.0, 1.0]);
        assert_eq!(weights(ClassWeights::None), None);
    }

    /// Each class as `compute_class_weight("balanced", classes=[0, 1], y=y[:, c])`, scikit-learn 1.9.1, of
    /// `y = [[1, 1], [1, 0], [1, 0], [0, 0]]`.
    #[test]
    fn balanced_weights_of_several_labels_are_scikit_learns_of_each_class() {
        let names = ["a", "b", "c"].map(String::from);
        let (labels, sets) = LabelSets::of([vec![0, 1], vec![0], vec![0], vec![]]);
        let found = class_weights(
            &ClassWeights::Balanced,
            &names,
            labels.into_iter(),
            Some(&sets),
        );
        let found = found.unwrap();
        assert_eq!(found.present, [0.666_666_7, 2.0, 1.0]);
        assert_eq!(found.absent, [2.0, 0.666_666_7, 1.0]);
    }
}
