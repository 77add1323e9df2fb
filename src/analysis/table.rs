//! A comparison as text, as JSON, and as a table with a column a number.

use polars::prelude::{Column, DataFrame, IntoColumn, NamedFrom, Series};
use serde_json::{Map, Value, json};

use super::comparison::{ALPHA, Comparison, Group, Verdict};
use super::difference::Difference;
use super::error::Error;
use super::measure::{Images, Measure, Unit};
use super::stats::Sample;
use crate::foreign::csv_cell;
use crate::spec::AxisValue;
use crate::store::text::{short_keys, value};
use crate::text::thousands;

/// Where text is to stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextFormat {
    Terminal,
    Markdown,
}

/// Where there is no value.
const NONE: &str = "–";

/// The comparison as cells, the titles first, with the columns that hold numbers.
pub fn rows(comparison: &Comparison, layout: TextFormat) -> (Vec<Vec<String>>, Vec<usize>) {
    let axes = short_keys(comparison.axes.iter().map(String::as_str));
    let names = shown_measures(comparison).map(|(_, measure)| title(measure).to_owned());
    let mut titles: Vec<String> = axes.into_iter().collect();
    if comparison.images > 1 {
        let [title, _] = images_title(comparison);
        titles.push(title.into());
    }
    let first_number = titles.len();
    titles.push("n".into());
    titles.extend(names);
    if comparison.has_differences() {
        titles.push("difference".into());
    }
    if comparison.can_judge() {
        titles.push("p".into());
    }
    titles.push(String::new());
    let numbers = (first_number..titles.len() - 1).collect();
    let mut rows = vec![titles];
    rows.extend(
        comparison
            .groups
            .iter()
            .map(|group| row(comparison, group, layout)),
    );
    (rows, numbers)
}

fn row(comparison: &Comparison, group: &Group, layout: TextFormat) -> Vec<String> {
    let name = |value_: &Option<AxisValue>| value_.as_ref().map_or(NONE.into(), value);
    let mut cells: Vec<String> = group.point.iter().map(name).collect();
    if comparison.images > 1 {
        cells.push((group.images + 1).to_string());
    }
    cells.push(group.runs.len().to_string());
    for (at, measure) in shown_measures(comparison) {
        let sample = group.samples.get(at).copied().flatten();
        cells.push(sample.map_or(NONE.into(), |sample| shown(&sample, measure.unit)));
    }
    if comparison.has_differences() {
        let unit = comparison.reported().map_or(Unit::Plain, |m| m.unit);
        let cell = |difference| with_interval(&difference, unit);
        cells.push(group.difference.map_or(String::new(), cell));
    }
    if comparison.can_judge() {
        cells.push(group.p_value.map_or(String::new(), p_value));
    }
    cells.push(match group.verdict {
        Verdict::Best => "best".into(),
        Verdict::WithinNoise => "≈ best".into(),
        Verdict::Better => "better".into(),
        Verdict::Worse | Verdict::Unknown => String::new(),
    });
    if layout == TextFormat::Markdown && group.verdict == Verdict::Best {
        let bold = |cell: &mut String| *cell = format!("**{cell}**");
        cells
            .iter_mut()
            .filter(|cell| !cell.is_empty())
            .for_each(bold);
    }
    cells
}

/// The measures that have a column in text, with their places: the loss has one only where it decides.
fn shown_measures(comparison: &Comparison) -> impl Iterator<Item = (usize, &Measure)> {
    let all = comparison.measures.iter().enumerate();
    all.filter(|(at, measure)| *at == 0 || *at == comparison.reported || measure.is_shown())
}

/// The title of a measure's column.
fn title(measure: &Measure) -> &str {
    // Wide enough without the word that every reader adds.
    measure
        .name
        .strip_suffix("_parameters")
        .unwrap_or(measure.name)
}

/// What the number of the images that a group was measured on is called, of one and of several.
pub(super) fn images_title(comparison: &Comparison) -> [&'static str; 2] {
    match (comparison.deciding(), comparison.reported()) {
        (Some(deciding), Some(reported)) if deciding.on != reported.on => {
            ["set of images", "sets of images"]
        }
        (Some(deciding), _) if deciding.on == Images::Validation => {
            ["validation set", "validation sets"]
        }
        _ => ["test set", "test sets"],
    }
}

/// What stands behind a difference: shares differ by percentage points.
pub(crate) fn unit_of_difference(unit: Unit) -> &'static str {
    match unit {
        Unit::Share => " percentage points",
        Unit::Seconds => " s",
        Unit::Plain | Unit::Count => "",
    }
}

/// The number of a difference, without its unit.
fn difference_in(value: f64, unit: Unit) -> String {
    let (scale, digits) = match unit {
        Unit::Share => (100.0, 1),
        Unit::Seconds => (1.0, 1),
        Unit::Count => (1.0, 0),
        Unit::Plain => (1.0, 4),
    };
    // No -0.0.
    format!("{:.digits$}", value * scale + 0.0)
}

/// How large a difference is, with its unit.
pub(super) fn size_of_difference(mean: f64, unit: Unit) -> String {
    difference_in(mean.abs(), unit) + unit_of_difference(unit)
}

/// A difference as `-6.7 (-17.0 to 3.5)`; of shares in percentage points.
pub(crate) fn with_interval(difference: &Difference, unit: Unit) -> String {
    let Difference {
        mean, low, high, ..
    } = difference;
    let [mean, low, high] = [mean, low, high].map(|value| difference_in(*value, unit));
    format!("{mean} ({low} to {high})")
}

/// A sample as `71.2 ± 1.3 %`.
pub(crate) fn shown(sample: &Sample, unit: Unit) -> String {
    let with = |scale: f64, digits: usize, unit: &str| match sample.deviation {
        Some(deviation) => format!(
            "{:.digits$} ± {:.digits$}{unit}",
            sample.mean * scale,
            deviation * scale
        ),
        None => format!("{:.digits$}{unit}", sample.mean * scale),
    };
    match unit {
        Unit::Share => with(100.0, 1, " %"),
        Unit::Plain => with(1.0, 4, ""),
        Unit::Seconds => with(1.0, 1, " s"),
        // The same for all runs of a group, but where parameters are folded.
        Unit::Count => match sample.deviation {
            Some(deviation) if deviation > 0.0 => with(1.0, 0, ""),
            _ => thousands(sample.mean as usize),
        },
    }
}

/// A p-value as people read it.
pub(crate) fn p_value(p: f64) -> String {
    if p < 0.001 {
        "< 0.001".into()
    } else {
        format!("{p:.3}")
    }
}

/// The comparison as JSON.
pub fn json(comparison: &Comparison) -> Value {
    let group = |group: &Group| {
        let point: Map<String, Value> = comparison
            .axes
            .iter()
            .zip(&group.point)
            .map(|(key, value)| (key.clone(), json!(value)))
            .collect();
        let mut object = Map::from_iter([
            ("point".to_owned(), Value::Object(point)),
            ("test_set".into(), json!(group.images + 1)),
            ("n".into(), json!(group.runs.len())),
            ("settings".into(), json!(group.settings)),
            ("runs".into(), json!(group.runs)),
        ]);
        for (measure, sample) in comparison.measures.iter().zip(&group.samples) {
            object.insert(measure.name.to_owned(), json!(sample));
        }
        object.insert("difference".into(), json!(group.difference));
        object.insert("p_value".into(), json!(group.p_value));
        object.insert("verdict".into(), json!(group.verdict.as_str()));
        object.insert("pareto".into(), json!(group.is_on_front));
        Value::Object(object)
    };
    let folded: Vec<&String> = comparison
        .pooled
        .iter()
        .chain(&comparison.repeated)
        .collect();
    json!({
        "metric": comparison.deciding().map(|measure| measure.name),
        "reported": comparison.reported().map(|measure| measure.name),
        "optimistic": comparison.optimistic.is_some(),
        "test": "t-test of what is reported against the best, paired where seeds and folds are the same, else Welch's, \
                 two-sided, corrected by Holm's method",
        "alpha": ALPHA,
        "folded": folded,
        "repeated": comparison.repeated,
        "pooled": comparison.pooled,
        "test_sets": comparison.images,
        "unfinished": comparison.unfinished,
        "paused": comparison.paused,
        "left_out": { "runs": comparison.others.count, "differ_in": comparison.others.keys },
        "groups": comparison.groups.iter().map(group).collect::<Vec<_>>(),
    })
}

/// The comparison as a table with a column a number, for CSV and Parquet.
///
/// # Errors
/// Two columns of one name.
pub fn frame(comparison: &Comparison) -> Result<DataFrame, Error> {
    let groups = &comparison.groups;
    let mut columns: Vec<Column> = Vec::new();
    for (i, key) in comparison.axes.iter().enumerate() {
        let values: Vec<Option<&AxisValue>> = groups.iter().map(|g| g.point[i].as_ref()).collect();
        columns.push(axis_column(key, &values));
    }
    if comparison.images > 1 {
        let images: Vec<i32> = groups.iter().map(|g| g.images as i32 + 1).collect();
        columns.push(Series::new("test_set".into(), images).into_column());
    }
    let counts: Vec<i32> = groups.iter().map(|g| g.runs.len() as i32).collect();
    columns.push(Series::new("n".into(), counts).into_column());
    let mut floats = |name: String, value: &dyn Fn(&Group) -> Option<f64>| {
        let values: Vec<Option<f64>> = groups.iter().map(value).collect();
        columns.push(Series::new(name.into(), values).into_column());
    };
    for (i, measure) in comparison.measures.iter().enumerate() {
        floats(format!("{}_mean", measure.name), &|g| {
            Some(g.samples[i]?.mean)
        });
        floats(format!("{}_std", measure.name), &|g| {
            g.samples[i]?.deviation
        });
    }
    floats("difference".into(), &|g| Some(g.difference?.mean));
    floats("difference_low".into(), &|g| Some(g.difference?.low));
    floats("difference_high".into(), &|g| Some(g.difference?.high));
    floats("p_value".into(), &|g| g.p_value);
    let verdicts: Vec<&str> = groups.iter().map(|g| g.verdict.as_str()).collect();
    columns.push(Series::new("verdict".into(), verdicts).into_column());
    let front: Vec<bool> = groups.iter().map(|group| group.is_on_front).collect();
    columns.push(Series::new("pareto".into(), front).into_column());
    DataFrame::new(groups.len(), columns).map_err(|e| Error::Encode(e.to_string()))
}

/// Numbers as numbers, everything else as text.
fn axis_column(key: &str, values: &[Option<&AxisValue>]) -> Column {
    let number = |value: &Option<&AxisValue>| match value {
        Some(AxisValue::Integer(v)) => Some(*v as f64),
        Some(AxisValue::Float(v)) => Some(*v),
        _ => None,
    };
    let is_integer = |v: &Option<&AxisValue>| matches!(v, None | Some(AxisValue::Integer(_)));
    let series = if values.iter().all(is_integer) {
        let values: Vec<Option<i64>> = values.iter().map(|v| number(v).map(|v| v as i64)).collect();
        Series::new(key.into(), values)
    } else if values.iter().all(|v| v.is_none() || number(v).is_some()) {
        Series::new(key.into(), values.iter().map(number).collect::<Vec<_>>())
    } else {
        let text = |v: &Option<&AxisValue>| v.map(ToString::to_string);
        Series::new(key.into(), values.iter().map(text).collect::<Vec<_>>())
    };
    series.into_column()
}

/// A frame as CSV with a line of titles; text as [`csv_cell`] has it.
pub fn csv(frame: &DataFrame) -> String {
    use polars::prelude::AnyValue;
    let cell = |column: &Column, row: usize| match column.get(row) {
        Ok(AnyValue::String(text)) => csv_cell(text),
        Ok(AnyValue::StringOwned(text)) => csv_cell(&text),
        Ok(AnyValue::Float64(v)) => format!("{v}"),
        Ok(AnyValue::Int64(v)) => v.to_string(),
        Ok(AnyValue::Int32(v)) => v.to_string(),
        _ => String::new(),
    };
    let names = frame.columns().iter().map(|column| csv_cell(column.name()));
    let mut text = names.collect::<Vec<_>>().join(",") + "\n";
    for row in 0..frame.height() {
        let cells = frame.columns().iter().map(|column| cell(column, row));
        text += &(cells.collect::<Vec<_>>().join(",") + "\n");
    }
    text
}
