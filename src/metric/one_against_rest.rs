//! One class against the others: its curves over all thresholds, and the areas under them.

/// The samples with the same probability of a class, and those with it that are of the class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tied {
    samples: u64,
    positives: u64,
}

/// The samples in the order of their probability of a class, the highest first. A threshold lies after each probability.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneAgainstRest {
    tied: Vec<Tied>,
}

impl OneAgainstRest {
    /// Of samples with their probability of the class, and whether they are of it.
    pub(super) fn new(mut samples: Vec<(f32, bool)>) -> Self {
        samples.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        let ties = samples.chunk_by(|a, b| a.0 == b.0);
        let tied = ties.map(|tie| Tied {
            samples: tie.len() as u64,
            positives: tie.iter().filter(|(_, is_positive)| *is_positive).count() as u64,
        });
        OneAgainstRest {
            tied: tied.collect(),
        }
    }

    /// How many samples are of the class, and how many are not.
    fn sizes(&self) -> (u64, u64) {
        let positives = self.tied.iter().map(|tie| tie.positives).sum();
        let samples: u64 = self.tied.iter().map(|tie| tie.samples).sum();
        (positives, samples - positives)
    }

    /// The area under [`Self::roc`], ties as half; none where there are samples of the class alone, or none of it.
    pub fn auroc(&self) -> Option<f64> {
        // Pairs of a sample of the class with one of the rest, twice: a tie counts one of the two.
        let (mut above, mut twice) = (0, 0_u128);
        for tie in &self.tied {
            let negatives = tie.samples - tie.positives;
            twice += u128::from(negatives) * u128::from(2 * above + tie.positives);
            above += tie.positives;
        }
        let (positives, negatives) = self.sizes();
        let pairs = u128::from(positives) * u128::from(negatives);
        (pairs > 0).then(|| twice as f64 / (2 * pairs) as f64)
    }

    /// Σ (Rₙ - Rₙ₋₁) Pₙ over thresholds, as scikit-learn's `average_precision_score`; none without samples of the class.
    pub fn average_precision(&self) -> Option<f64> {
        let (all, _) = self.sizes();
        let (mut samples, mut positives, mut area) = (0, 0, 0.0);
        for tie in &self.tied {
            samples += tie.samples;
            positives += tie.positives;
            let gained = tie.positives as f64 / all as f64;
            area += gained * (positives as f64 / samples as f64);
        }
        (all > 0).then_some(area)
    }

    /// The false and the true positive rate before the first and at each threshold, from (0, 0) to (1, 1), as
    /// scikit-learn's `roc_curve`; empty where [`Self::auroc`] has no value.
    pub fn roc(&self) -> Vec<(f64, f64)> {
        let (all, rest) = self.sizes();
        if all == 0 || rest == 0 {
            return Vec::new();
        }
        let rates = |(samples, positives): (u64, u64)| {
            let negatives = samples - positives;
            (
                negatives as f64 / rest as f64,
                positives as f64 / all as f64,
            )
        };
        std::iter::once((0, 0))
            .chain(self.sums())
            .map(rates)
            .collect()
    }

    /// Recall and precision at each threshold, recall rising to 1, as scikit-learn's `precision_recall_curve` without
    /// its last point; empty without samples of the class.
    pub fn precision_recall(&self) -> Vec<(f64, f64)> {
        let (all, _) = self.sizes();
        if all == 0 {
            return Vec::new();
        }
        let of = |(samples, positives): (u64, u64)| {
            (
                positives as f64 / all as f64,
                positives as f64 / samples as f64,
            )
        };
        self.sums().map(of).collect()
    }

    /// The samples up to each threshold, and those of the class among them.
    fn sums(&self) -> impl Iterator<Item = (u64, u64)> {
        self.tied.iter().scan((0, 0), |(samples, positives), tie| {
            *samples += tie.samples;
            *positives += tie.positives;
            Some((*samples, *positives))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scikit-learn 1.9.1:
    /// ```python
    /// y, p = [0, 1, 1, 0, 1, 0], [0.1, 0.4, 0.4, 0.4, 0.8, 0.9]
    /// roc_curve(y, p, drop_intermediate=False)[:2]
    /// precision_recall_curve(y, p)[:2]      # by rising thresholds, with (1, 0) at the end
    /// roc_auc_score(y, p), average_precision_score(y, p)
    /// ```
    #[test]
    fn curves_and_their_areas_are_scikit_learns() {
        let samples = [
            (0.1, false),
            (0.4, true),
            (0.4, true),
            (0.4, false),
            (0.8, true),
            (0.9, false),
        ];
        let class = OneAgainstRest::new(samples.to_vec());
        let third = 1.0 / 3.0;
        let roc = [
            (0.0, 0.0),
            (third, 0.0),
            (third, third),
            (2.0 * third, 1.0),
            (1.0, 1.0),
        ];
        assert_eq!(class.roc(), roc);
        let curve = [(0.0, 0.0), (third, 0.5), (1.0, 0.6), (1.0, 0.5)];
        assert_eq!(class.precision_recall(), curve);
        assert!((class.auroc().unwrap() - 5.0 / 9.0).abs() < 1e-15);
        assert!((class.average_precision().unwrap() - 0.566_666_666_666_666_6).abs() < 1e-15);
    }

    #[test]
    fn a_class_without_samples_has_no_curves() {
        let class = OneAgainstRest::new(vec![(0.5, false)]);
        assert_eq!((class.auroc(), class.average_precision()), (None, None));
        assert!(class.roc().is_empty() && class.precision_recall().is_empty());
        let all = OneAgainstRest::new(vec![(0.5, true)]);
        assert!(all.auroc().is_none() && all.roc().is_empty());
    }
}
