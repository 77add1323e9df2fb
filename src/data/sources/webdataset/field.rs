//! What a column names: a file of each sample, or a field of one in JSON.

use std::path::Path;

use serde_json::Value as Json;

use super::super::table::labels;
use super::super::table::mistakes::Mistakes;
use super::super::table::{Columns, Numbers, Value};
use crate::data::error::Error;
use crate::data::files::file_name;
use crate::datasets::LABEL_COLUMN;
use crate::foreign::one_line;
use crate::spec::Problem;

/// So many characters of a value are shown.
const LONGEST: usize = 60;
/// The ending of files in JSON.
pub(super) const JSON: &str = "json";

/// A column, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field<'c> {
    /// The ending of the file that it is in.
    pub ending: &'c str,
    /// The field in it, where it is JSON: names of objects' values, one inside the other.
    pub inside: Option<&'c str>,
}

impl<'c> Field<'c> {
    pub fn of(column: &'c str) -> Self {
        let inside = column
            .strip_prefix(JSON)
            .and_then(|rest| rest.strip_prefix('.'));
        Field {
            ending: if inside.is_some() { JSON } else { column },
            inside,
        }
    }

    /// The field of a file in JSON; a name with dots is looked for as it is, then as a way into objects.
    ///
    /// # Errors
    /// Why it is no JSON.
    pub fn in_json(self, bytes: &[u8]) -> Result<Option<Json>, String> {
        let json: Json = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        let Some(inside) = self.inside else {
            return Ok(Some(json));
        };
        let direct = json.get(inside);
        let found = direct.or_else(|| {
            let mut names = inside.split('.');
            names.try_fold(&json, |json, name| json.get(name))
        });
        Ok(found.filter(|found| !found.is_null()).cloned())
    }
}

/// Labels one after another, how many each sample has where it can have several, and what is to be said of them.
pub(super) type Labels = (Vec<Option<Value>>, Option<Vec<usize>>, Option<String>);

/// The labels that stand as text in files of their own.
///
/// # Errors
/// Numbers that are no classes; several labels, and nothing that sets them off.
pub(super) fn of_text(
    path: &Path,
    cells: Vec<Option<String>>,
    numbers: &Numbers,
    columns: &Columns,
) -> Result<Labels, Error> {
    let (cells, counts) = match columns.multi_label {
        true => {
            let separator = columns.separator.as_deref();
            let separator = separator.ok_or_else(|| without_separator(&columns.label))?;
            let (cells, counts) = labels::separated(cells, separator);
            (cells, Some(counts))
        }
        false => (cells, None),
    };
    let (values, note) = labels::of_text(path, &columns.label, cells, numbers)?;
    Ok((values, counts, note))
}

fn without_separator(column: &str) -> Problem {
    let message = format!(
        "\"{column}\" holds text: `dataset.multi_label` needs `dataset.label_separator`, what sets its labels off"
    );
    Problem::new("dataset.multi_label", message)
        .help("add e.g. `label_separator = \",\"` to [dataset]")
}

/// The labels that are fields of files in JSON.
///
/// # Errors
/// Values that are no classes.
pub(super) fn of_json(
    path: &Path,
    cells: Vec<Option<Json>>,
    numbers: &Numbers,
    columns: &Columns,
) -> Result<Labels, Error> {
    let mut wrong = Mistakes::default();
    let (mut values, mut counts) = (Vec::new(), Vec::with_capacity(cells.len()));
    for (row, cell) in cells.into_iter().enumerate() {
        let before = values.len();
        let found = cell.as_ref().map_or("null".to_owned(), Json::to_string);
        match (cell, &columns.separator) {
            (None, _) => values.push(None),
            (Some(Json::Array(all)), _) if columns.multi_label => {
                for one in all {
                    values.push(value(&one));
                }
            }
            (Some(Json::String(text)), Some(separator)) if columns.multi_label => {
                let (all, _) = labels::separated(vec![Some(text)], separator);
                values.extend(all.into_iter().map(|one| one.map(Value::Text)));
            }
            (Some(Json::String(_)), None) if columns.multi_label => {
                return Err(without_separator(&columns.label).into());
            }
            (Some(one), _) => values.push(value(&one)),
        }
        if values[before..].iter().any(Option::is_none) {
            let found: String = found.chars().take(LONGEST).collect();
            let (name, place) = (file_name(path), numbers.place(row));
            wrong.add(|| format!("{name} {place}: {}", one_line(&found)));
        }
        counts.push(values.len() - before);
    }
    let what = format!("no label that can be a class in \"{}\"", columns.label);
    wrong.refuse(LABEL_COLUMN.name, &what, || {
        match columns.multi_label {
            true => "labels are a list of text, whole numbers (64 bit), or true and false",
            false => {
                "classes are text, whole numbers (64 bit), or true and false; several labels of an image are a list, with \
                 dataset.multi_label = true"
            }
        }
        .into()
    })?;
    Ok((values, columns.multi_label.then_some(counts), None))
}

fn value(json: &Json) -> Option<Value> {
    match json {
        Json::Bool(truth) => Some(Value::Truth(*truth)),
        Json::String(text) => Some(Value::Text(text.clone())).filter(|_| !text.is_empty()),
        Json::Number(number) => {
            let whole = number.as_i64().map(i128::from);
            Some(Value::Whole(
                whole.or_else(|| number.as_u64().map(i128::from))?,
            ))
        }
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_lie_at_the_top_or_inside_objects() {
        let json = br#"{"label": 3, "a.b": "top", "a": {"c": ["x"], "n": null}}"#;
        for (column, found) in [
            ("json.label", Some(Json::from(3))),
            ("json.a.b", Some("top".into())),
            ("json.a.c", Some(serde_json::json!(["x"]))),
            ("json.a.n", None),
            ("json.label.x", None),
        ] {
            assert_eq!(Field::of(column).in_json(json), Ok(found), "{column}");
        }
        assert!(Field::of("json.label").in_json(b"{").is_err());
        let whole = Field::of("cls");
        assert_eq!((whole.ending, whole.inside), ("cls", None));
    }
}
