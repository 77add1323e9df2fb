//! Statistics of a few values.

use serde::Serialize;
use statrs::function::beta::checked_beta_reg;

/// The values of runs; their deviation is over repetitions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Sample {
    /// How many values there are; those that are not finite do not count.
    pub n: usize,
    pub mean: f64,
    /// The sample standard deviation, over n - 1; absent for fewer than two values.
    pub deviation: Option<f64>,
}

impl Sample {
    /// The sample of the finite ones among these values; none where there is no finite one.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let values: Vec<f64> = values.into_iter().filter(|v| v.is_finite()).collect();
        let n = values.len();
        if n == 0 {
            return None;
        }
        let mean = values.iter().sum::<f64>() / n as f64;
        let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
        let deviation = (n > 1).then(|| (squares / (n - 1) as f64).sqrt());
        Some(Sample { n, mean, deviation })
    }

    /// The sample of several settings' runs together: the mean is over all of them, the deviation over the repetitions
    /// within a setting alone (their pooled variance); of one setting, the same as [`Sample::of`].
    pub fn within<V: IntoIterator<Item = f64>>(
        settings: impl IntoIterator<Item = V>,
    ) -> Option<Self> {
        let samples: Vec<Sample> = settings.into_iter().filter_map(Sample::of).collect();
        if let [only] = samples.as_slice() {
            return Some(*only);
        }
        let n: usize = samples.iter().map(|s| s.n).sum();
        let freedom = n - samples.len();
        let squares = |s: &Sample| s.deviation.map_or(0.0, |d| d.powi(2) * (s.n - 1) as f64);
        let squares: f64 = samples.iter().map(squares).sum();
        (n > 0).then(|| Sample {
            n,
            mean: samples.iter().map(|s| s.mean * s.n as f64).sum::<f64>() / n as f64,
            deviation: (freedom > 0).then(|| (squares / freedom as f64).sqrt()),
        })
    }
}

/// The two-sided p-value of Welch's t-test: how probable means this far apart or farther would be if both samples came
/// from normal distributions of equal means, whatever their variances. None where a sample has fewer than two values.
///
/// B. L. Welch, "The generalization of 'Student's' problem when several different population variances are involved",
/// Biometrika 34 (1947), with Satterthwaite's degrees of freedom.
pub fn welch(a: &Sample, b: &Sample) -> Option<f64> {
    let share = |s: &Sample| Some(s.deviation?.powi(2) / s.n as f64);
    let (a_share, b_share) = (share(a)?, share(b)?);
    let (variance, difference) = (a_share + b_share, a.mean - b.mean);
    if variance == 0.0 {
        return Some(if difference == 0.0 { 1.0 } else { 0.0 });
    }
    let term = |share: f64, n: usize| share.powi(2) / (n - 1) as f64;
    let freedom = variance.powi(2) / (term(a_share, a.n) + term(b_share, b.n));
    let t_squared = difference.powi(2) / variance;
    // The tails of Student's distribution beyond -t and t.
    checked_beta_reg(freedom / 2.0, 0.5, freedom / (freedom + t_squared)).ok()
}

/// The variance of a mean, and with how many degrees of freedom it was estimated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub variance: f64,
    pub freedom: f64,
}

/// How sure the mean of a sample is; none for fewer than two values.
pub(super) fn spread(sample: &Sample) -> Option<Part> {
    Some(Part {
        variance: sample.deviation?.powi(2) / sample.n as f64,
        freedom: (sample.n - 1) as f64,
    })
}

/// The two-sided p-value of Student's t-test of differences between pairs; none for fewer than two.
pub fn paired(differences: impl IntoIterator<Item = f64>) -> Option<f64> {
    let sample = Sample::of(differences)?;
    let Part { variance, freedom } = spread(&sample)?;
    if variance == 0.0 {
        return Some(if sample.mean == 0.0 { 1.0 } else { 0.0 });
    }
    let t_squared = sample.mean.powi(2) / variance;
    checked_beta_reg(freedom / 2.0, 0.5, freedom / (freedom + t_squared)).ok()
}

/// P-values corrected for their number, in their order.
///
/// S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6 (1979).
pub fn holm(p_values: &[Option<f64>]) -> Vec<Option<f64>> {
    let known = p_values.iter().enumerate();
    let mut known: Vec<(usize, f64)> = known.filter_map(|(i, p)| Some((i, (*p)?))).collect();
    known.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut corrected = vec![None; p_values.len()];
    let mut least: f64 = 0.0;
    for (place, (i, p)) in known.iter().enumerate() {
        least = least.max((p * (known.len() - place) as f64).min(1.0));
        corrected[*i] = Some(least);
    }
    corrected
}

/// Between this and its negative lie 95 % of Student's distribution.
pub(super) fn t_quantile(freedom: f64) -> Option<f64> {
    let outside = |t: f64| checked_beta_reg(freedom / 2.0, 0.5, freedom / (freedom + t * t)).ok();
    let (mut low, mut high) = (1.9, 1e9);
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        match outside(middle)? > 0.05 {
            true => low = middle,
            false => high = middle,
        }
    }
    Some(high)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn p(a: &[f64], b: &[f64]) -> Option<f64> {
        let sample = |values: &[f64]| Sample::of(values.iter().copied()).unwrap();
        welch(&sample(a), &sample(b))
    }

    /// scipy.stats.ttest_ind(a, b, equal_var=False).pvalue, SciPy 1.17.
    #[test]
    fn p_values_are_those_of_scipy() {
        for (a, b, expected) in SCIPY {
            let found = p(a, b).unwrap();
            let distance = (found - expected).abs() / expected;
            assert!(distance < 1e-10, "{a:?} {b:?}: {found} {expected}");
        }
    }

    const SCIPY: [(&[f64], &[f64], f64); 3] = [
        (
            &[0.712, 0.698, 0.731],
            &[0.641, 0.655, 0.602],
            0.01828775369627577,
        ),
        (
            &[0.9, 0.91, 0.905, 0.899],
            &[0.8995, 0.9101],
            0.8514446342819848,
        ),
        (
            &[1.0, 2.0, 4.0],
            &[1.5, 2.5, 2.0, 2.2, 9.0],
            0.5286393378575168,
        ),
    ];

    /// scipy.stats.ttest_rel of the first pair above, SciPy 1.17; R's p.adjust(c(0.01, 0.04, 0.03, 0.5), "holm").
    #[test]
    fn paired_and_corrected_p_values_are_those_of_scipy_and_r() {
        let (a, b) = (SCIPY[0].0, SCIPY[0].1);
        let found = paired(a.iter().zip(b).map(|(a, b)| a - b)).unwrap();
        assert!((found - 0.08541209377943293).abs() < 1e-12, "{found}");
        assert_eq!(paired([0.1]), None);
        let corrected = holm(&[Some(0.01), Some(0.04), None, Some(0.03), Some(0.5)]);
        assert_eq!(
            corrected,
            [Some(0.04), Some(0.09), None, Some(0.09), Some(0.5)]
        );
    }

    /// scipy.stats.t.ppf(0.975, freedom), SciPy 1.17.
    #[test]
    fn quantiles_are_those_of_scipy() {
        for (freedom, expected) in [(1.0, 12.70620474), (2.5, 3.57465484), (1e6, 1.95996636)] {
            let found = t_quantile(freedom).unwrap();
            assert!(
                (found - expected).abs() < 1e-7 * expected,
                "{freedom}: {found}"
            );
        }
    }

    #[test]
    fn the_deviation_of_several_settings_is_that_of_their_repetitions() {
        // statistics.stdev gives 1 and 2 for the two; sqrt((1 * 2 + 4 * 2) / 4) = 1.5811.
        let all = Sample::within([vec![1.0, 2.0, 3.0], vec![8.0, 10.0, 12.0]]).unwrap();
        assert_eq!((all.n, all.mean), (6, 6.0));
        assert!((all.deviation.unwrap() - 2.5f64.sqrt()).abs() < 1e-15);
        let single = Sample::within([vec![1.0], vec![5.0]]).unwrap();
        assert_eq!((single.mean, single.deviation), (3.0, None));
        let one = Sample::within([vec![0.1, 0.2, 0.4]]);
        assert_eq!(one, Sample::of([0.1, 0.2, 0.4]));
        assert_eq!(Sample::within(Vec::<Vec<f64>>::new()), None);
    }

    #[test]
    fn one_value_says_nothing_and_equal_values_are_certain() {
        assert_eq!(p(&[1.0], &[2.0, 3.0]), None);
        assert_eq!(p(&[1.0, 1.0], &[1.0, 1.0]), Some(1.0));
        assert_eq!(p(&[1.0, 1.0], &[2.0, 2.0]), Some(0.0));
    }

    #[test]
    fn values_that_are_not_finite_do_not_count() {
        let sample = Sample::of([1.0, f64::NAN, 3.0, f64::INFINITY]).unwrap();
        assert_eq!((sample.n, sample.mean), (2, 2.0));
        assert_eq!(sample.deviation, Some(2f64.sqrt()));
        assert_eq!(Sample::of([f64::NAN]), None);
    }
}
