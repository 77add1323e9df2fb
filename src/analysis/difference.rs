//! How far a setting is behind another, and how sure that is: over repetitions, and over the images that it was measured
//! on.

use std::path::PathBuf;
use std::rc::Rc;

use serde::Serialize;

use super::answers::Answers;
use super::stats::{Part, Sample, paired, spread, t_quantile, welch};

/// A run of a setting, as one of its repetitions.
#[derive(Clone, Debug)]
pub(super) struct Repetition {
    /// Its seed and its fold, as far as it has them.
    pub keys: Vec<Option<String>>,
    pub value: f64,
    /// Where what it predicted lies.
    pub folder: PathBuf,
    pub answers: Option<Rc<Answers>>,
}

/// What an interval takes into account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Over {
    /// That other seeds and folds would have given other numbers.
    Runs,
    /// That other images would have.
    Images,
    RunsAndImages,
}

/// What it would take to tell a difference of the size that was seen: found in four of five experiments, by a two-sided
/// test at 5 %.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Needed {
    /// So many runs of either setting.
    Runs(usize),
    /// So many images; no number of runs would tell it on those that there are.
    Images(usize),
}

/// A setting's mean less that of the best one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Difference {
    pub mean: f64,
    /// The ends of its 95 % interval.
    pub low: f64,
    pub high: f64,
    pub over: Over,
    /// How many images are behind it, where these are taken into account.
    pub images: Option<usize>,
    /// None where there is nothing to tell, or the spread of runs is not known.
    pub needed: Option<Needed>,
}

/// The squares of normal deviates: two-sided 5 %, and four times of five.
const POWER: f64 = (1.959_963_985 + 0.841_621_234) * (1.959_963_985 + 0.841_621_234);

impl Difference {
    /// How far `other` is from `best`; none where there is a single run of one and nothing is known of images.
    ///
    /// The variance of the mean difference is that of a random-effects model with runs and images crossed: that of the
    /// means of runs over the number of runs, and that of the means of images over their number, less what both hold, the
    /// variance that belongs to neither alone (Cornfield and Tukey, "Average values of mean squares in factorials", Annals
    /// of Mathematical Statistics 27 (1956)), with Satterthwaite's degrees of freedom. A bootstrap over images and runs
    /// estimates the same (Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 1 (2007)), but from two or three
    /// runs it takes too little: of simulated differences on 400 images its 95 % intervals held 83 and 87 %, these 89 and
    /// 93 %. Where the runs have images of their own, as folds' validation images, their spread holds that of the images.
    pub(super) fn between(best: &[Repetition], other: &[Repetition]) -> Option<Self> {
        let pairs = pairs(best, other);
        let runs = match &pairs {
            Some(pairs) => {
                let differences = pairs.iter().map(|(a, b)| b.value - a.value);
                spread(&Sample::of(differences)?).into_iter().collect()
            }
            None => {
                let parts = [sample(best)?, sample(other)?].map(|sample| spread(&sample));
                match parts {
                    [Some(a), Some(b)] => vec![a, b],
                    _ => Vec::new(),
                }
            }
        };
        let images = Crossed::of(best, other, pairs.is_some());
        let mean = sample(other)?.mean - sample(best)?.mean;
        let of_runs: f64 = runs.iter().map(|part| part.variance).sum();
        let of_images = images.as_ref().map_or(0.0, |images| images.part.variance);
        let shared = images.as_ref().map_or(0.0, |images| images.shared);
        let over = match (runs.is_empty(), &images) {
            (true, None) => return None,
            (false, None) => Over::Runs,
            (true, Some(_)) => Over::Images,
            (false, Some(_)) => Over::RunsAndImages,
        };
        let shared = match over {
            Over::RunsAndImages => shared.min(of_runs.min(of_images)),
            _ => 0.0,
        };
        let variance = of_runs + of_images - shared;
        let parts = runs
            .iter()
            .chain(images.as_ref().map(|images| &images.part));
        let terms: f64 = parts.map(|p| p.variance.powi(2) / p.freedom).sum();
        let half = match variance > 0.0 {
            true => t_quantile(variance.powi(2) / terms)? * variance.sqrt(),
            false => 0.0,
        };
        let count = best.len().min(other.len());
        let alone = (of_images - shared).max(0.0);
        let known = images.as_ref().map(|images| images.count);
        let needed = (!runs.is_empty() && mean != 0.0)
            .then(|| needed(mean, (of_runs, count), (alone, known.unwrap_or(0))));
        Some(Difference {
            mean,
            low: mean - half,
            high: mean + half,
            over,
            images: known,
            needed,
        })
    }

    /// Whether the interval leaves open which of the two is the better.
    pub fn holds_zero(&self) -> bool {
        self.low <= 0.0 && self.high >= 0.0
    }
}

/// The two-sided p-value over runs: paired where both settings have the same seeds and folds, else Welch's.
pub(super) fn p_value(best: &[Repetition], other: &[Repetition]) -> Option<f64> {
    match pairs(best, other) {
        Some(pairs) => paired(pairs.iter().map(|(a, b)| b.value - a.value)),
        None => welch(&sample(best)?, &sample(other)?),
    }
}

/// Each run with the one of the same seed and fold; none where the two settings have not the same.
fn pairs<'a>(
    a: &'a [Repetition],
    b: &'a [Repetition],
) -> Option<Vec<(&'a Repetition, &'a Repetition)>> {
    let partner = |run: &'a Repetition, among: &'a [Repetition]| {
        let mut same = among.iter().filter(|other| other.keys == run.keys);
        same.next().filter(|_| same.next().is_none())
    };
    let is_told = |run: &Repetition| run.keys.iter().any(Option::is_some);
    let is_all = a.len() == b.len() && a.iter().all(|run| is_told(run) && run.value.is_finite());
    let is_all = is_all && b.iter().all(|run| run.value.is_finite());
    let pairs = a.iter().map(|run| Some((run, partner(run, b)?)));
    pairs.collect::<Option<Vec<_>>>().filter(|_| is_all)
}

fn sample(runs: &[Repetition]) -> Option<Sample> {
    Sample::of(runs.iter().map(|run| run.value))
}

/// What the images add where all runs answered the same ones.
struct Crossed {
    part: Part,
    /// What the spread of runs and that of images both hold.
    shared: f64,
    count: usize,
}

impl Crossed {
    fn of(best: &[Repetition], other: &[Repetition], is_paired: bool) -> Option<Self> {
        let answers = |runs: &[Repetition]| -> Option<Vec<Rc<Answers>>> {
            runs.iter().map(|run| run.answers.clone()).collect()
        };
        let (mut a, b) = (answers(best)?, answers(other)?);
        let first = a.first()?;
        let is_same = a
            .iter()
            .chain(&b)
            .all(|other| first.is_of_same_images(other));
        let count = first.right.len();
        if !is_same || count < 2 {
            return None;
        }
        if is_paired {
            // In the order of the others.
            let at = |run: &Repetition| best.iter().position(|same| same.keys == run.keys);
            let order: Vec<usize> = other.iter().filter_map(at).collect();
            a = order.iter().map(|at| Rc::clone(&a[*at])).collect();
        }
        let number = |answers: &Answers, image: usize| f64::from(u8::from(answers.right[image]));
        let mean = |runs: &[Rc<Answers>], image: usize| {
            runs.iter().map(|run| number(run, image)).sum::<f64>() / runs.len() as f64
        };
        let differences = (0..count).map(|image| mean(&b, image) - mean(&a, image));
        let part = spread(&Sample::of(differences)?)?;
        let row = |run: &Rc<Answers>| (0..count).map(|i| number(run, i)).collect::<Vec<_>>();
        let shared = match is_paired {
            true => {
                let pairs = a.iter().zip(&b);
                let rows =
                    pairs.map(|(a, b)| row(b).iter().zip(row(a)).map(|(b, a)| b - a).collect());
                interaction(&rows.collect::<Vec<_>>())
            }
            false => [a, b]
                .iter()
                .map(|runs| interaction(&runs.iter().map(row).collect::<Vec<_>>()))
                .sum(),
        };
        Some(Crossed {
            part,
            shared,
            count,
        })
    }
}

/// The variance of a table's cells that neither its rows nor its columns explain, over the number of cells.
fn interaction(rows: &[Vec<f64>]) -> f64 {
    let (n, count) = (rows.len(), rows.first().map_or(0, Vec::len));
    if n < 2 || count < 2 {
        return 0.0;
    }
    let of_row: Vec<f64> = rows
        .iter()
        .map(|row| row.iter().sum::<f64>() / count as f64)
        .collect();
    let all = of_row.iter().sum::<f64>() / n as f64;
    let squares: f64 = (0..count)
        .map(|i| {
            let column = rows.iter().map(|row| row[i]).sum::<f64>() / n as f64;
            let rest = rows
                .iter()
                .zip(&of_row)
                .map(|(row, mean)| row[i] - mean - column + all);
            rest.map(|r| r * r).sum::<f64>()
        })
        .sum();
    squares / ((n - 1) * (count - 1)) as f64 / (n * count) as f64
}

/// What would tell a difference `mean`, where the runs' variance is `of_runs` with so many of them, and the images alone
/// leave another with so many of these.
fn needed(mean: f64, (of_runs, runs): (f64, usize), (of_images, images): (f64, usize)) -> Needed {
    let allowed = mean.powi(2) / POWER;
    match of_images >= allowed {
        true => Needed::Images((images as f64 * of_images / allowed).ceil() as usize),
        false => {
            let count = (of_runs * runs as f64 / (allowed - of_images)).ceil();
            Needed::Runs((count as usize).max(2))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEST: [&str; 3] = ["1110110111", "1101110111", "1111111011"];
    const OTHER: [&str; 3] = ["1010100111", "0101010011", "1010010011"];

    /// Runs of these answers; seeds from `first` on.
    fn runs(answers: &[&str], first: usize) -> Vec<Repetition> {
        let run = |(seed, right): (usize, &&str)| {
            let answers = Answers::of(right.bytes().map(|digit| digit == b'1').collect());
            let count = answers.right.iter().filter(|right| **right).count();
            Repetition {
                keys: vec![Some((first + seed).to_string())],
                value: count as f64 / answers.right.len() as f64,
                folder: PathBuf::new(),
                answers: Some(Rc::new(answers)),
            }
        };
        answers.iter().enumerate().map(run).collect()
    }

    fn check(best: &[Repetition], other: &[Repetition], (mean, half, over): (f64, f64, Over)) {
        let found = Difference::between(best, other).unwrap();
        let halves = (found.high - found.mean, found.mean - found.low);
        assert!((found.mean - mean).abs() < 1e-12, "{found:?}");
        assert!((halves.0 - half).abs() < 1e-9, "{found:?}");
        assert!((halves.1 - half).abs() < 1e-9, "{found:?}");
        assert_eq!(found.over, over);
    }

    /// The halves of the intervals by NumPy and SciPy: with D the table of other - best, a row a run,
    /// n, N = D.shape; r = D - D.mean(1)[:, None] - D.mean(0) + D.mean()
    /// runs = D.mean(1).var(ddof=1) / n; images = D.mean(0).var(ddof=1) / N
    /// shared = (r**2).sum() / ((n - 1) * (N - 1)) / (n * N)
    /// v = runs + images - min(shared, runs, images)
    /// t.ppf(.975, v**2 / (runs**2 / (n - 1) + images**2 / (N - 1))) * v**.5
    #[test]
    fn intervals_hold_the_spread_of_runs_and_of_images() {
        let (best, other) = (runs(&BEST, 0), runs(&OTHER, 0));
        check(
            &best,
            &other,
            (-0.3, 0.22042006266606354, Over::RunsAndImages),
        );
        // Of other seeds: the runs' parts of both, as in Welch's test, and `shared` of both.
        check(
            &best,
            &runs(&OTHER, 3),
            (-0.3, 0.18443582418728408, Over::RunsAndImages),
        );
        check(
            &best[..1],
            &other[..1],
            (-0.2, 0.3016209550397607, Over::Images),
        );
    }

    #[test]
    fn pairs_are_those_of_the_same_seed_in_any_order() {
        let (best, mut other) = (runs(&BEST, 0), runs(&OTHER, 0));
        other.rotate_left(1);
        check(
            &best,
            &other,
            (-0.3, 0.22042006266606354, Over::RunsAndImages),
        );
    }

    #[test]
    fn runs_with_images_of_their_own_have_these_in_their_spread() {
        let (best, mut other) = (runs(&BEST, 0), runs(&OTHER, 0));
        let elsewhere = Answers::of_others(vec![true; 10]);
        other[1].answers = Some(Rc::new(elsewhere));
        // t.ppf(.975, n - 1) * runs**.5
        check(&best, &other, (-0.3, 0.24841377117503302, Over::Runs));
        other[0].answers = None;
        assert_eq!(Difference::between(&best[..1], &other[..1]), None);
    }

    #[test]
    fn what_would_tell_a_difference_is_runs_or_images() {
        // 0.0001 * 3 / (0.02**2 / (1.95996 + 0.84162)**2 - 0.00001) = 7.32.
        assert_eq!(needed(0.02, (0.0001, 3), (1e-5, 500)), Needed::Runs(8));
        // 50 images that leave a variance of 0.001 must be 0.001 / (0.0004 / 7.849) times as many.
        assert_eq!(needed(-0.02, (0.0001, 3), (0.001, 50)), Needed::Images(982));
    }
}
