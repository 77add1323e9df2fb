//! What the loss of a training image is multiplied by, by its class.

use crate::spec::ClassWeights;

/// The weight of each class, for the labels of the training part; none where all are one.
pub fn class_weights(
    wanted: &ClassWeights,
    classes: &[String],
    labels: impl Iterator<Item = u32>,
) -> Option<Vec<f32>> {
    match wanted {
        ClassWeights::None => None,
        ClassWeights::Balanced => Some(balanced(classes.len(), labels)),
        ClassWeights::ByClass(weights) => {
            let weight = |class| weights.get(class).copied().unwrap_or(1.0) as f32;
            Some(classes.iter().map(weight).collect())
        }
    }
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
        let weights = |wanted| class_weights(&wanted, &names, labels.into_iter());
        let expected = [0.555_555_6, 1.111_111_2, 1.0, 3.333_333_3];
        assert_eq!(weights(ClassWeights::Balanced).unwrap(), expected);
        let named = ClassWeights::ByClass([("b".to_owned(), 2.5)].into());
        assert_eq!(weights(named).unwrap(), [1.0, 2.5, 1.0, 1.0]);
        assert_eq!(weights(ClassWeights::None), None);
    }
}
