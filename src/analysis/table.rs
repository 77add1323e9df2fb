//! A comparison as text, as JSON, and as a table with a column a number.

use polars::prelude::{Column, DataFrame, IntoColumn, NamedFrom, Series};
use serde_json::{Map, Value, json};

use super::comparison::{ALPHA, Comparison, Group, Others, Verdict};
use super::error::Error;
use super::measure::{Images, Unit};
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
    let names = comparison
        .measures
        .iter()
        .map(|measure| measure.name.to_owned());
    let mut titles: Vec<String> = axes.into_iter().collect();
    if comparison.images > 1 {
        titles.push(images_title(comparison).into());
    }
    let first_number = titles.len();
    titles.push("n".into());
    titles.extend(names);
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
    for (measure, sample) in comparison.measures.iter().zip(&group.samples) {
        cells.push(sample.map_or(NONE.into(), |sample| shown(&sample, measure.unit)));
    }
    if comparison.can_judge() {
        cells.push(group.p_value.map_or(String::new(), p_value));
    }
    cells.push(match group.verdict {
        Verdict::Best => "best".into(),
        Verdict::WithinNoise => "≈ best".into(),
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

/// What the number of the images that a group was measured on is called.
fn images_title(comparison: &Comparison) -> &'static str {
    match comparison.deciding().map(|measure| measure.on) {
        Some(Images::Validation) => "validation set",
        _ => "test set",
    }
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

/// What stands below the table: what was done, and what to think of it.
pub fn notes(comparison: &Comparison) -> Vec<String> {
    let mut notes = Vec::new();
    let measure = comparison.deciding().map_or("", |measure| measure.name);
    if comparison.images > 1 {
        let set = images_title(comparison);
        notes.push(format!(
            "measured on {} different {set}s, each ranked on its own: {measure} on one {set} does not compare with \
             {measure} on another",
            comparison.images
        ));
    }
    if comparison.can_judge() {
        notes.push(format!(
            "mean ± standard deviation (n runs); p: Welch's t-test of {measure} against the best, two-sided, not \
             corrected for the number of comparisons; ≈ best: p ≥ {ALPHA}"
        ));
    } else if comparison.groups.len() > 1 && comparison.pooled.is_empty() {
        notes.push(
            "with one run each it cannot be told whether a difference is real; sweep the seed too"
                .into(),
        );
    }
    if !comparison.repeated.is_empty() {
        notes.push(format!("averaged over: {}", comparison.repeated.join(", ")));
    }
    if !comparison.pooled.is_empty() {
        notes.push(format!(
            "a group has runs of different settings, which differ in: {}; ± is the deviation within a setting, and \
             differences are not tested",
            comparison.pooled.join(", ")
        ));
    }
    if comparison.unfinished > 0 {
        let unfinished = runs(comparison.unfinished);
        notes.push(format!("left out: {unfinished} that did not finish"));
    }
    if comparison.copies > 0 {
        let copies = runs(comparison.copies);
        notes.push(format!(
            "left out: {copies} that are copies of others, each counted once"
        ));
    }
    if comparison.has_again {
        notes.push(
            "lines with the same values have runs of the same seeds, which build on other models or were done by another \
             version"
                .to_owned(),
        );
    }
    notes.extend(others(comparison));
    notes
}

/// What is said of runs of earlier forms of the spec.
fn others(comparison: &Comparison) -> Option<String> {
    if let Some(key) = &comparison.asked_for {
        return Some(format!(
            "runs of earlier forms of the spec are included, as the present ones do not differ in {key}"
        ));
    }
    let Others { count, keys } = &comparison.others;
    if *count == 0 {
        return None;
    }
    let differ = match keys.as_slice() {
        [] => String::new(),
        keys => format!(" (they differ in {})", keys.join(", ")),
    };
    let runs = runs(*count);
    Some(format!(
        "left out: {runs} of earlier forms of the spec{differ}; compare --all shows them as groups of their own"
    ))
}

fn runs(count: usize) -> String {
    match count {
        1 => "1 run".to_owned(),
        n => format!("{n} runs"),
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
        object.insert("p_value".into(), json!(group.p_value));
        object.insert("verdict".into(), json!(group.verdict.as_str()));
        Value::Object(object)
    };
    let folded: Vec<&String> = comparison
        .pooled
        .iter()
        .chain(&comparison.repeated)
        .collect();
    json!({
        "metric": comparison.deciding().map(|measure| measure.name),
        "test": "Welch's t-test against the best, two-sided",
        "alpha": ALPHA,
        "folded": folded,
        "repeated": comparison.repeated,
        "pooled": comparison.pooled,
        "test_sets": comparison.images,
        "unfinished": comparison.unfinished,
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
    floats("p_value".into(), &|g| g.p_value);
    let verdicts: Vec<&str> = groups.iter().map(|g| g.verdict.as_str()).collect();
    columns.push(Series::new("verdict".into(), verdicts).into_column());
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
