//! The tree-structured Parzen estimator (Bergstra et al., 2011): what is asked next is likely among the best of what was
//! asked so far, and unlikely among the rest.
//!
//! With kernels over all axes at once, as BOHB (Falkner et al., 2018) and Optuna's `multivariate` have it. The k-th
//! question sees the answers up to the (k − lag)-th only, so that it is the same whoever answers first.

mod parzen;

use std::collections::BTreeSet;

use super::draw::{draw, random};
use super::halving::METRIC;
use super::space::{MOST_RUNS, Point, Space};
use super::strategy::{Answers, Asked, Question, Strategy};
use crate::choice::{Choice, Mistake, Opt, Options, Range, Takes, Unset};
use crate::rng::{Purpose, Stream};
use parzen::Parzen;

pub static TPE: Strategy = Strategy {
    choice: Choice {
        name: "tpe",
        options: &[METRIC, SAMPLES, STARTUP, LAG],
    },
    ask,
    metric: Some(&METRIC),
};

const SAMPLES: Opt = Opt {
    name: "samples",
    about: "how many configurations to ask for",
    takes: Takes::Count {
        unset: Unset::Needed(30),
        range: Range::Whole(1, MOST_RUNS),
    },
};

const STARTUP: Opt = Opt {
    name: "startup",
    about: "how many of them are drawn before answers are looked at",
    takes: Takes::Count {
        unset: Unset::Default(10),
        range: Range::Whole(1, MOST_RUNS),
    },
};

const LAG: Opt = Opt {
    name: "lag",
    about: "how many can be open at a time: a question sees the answers to those at least so many before it",
    takes: Takes::Count {
        unset: Unset::Default(4),
        range: Range::Whole(1, 1000),
    },
};

/// Candidates that are drawn for a question, as hyperopt and Optuna draw.
const CANDIDATES: usize = 24;
/// Of spaces of so few points every point is a candidate.
const SMALL: usize = 2048;
/// The best are one of so many, and at most so many, as in Optuna.
const BEST_PART: usize = 10;
const MOST_BEST: usize = 25;

fn ask(options: &Options, space: &Space, answer: &Answers<'_>) -> Result<Asked, Mistake> {
    let (own, repeated) = space.divided();
    let samples = options.count(&SAMPLES);
    let (startup, lag) = (options.count(&STARTUP), options.count(&LAG).max(1));
    let repetitions = repeated.all("give fewer seeds or folds")?;
    let mut asked = Vec::new();
    // As many as there are to be, so that too few are known at once; the first of them are asked.
    let mut points: Vec<Point> = draw(&SAMPLES, samples, &own)?;
    points.truncate(startup);
    let mut answers: Vec<f64> = Vec::new();
    for k in 0..samples {
        if k >= points.len() {
            let seen = k.saturating_sub(lag - 1);
            let known = asked.get(answers.len()..seen).unwrap_or_default();
            let new: Option<Vec<f64>> = known.iter().map(answer).collect();
            let Some(new) = new else {
                return Ok(Asked {
                    questions: asked,
                    is_over: false,
                });
            };
            answers.extend(new);
            match next(&own, &points, &answers, k) {
                Some(point) => points.push(point),
                None => break,
            }
        }
        let round = k.checked_sub(startup).map_or(1, |after| 2 + after / lag);
        let repeated = space.joined(&points[k], &repetitions);
        asked.push(Question::whole(repeated, round));
    }
    Ok(Asked {
        questions: asked,
        is_over: true,
    })
}

/// The `k`-th point, after the first of `points`, of which there are as many as `answers`, gave those; none where nothing
/// new is found.
fn next(space: &Space, points: &[Point], answers: &[f64], k: usize) -> Option<Point> {
    let mut ranked: Vec<usize> = (0..answers.len()).collect();
    ranked.sort_by(|a, b| answers[*b].total_cmp(&answers[*a]).then(a.cmp(b)));
    let best = answers.len().div_ceil(BEST_PART).min(MOST_BEST);
    let (best, rest) = ranked.split_at(best);
    let of = |chosen: &[usize]| {
        let chosen = chosen.iter().map(|at| &points[*at]);
        Parzen::new(space, chosen.collect())
    };
    let (good, bad) = (of(best), of(rest));
    let asked: BTreeSet<&Point> = points.iter().collect();
    let mut stream = Stream::new(space.seed, Purpose::Sweep, k as u64, 1);
    let candidates: Vec<Point> = match space.count() {
        Some(all) if all <= SMALL => (0..all).map(|n| space.point(n)).collect(),
        _ => (0..CANDIDATES).map(|_| good.draw(&mut stream)).collect(),
    };
    let new = candidates
        .into_iter()
        .filter(|point| !asked.contains(point));
    let scored = new.map(|point| (good.log_density(&point) - bad.log_density(&point), point));
    // The first of equal ones.
    let best = scored.reduce(|best, other| if other.0 > best.0 { other } else { best });
    best.map(|(_, point)| point).or_else(|| {
        let mut more = (0..100 * CANDIDATES).map(|_| random(space, &mut stream));
        more.find(|point| !asked.contains(point))
    })
}

#[cfg(test)]
mod tests;
