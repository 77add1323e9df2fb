//! What a column of labels holds.

use std::path::Path;

use super::cells::{Numbers, Value};
use super::mistakes::Mistakes;
use crate::data::error::Error;
use crate::foreign;
use crate::spec::Problem;

/// Whole numbers up to this are told apart by 64-bit floats.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Labels, and what is to be said of how they were read.
type Labels = (Vec<Option<Value>>, Option<String>);

/// The labels of values that hold several, one after another, and how many each value has; none where nothing stands.
pub(in crate::data::sources) fn separated(
    cells: Vec<Option<String>>,
    separator: &str,
) -> (Vec<Option<String>>, Vec<usize>) {
    let (mut labels, mut counts) = (Vec::new(), Vec::with_capacity(cells.len()));
    for cell in cells {
        let cell = cell.unwrap_or_default();
        let before = labels.len();
        let values = cell.split(separator).map(str::trim);
        labels.extend(
            values
                .filter(|value| !value.is_empty())
                .map(|value| Some(value.to_owned())),
        );
        counts.push(labels.len() - before);
    }
    (labels, counts)
}

/// Labels that are written as text: whole numbers where all are, as numbers are written.
pub(in crate::data::sources) fn of_text(
    path: &Path,
    column: &str,
    cells: Vec<Option<String>>,
    numbers: &Numbers,
) -> Result<Labels, Error> {
    let whole = |cell: &Option<String>| match cell {
        None => Some(None),
        Some(text) => {
            let number: i128 = text.parse().ok()?;
            (number.to_string() == *text).then_some(Some(Value::Whole(number)))
        }
    };
    if let Some(values) = cells.iter().map(whole).collect() {
        return Ok((values, None));
    }
    let decimal = |cell: &Option<String>| match cell {
        None => Some(None),
        Some(text) => decimal(text).map(Some),
    };
    if let Some(decimals) = cells.iter().map(decimal).collect() {
        return of_decimals(path, column, decimals, numbers);
    }
    let cells = cells.into_iter();
    Ok((cells.map(|cell| cell.map(Value::Text)).collect(), None))
}

/// A number, with decimals or without, as programs write it.
fn decimal(text: &str) -> Option<f64> {
    let is_digit = |c: char| c.is_ascii_digit() || "+-.eE".contains(c);
    let is_decimal = text.contains('.') && text.chars().all(is_digit);
    let is_whole = || text.parse().is_ok_and(|n: i128| n.to_string() == text);
    text.parse().ok().filter(|_| is_decimal || is_whole())
}

/// Labels that are numbers with decimals: classes where all are whole, as pandas writes whole numbers beside missing ones.
pub(in crate::data::sources) fn of_decimals(
    path: &Path,
    column: &str,
    decimals: Vec<Option<f64>>,
    numbers: &Numbers,
) -> Result<Labels, Error> {
    let mut wrong = Mistakes::default();
    let mut values = Vec::with_capacity(decimals.len());
    for (row, decimal) in decimals.into_iter().enumerate() {
        match decimal {
            Some(number) if number.fract() != 0.0 || number.abs() > EXACT => {
                wrong.add(|| format!("{}: {number}", numbers.place(row)));
                values.push(None);
            }
            number => values.push(number.map(|number| Value::Whole(number as i128))),
        }
    }
    if wrong.count() > 0 {
        let message = format!(
            "{}: column \"{column}\" holds numbers with decimals, which are no classes: {}",
            foreign::path(path),
            wrong.listed()
        );
        let help = "name the column of the classes; classes that look like numbers need names, such as v1.5; what is \
                    measured must be put into classes first";
        return Err(Problem::new("dataset.label_column", message)
            .help(help)
            .into());
    }
    let note = format!(
        "column {column}: numbers with decimals that are all whole, taken as whole numbers"
    );
    Ok((values, Some(note)))
}
