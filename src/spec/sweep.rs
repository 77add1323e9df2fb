//! From the axes of a sweep to its points.

use std::collections::BTreeSet;

use figment::value::Value;

use super::diagnostic::Diagnostic;
use super::experiment::{AxisValue, Problem};
use super::explain;
use super::key::{self, KeyPath};
use super::origin::{Origin, Part};
use super::tree;
use super::types::{Strategy, Sweep};
use crate::rng::{Purpose, Stream};

/// More runs than this are taken for a mistake.
pub const MOST_RUNS: usize = 100_000;

/// Keys that cannot differ between the runs of an experiment.
const FIXED: [&str; 3] = ["name", "extends", "sweep"];

/// One axis, its values untyped.
pub(super) struct Axis {
    pub name: String,
    pub path: KeyPath,
    pub values: Vec<Value>,
}

/// The axes in the order of the file, or every mistake in them.
pub(super) fn axes(origin: &Origin, sweep: &Sweep) -> Result<Vec<Axis>, Vec<Diagnostic>> {
    let mut axes: Vec<Axis> = Vec::new();
    let mut wrong = Vec::new();
    for (name, _) in sweep.in_order() {
        let at = key::path(&["sweep", "axes", name]);
        let place = || origin.locate(&at, Part::Key);
        let path = match key::parse(name) {
            Ok(path) => path,
            Err(message) => {
                wrong.push(Diagnostic::new(
                    place(),
                    format!("the axis \"{name}\": {message}"),
                ));
                continue;
            }
        };
        if FIXED.contains(&path.first().map_or("", String::as_str)) {
            let message = format!("`{name}` is the same for all runs and cannot be an axis");
            wrong.push(Diagnostic::new(place(), message));
            continue;
        }
        if let Some(unknown) = explain::unknown_axis(place(), name, &path) {
            wrong.push(unknown);
            continue;
        }
        if let Some(other) = axes.iter().find(|other| overlap(&other.path, &path)) {
            let message = format!(
                "the axes \"{}\" and \"{name}\" set the same key",
                other.name
            );
            wrong.push(Diagnostic::new(place(), message).help("keep one of them"));
            continue;
        }
        let values = match tree::get(origin.merged(), &at) {
            Some(Value::Array(_, values)) => values.clone(),
            _ => Vec::new(),
        };
        wrong.extend(value_mistakes(origin, name, &values));
        axes.push(Axis {
            name: name.to_owned(),
            path,
            values,
        });
    }
    wrong.extend(ineffective(origin, &axes));
    if wrong.is_empty() {
        Ok(axes)
    } else {
        Err(wrong)
    }
}

fn overlap(one: &[String], other: &[String]) -> bool {
    key::below(one, other).is_some() || key::below(other, one).is_some()
}

fn value_mistakes(origin: &Origin, name: &str, values: &[Value]) -> Vec<Diagnostic> {
    let mut wrong = Vec::new();
    if values.is_empty() {
        let place = origin.locate(&key::path(&["sweep", "axes", name]), Part::Value);
        let message = format!("the axis \"{name}\" has no values");
        wrong.push(Diagnostic::new(place, message).help("give it some, or remove it"));
    }
    let mut seen = BTreeSet::new();
    for (index, value) in values.iter().enumerate() {
        let value = tree::to_toml(value).to_string();
        if !seen.insert(value.clone()) {
            let place = origin.locate(&key::axis_path(name, index, &[]), Part::Value);
            let message = format!("the axis \"{name}\" has the value {value} twice");
            wrong.push(Diagnostic::new(place, message).help("remove one of them"));
        }
    }
    wrong
}

/// Variables and flags for a key that every run sets anew.
fn ineffective(origin: &Origin, axes: &[Axis]) -> Vec<Diagnostic> {
    let mut wrong = Vec::new();
    for (path, place) in origin.outside_files() {
        let swept = axes
            .iter()
            .find(|axis| key::below(path, &axis.path).is_some());
        if let Some(axis) = swept {
            let name = &axis.name;
            let message = format!("this has no effect: `{name}` is an axis of the sweep");
            let example = axis
                .values
                .first()
                .map_or("…".into(), |v| tree::to_toml(v).to_string());
            let help =
                format!("replace the axis, e.g. `--set 'sweep.axes.\"{name}\"=[{example}]'`");
            wrong.push(Diagnostic::new(place.clone(), message).help(help));
        }
    }
    wrong
}

/// The points of the sweep: for each the index of its value on every axis.
pub(super) fn points(
    sweep: &Sweep,
    lengths: &[usize],
    seed: u64,
) -> Result<Vec<Vec<usize>>, Problem> {
    let all = lengths
        .iter()
        .try_fold(1usize, |all, n| all.checked_mul(*n));
    let too_many = |key: &str, count: String| {
        Problem::new(
            key,
            format!("the sweep has {count} runs; at most {MOST_RUNS} are possible"),
        )
    };
    match (sweep.strategy, sweep.samples) {
        (Strategy::Grid, Some(_)) => Err(Problem::new(
            "sweep.samples",
            "`samples` is no option of the grid strategy; it belongs to random",
        )
        .help("add `strategy = \"random\"` to [sweep], or remove `samples`")),
        (Strategy::Grid, None) => match all {
            Some(all) if all <= MOST_RUNS => Ok((0..all).map(|n| point(n, lengths)).collect()),
            all => {
                let count = all.map_or("too many".into(), |n| n.to_string());
                let help = "shorten the axes, or draw some points with `strategy = \"random\"`";
                Err(too_many("sweep.axes", count).help(help))
            }
        },
        (Strategy::Random, _) if lengths.is_empty() => Err(Problem::new(
            "sweep.strategy",
            "a random sweep needs [sweep.axes] to draw from",
        )),
        (Strategy::Random, None) => Err(Problem::new(
            "sweep.strategy",
            "the random strategy needs `samples`: how many points to draw",
        )
        .help("add e.g. `samples = 10` to [sweep]")),
        (Strategy::Random, Some(0)) => Err(Problem::new(
            "sweep.samples",
            "`samples` must be at least 1",
        )),
        (Strategy::Random, Some(samples)) => match all {
            _ if samples > MOST_RUNS => Err(too_many("sweep.samples", samples.to_string())),
            Some(all) if samples > all => Err(Problem::new(
                "sweep.samples",
                format!("there are only {all} different points to draw, not {samples}"),
            )
            .help("lower `samples`, or use `strategy = \"grid\"` for all of them")),
            _ => Ok(draw(samples, lengths, seed)),
        },
    }
}

/// The `n`-th point of the grid; the last axis varies fastest.
fn point(mut n: usize, lengths: &[usize]) -> Vec<usize> {
    let mut point = vec![0; lengths.len()];
    for (index, length) in point.iter_mut().zip(lengths).rev() {
        *index = n % length;
        n /= length;
    }
    point
}

/// `samples` different points; there are at least as many.
fn draw(samples: usize, lengths: &[usize], seed: u64) -> Vec<Vec<usize>> {
    let mut stream = Stream::new(seed, Purpose::Sweep, 0, 0);
    let all = lengths
        .iter()
        .try_fold(1usize, |all, n| all.checked_mul(*n));
    if let Some(all) = all.filter(|all| *all <= 2 * MOST_RUNS) {
        let mut order: Vec<usize> = (0..all).collect();
        stream.shuffle(&mut order);
        return order
            .iter()
            .take(samples)
            .map(|n| point(*n, lengths))
            .collect();
    }
    let mut seen = BTreeSet::new();
    let mut points = Vec::with_capacity(samples);
    while points.len() < samples {
        let length = |n: &usize| stream.below(u32::try_from(*n).unwrap_or(u32::MAX)) as usize;
        let point: Vec<usize> = lengths.iter().map(length).collect();
        if seen.insert(point.clone()) {
            points.push(point);
        }
    }
    points
}

/// A value of an axis as it stands in the tables.
pub(super) fn axis_value(value: &Value) -> AxisValue {
    match tree::to_toml(value) {
        toml::Value::Boolean(v) => AxisValue::Bool(v),
        toml::Value::Integer(v) => AxisValue::Integer(v),
        toml::Value::Float(v) => AxisValue::Float(v),
        toml::Value::String(v) => AxisValue::Text(v),
        other => AxisValue::Text(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(samples: usize) -> Sweep {
        Sweep {
            strategy: Strategy::Random,
            samples: Some(samples),
            ..Sweep::default()
        }
    }

    #[test]
    fn the_last_axis_of_a_grid_varies_fastest() {
        let points = points(&Sweep::default(), &[2, 3], 0).unwrap();
        let expected = [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]];
        assert_eq!(points, expected);
        assert_eq!(
            super::points(&Sweep::default(), &[], 0).unwrap(),
            [[0usize; 0]]
        );
    }

    #[test]
    fn random_points_differ_and_depend_on_the_seed_alone() {
        for lengths in [vec![3, 4], vec![1000, 1000, 1000]] {
            let drawn = points(&random(12), &lengths, 5).unwrap();
            let distinct: BTreeSet<_> = drawn.iter().collect();
            assert_eq!(distinct.len(), 12);
            assert_eq!(drawn, points(&random(12), &lengths, 5).unwrap());
            assert_ne!(drawn, points(&random(12), &lengths, 6).unwrap());
            let in_range = |p: &Vec<usize>| p.iter().zip(&lengths).all(|(i, n)| i < n);
            assert!(drawn.iter().all(in_range));
        }
    }

    #[test]
    fn impossible_numbers_of_runs_are_refused() {
        let key = |sweep: &Sweep, lengths: &[usize]| points(sweep, lengths, 0).unwrap_err().key;
        assert_eq!(key(&Sweep::default(), &[1000, 1000]), "sweep.axes");
        assert_eq!(key(&Sweep::default(), &[usize::MAX, 3]), "sweep.axes");
        assert_eq!(key(&random(7), &[2, 3]), "sweep.samples");
        assert_eq!(key(&random(200_000), &[1000, 1000]), "sweep.samples");
        assert_eq!(key(&random(0), &[2]), "sweep.samples");
        assert_eq!(key(&random(1), &[]), "sweep.strategy");
    }
}
