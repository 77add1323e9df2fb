//! From the axes of a sweep to its points.

use std::collections::BTreeSet;

use figment::value::Value;

use super::diagnostic::Diagnostic;
use super::experiment::{AxisValue, Problem};
use super::explain;
use super::key::{self, KeyPath};
use super::origin::{Origin, Part};
use super::types::Sweep;
use super::{tree, validate};
use crate::search::Point;

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
pub(super) fn points(sweep: &Sweep, lengths: &[usize], seed: u64) -> Result<Vec<Point>, Problem> {
    if let Some(problem) = validate::sweep(sweep).into_iter().next() {
        return Err(problem);
    }
    (sweep.strategy.points)(&sweep.options, lengths, seed)
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
