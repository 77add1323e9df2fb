//! What a network says about one sample.

use crate::spec::Activation;

/// How many of the most probable classes are kept.
pub const TOP: usize = 5;

/// A sample's label, and what was predicted for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    pub label: u32,
    /// The label's probability.
    pub label_probability: f32,
    /// At most [`TOP`] classes with their probabilities, the most probable first; of equals the first class.
    pub top: Vec<(u32, f32)>,
    /// Where samples have several labels: what is said of all of them.
    pub several: Option<Several>,
}

/// The labels of a sample that can have several, and those that were predicted for it, ascending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Several {
    pub labels: Vec<u32>,
    pub predicted: Vec<u32>,
}

impl Prediction {
    /// From the probability of each class.
    pub fn new(probabilities: &[f32], label: u32) -> Self {
        Prediction {
            label,
            label_probability: probabilities
                .get(label as usize)
                .copied()
                .unwrap_or(f32::NAN),
            top: most_probable(probabilities, TOP),
            several: None,
        }
    }

    /// Of a sample that has several labels, of which no single one has a probability.
    pub fn of_several(probabilities: &[f32], labels: &[u32], threshold: f64) -> Self {
        Prediction {
            label_probability: f32::NAN,
            several: Some(Several {
                labels: labels.to_vec(),
                predicted: above(probabilities, threshold),
            }),
            ..Prediction::new(probabilities, u32::MAX)
        }
    }

    /// The most probable class with its probability.
    pub fn first(&self) -> Option<(u32, f32)> {
        self.top.first().copied()
    }

    /// Whether another class than the label was predicted.
    pub fn is_wrong(&self) -> bool {
        if let Some(several) = &self.several {
            return several.labels != several.predicted;
        }
        self.first().is_none_or(|(class, _)| class != self.label)
    }
}

/// The classes with a probability above a threshold.
pub fn above(probabilities: &[f32], threshold: f64) -> Vec<u32> {
    let is_above = |(_, probability): &(u32, &f32)| **probability > threshold as f32;
    let classes = (0..).zip(probabilities).filter(is_above);
    classes.map(|(class, _)| class).collect()
}

/// The `count` most probable classes; of equals the first class, NaN last.
pub fn most_probable(probabilities: &[f32], count: usize) -> Vec<(u32, f32)> {
    let mut classes: Vec<(u32, f32)> = (0..).zip(probabilities.iter().copied()).collect();
    let value = |p: f32| if p.is_nan() { f32::NEG_INFINITY } else { p };
    // Stable: equals stay in the order of the classes.
    classes.sort_by(|a, b| value(b.1).total_cmp(&value(a.1)));
    classes.truncate(count);
    classes
}

/// Each class's probability: the logistic function of each logit for `sigmoid`, else the softmax of all.
pub fn probabilities(logits: &[f32], output: Activation) -> Vec<f32> {
    if output == Activation::Sigmoid {
        let logistic = |&x: &f32| (1.0 / (1.0 + (-f64::from(x)).exp())) as f32;
        return logits.iter().map(logistic).collect();
    }
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f64> = logits
        .iter()
        .map(|&x| (f64::from(x) - f64::from(largest)).exp())
        .collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|p| (p / sum) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scipy.special.softmax([1, 2, 3]) and scipy.special.expit([1, 2, 3]), SciPy 1.17.
    #[test]
    fn probabilities_are_those_of_softmax_or_of_the_logistic_function() {
        let close = |found: Vec<f32>, expected: [f32; 3]| {
            let pairs = found.iter().zip(expected);
            assert!(
                pairs.clone().all(|(a, b)| (a - b).abs() < 1e-7),
                "{found:?}"
            );
        };
        let logits = [1.0, 2.0, 3.0];
        let softmax = [0.090_030_57, 0.244_728_47, 0.665_240_94];
        close(probabilities(&logits, Activation::Softmax), softmax);
        let logistic = [0.731_058_6, 0.880_797_1, 0.952_574_1];
        close(probabilities(&logits, Activation::Sigmoid), logistic);
        close(
            probabilities(&[1e30, 0.0, -1e30], Activation::Softmax),
            [1.0, 0.0, 0.0],
        );
    }

    #[test]
    fn of_equals_the_first_class_is_predicted_and_nan_never() {
        assert_eq!(most_probable(&[0.2, 0.4, 0.4], 2), [(1, 0.4), (2, 0.4)]);
        assert_eq!(most_probable(&[f32::NAN, 0.1], 1), [(1, 0.1)]);
        let prediction = Prediction::new(&[0.5, 0.5], 1);
        assert!(prediction.is_wrong());
        assert_eq!(
            (prediction.label_probability, prediction.first()),
            (0.5, Some((0, 0.5)))
        );
    }
}
