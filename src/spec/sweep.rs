//! From the axes of a sweep to its points.

use std::collections::BTreeSet;

use figment::value::Value;

use super::diagnostic::Diagnostic;
use super::explain;
use super::key::{self, KeyPath};
use super::kind::{KeyKind, is_replicate, key_kind};
use super::origin::{Origin, Part};
use super::problem::Problem;
use super::run::AxisValue;
use super::types::{AxisRange, AxisValues, Bound, Sweep};
use super::{tree, validate};
use crate::search::{self, Answers, Asked, Scale, Space, Values};

/// Keys that cannot differ between the runs of an experiment.
const FIXED: [&str; 3] = ["name", "extends", "sweep"];

/// One axis, its values untyped.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    pub name: String,
    pub path: KeyPath,
    /// Those that are written; of a range its ends, then those that were drawn.
    pub values: Vec<Value>,
    pub range: Option<search::Range>,
}

impl Axis {
    /// The key of the `index`-th value.
    pub fn place(&self, index: usize) -> KeyPath {
        place(&self.name, self.range.is_some(), index)
    }

    /// The index of a place, whose value is added where it is new.
    pub fn index(&mut self, place: search::Place) -> usize {
        let value = match (place, &self.range) {
            (search::Place::Listed(index), _) => return index,
            (search::Place::Drawn(_), None) => return 0,
            (search::Place::Drawn(number), Some(range)) => drawn(number, range),
        };
        let known = self.values.iter().position(|known| same(known, &value));
        known.unwrap_or_else(|| {
            self.values.push(value);
            self.values.len() - 1
        })
    }

    fn searched(&self) -> search::Axis {
        search::Axis {
            name: self.name.clone(),
            values: match self.range {
                Some(range) => Values::Range(range),
                None => Values::Listed(self.values.len()),
            },
            repeats: is_replicate(&self.name),
        }
    }
}

/// The key of a value of an axis, or of the whole range that it was drawn from.
pub(super) fn place(axis: &str, is_range: bool, index: usize) -> KeyPath {
    match is_range {
        true => key::path(&["sweep", "axes", axis]),
        false => key::axis_path(axis, index, &[]),
    }
}

/// A number of a range as it would be written.
fn drawn(number: f64, range: &search::Range) -> Value {
    match range.is_whole {
        // Bounds that are whole are of 64 bits.
        true => Value::from(number as i64),
        false => Value::from(number),
    }
}

fn same(one: &Value, other: &Value) -> bool {
    tree::to_toml(one) == tree::to_toml(other)
}

/// The axes in the order of the file, or every mistake in them.
pub(super) fn axes(origin: &Origin, sweep: &Sweep) -> Result<Vec<Axis>, Vec<Diagnostic>> {
    let mut axes: Vec<Axis> = Vec::new();
    let mut wrong = Vec::new();
    for (name, given) in sweep.in_order() {
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
        let has_stages = tree::get(origin.merged(), &key::path(&["stage"])).is_some();
        if has_stages && path == key::path(&["training", "epochs"]) {
            let message = format!("`{name}` is not used where a run has stages");
            let help = "sweep the epochs of a stage, e.g. \"stage.0.epochs\"";
            wrong.push(Diagnostic::new(place(), message).help(help));
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
        let name = name.to_owned();
        axes.push(match given {
            AxisValues::List(_) => {
                let values = match tree::get(origin.merged(), &at) {
                    Some(Value::Array(_, values)) => values.clone(),
                    _ => Vec::new(),
                };
                wrong.extend(value_mistakes(origin, &name, &values));
                Axis {
                    name,
                    path,
                    values,
                    range: None,
                }
            }
            AxisValues::Range(given) => match range(&name, given) {
                Ok(range) => Axis {
                    name,
                    path,
                    values: vec![drawn(range.min, &range), drawn(range.max, &range)],
                    range: Some(range),
                },
                Err((bound, message)) => {
                    let at = [at, key::path(bound)].concat();
                    let place = origin.locate(&at, Part::Value);
                    let message = format!("the axis \"{name}\": {message}");
                    wrong.push(Diagnostic::new(place, message));
                    continue;
                }
            },
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

/// A range as it is searched, or which of its keys is wrong, and why.
fn range(
    axis: &str,
    given: &AxisRange,
) -> Result<search::Range, (&'static [&'static str], String)> {
    let (min, max) = (given.min.value(), given.max.value());
    let kind = key_kind(axis);
    if matches!(kind, Some(KeyKind::Boolean | KeyKind::Text)) {
        let message = "its values are no numbers, and have no range; list them";
        return Err((&[], message.into()));
    }
    let are_whole = |bound: Bound| matches!(bound, Bound::Whole(_));
    for (bound, key) in [(given.min, &["min"]), (given.max, &["max"])] {
        if kind == Some(KeyKind::Integer) && !are_whole(bound) {
            let message = format!(
                "its values are whole numbers, and {} is none",
                bound.value()
            );
            return Err((key, message));
        }
        if !bound.value().is_finite() {
            return Err((key, "a bound must be finite".into()));
        }
    }
    if min >= max {
        return Err((&["max"], format!("`max` must be greater than `min`, {min}")));
    }
    if given.scale == Scale::Log && min <= 0.0 {
        let message = format!("a logarithmic range begins above 0, not at {min}");
        return Err((&["min"], message));
    }
    Ok(search::Range {
        min,
        max,
        scale: given.scale,
        is_whole: kind != Some(KeyKind::Float) && are_whole(given.min) && are_whole(given.max),
    })
}

/// The axes as they are searched.
pub(super) fn space(axes: &[Axis], (seed, epochs): (u64, usize)) -> Space {
    Space {
        axes: axes.iter().map(Axis::searched).collect(),
        seed,
        epochs,
    }
}

/// What the sweep's strategy asks, with the answers so far.
///
/// # Errors
/// Options that do not go with each other, or with the axes.
pub(super) fn ask(
    sweep: &Sweep,
    axes: &[Axis],
    (seed, epochs): (u64, usize),
    answers: &Answers<'_>,
) -> Result<Asked, Problem> {
    if let Some(problem) = validate::sweep(sweep).into_iter().next() {
        return Err(problem);
    }
    let space = space(axes, (seed, epochs));
    (sweep.strategy.row().ask)(&sweep.options, &space, answers)
        .map_err(|mistake| Problem::in_table("sweep", mistake))
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
