//! The classes that a column of labels tells apart.

use super::cells::{Sheet, Value};
use super::mistakes::Mistakes;
use crate::data::error::Error;
use crate::data::files::file_name;
use crate::datasets::LABEL_COLUMN;
use crate::spec::Problem;
use crate::split::composed;

/// Classes, and the label of each row of each file.
pub(super) struct Classes {
    /// Numbers by value, text as text; those that a Parquet file names, in its order.
    pub names: Vec<String>,
    pub labels: Vec<Vec<u32>>,
    /// What the labels are, in words.
    pub kind: String,
}

impl Classes {
    /// # Errors
    /// Rows without a label, and files that do not agree.
    pub fn of(sheets: &[Sheet], column: &str) -> Result<Self, Error> {
        refuse_empty(sheets, column)?;
        match sheets.iter().find_map(|sheet| sheet.names.as_ref()) {
            Some(names) => Self::named(sheets, names, column),
            None => Self::of_values(sheets, column),
        }
    }

    /// Of labels that the files name, as Hugging Face's `ClassLabel`.
    fn named(sheets: &[Sheet], names: &[String], column: &str) -> Result<Self, Error> {
        let differs = |sheet: &&Sheet| sheet.names.as_deref() != Some(names);
        if let Some(sheet) = sheets.iter().find(differs) {
            let message = format!(
                "names the labels of column \"{column}\" otherwise than other files of the table"
            );
            return Err(Error::file(&sheet.path, message));
        }
        let mut wrong = Mistakes::default();
        let mut label = |sheet: &Sheet, row: usize, value: &Option<Value>| {
            let found = match value {
                Some(Value::Whole(number)) => u32::try_from(*number).ok(),
                _ => None,
            };
            let found = found.filter(|label| (*label as usize) < names.len());
            found.unwrap_or_else(|| {
                let value = value.as_ref().map_or(String::new(), Value::to_string);
                wrong.add(|| format!("{}: {value}", place(sheet, row)));
                0
            })
        };
        let labels = by_row(sheets, &mut label);
        let what = format!(
            "labels in column \"{column}\" that the file has no name for, as {} are named (-1 stands for none)",
            names.len()
        );
        wrong.refuse(LABEL_COLUMN.name, &what, || {
            "take the rows out, or give them a label".into()
        })?;
        Ok(Classes {
            names: names.iter().map(|name| composed(name)).collect(),
            labels,
            kind: "named by the file".into(),
        })
    }

    fn of_values(sheets: &[Sheet], column: &str) -> Result<Self, Error> {
        let value = |value: &Option<Value>| match value {
            Some(Value::Text(text)) => Value::Text(composed(text)),
            Some(value) => value.clone(),
            None => Value::Text(String::new()),
        };
        let values = sheets.iter().flat_map(|sheet| &sheet.labels).map(value);
        let mut all: Vec<Value> = values.collect();
        all.sort();
        all.dedup();
        let kinds = [all.first(), all.last()].map(|value| value.map_or("", Value::kind));
        if kinds[0] != kinds[1] {
            let message = format!(
                "column \"{column}\" holds {} in some rows and {} in others",
                kinds[0], kinds[1]
            );
            return Err(Problem::new("dataset.label_column", message).into());
        }
        let mut label = |_: &Sheet, _: usize, found: &Option<Value>| {
            all.binary_search(&value(found)).unwrap_or(0) as u32
        };
        Ok(Classes {
            labels: by_row(sheets, &mut label),
            names: all.iter().map(Value::to_string).collect(),
            kind: kinds[0].into(),
        })
    }
}

/// What a function makes of each label of each file.
fn by_row(
    sheets: &[Sheet],
    label: &mut dyn FnMut(&Sheet, usize, &Option<Value>) -> u32,
) -> Vec<Vec<u32>> {
    let mut all = Vec::with_capacity(sheets.len());
    for sheet in sheets {
        let labels = sheet.labels.iter().enumerate();
        all.push(
            labels
                .map(|(row, value)| label(sheet, row, value))
                .collect(),
        );
    }
    all
}

/// The place of the row of a label.
fn place(sheet: &Sheet, label: usize) -> String {
    let row = match sheet.counts {
        Some(_) => sheet.rows_of_labels().get(label).copied().unwrap_or(0),
        None => label,
    };
    format!("{} {}", file_name(&sheet.path), sheet.numbers.place(row))
}

fn refuse_empty(sheets: &[Sheet], column: &str) -> Result<(), Error> {
    let mut empty = Mistakes::default();
    for sheet in sheets {
        let rows = sheet.labels.iter().enumerate();
        for (row, _) in rows.filter(|(_, label)| label.is_none()) {
            empty.add(|| place(sheet, row));
        }
    }
    let what = format!("no label in column \"{column}\"");
    empty.refuse(LABEL_COLUMN.name, &what, || {
        "take the rows out, or give them a label".into()
    })
}
