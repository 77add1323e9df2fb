//! What is said of a table before a run: how it was understood, and what cannot be learned from it.

use super::cells::Sheet;
use super::columns::Columns;
use super::rows::{Row, Rows};
use crate::data::error::Error;
use crate::data::files::file_name;
use crate::data::format::Labels;
use crate::data::pick::Subset;
use crate::datasets::LABEL_COLUMN;
use crate::spec::{Dataset, Problem, Validation};
use crate::split::PartName;
use crate::text::{counted, thousands};

/// Classes and rows that are shown.
const CLASSES: usize = 10;
const ROWS: usize = 3;

const PARTS: [PartName; 3] = [PartName::Training, PartName::Validation, PartName::Test];

/// `labels.csv: 30 rows, values set off by commas`
pub(super) fn of_files(sheets: &[Sheet]) -> String {
    let rows = sheets.iter().map(Sheet::rows).sum();
    let rows = counted(rows, "row");
    let name = |sheet: Option<&Sheet>| sheet.map_or(String::new(), |sheet| file_name(&sheet.path));
    match sheets {
        [only] => match only.delimiter {
            Some(by) => format!("{}: {rows}, values set off by {by}", name(Some(only))),
            None => format!("{}: {rows}", name(Some(only))),
        },
        all => {
            let (first, last) = (name(all.first()), name(all.last()));
            format!("{first} to {last}: {} files, {rows}", all.len())
        }
    }
}

/// Refuses labels that no network could learn.
pub(super) fn check_classes(rows: &Rows, subset: &Subset, columns: &Columns) -> Result<(), Error> {
    let column = &columns.label;
    let refused = |message: String, help: &str| {
        let key = format!("dataset.{}", LABEL_COLUMN.name);
        Err(Problem::new(key, message).help(help).into())
    };
    if let [only] = &subset.names[..] {
        let message = format!(
            "column \"{column}\" has one class only, \"{only}\": there is nothing to tell apart"
        );
        return refused(message, "name the column of the classes");
    }
    if rows.sets.is_none() && rows.classes.len() == rows.each.len() && rows.each.len() > 2 {
        let message = format!(
            "column \"{column}\" has another label in each of its {} rows",
            rows.each.len()
        );
        return refused(message, "name the column of the classes");
    }
    let mut counts = vec![0; rows.classes.len()];
    let training = rows
        .each
        .iter()
        .filter(|row| row.part == PartName::Training);
    training
        .flat_map(|row| rows.classes_of(row))
        .for_each(|class| counts[*class as usize] += 1);
    let all = rows
        .each
        .iter()
        .flat_map(|row| rows.classes_of(row).iter().map(move |class| (row, *class)));
    let mut chosen = all.filter(|(_, class)| subset.label(*class as usize).is_some());
    match chosen.find(|(_, class)| counts[*class as usize] == 0) {
        None => Ok(()),
        Some((row, class)) => {
            let class = &rows.classes[class as usize];
            let (part, place) = (row.part.as_str(), rows.place(row));
            let message = format!(
                "{place}: class \"{class}\" is in the {part} part and has no training image"
            );
            refused(
                message,
                "add training images, or leave the class out with dataset.classes",
            )
        }
    }
}

/// The classes with their images, and the first rows.
pub(super) fn understood(rows: &Rows, column: &str, labels: &Labels) -> Vec<String> {
    let mut classes: Vec<String> = (0..rows.classes.len().min(CLASSES))
        .map(|label| of_class(rows, label as u32, labels))
        .collect();
    let count = rows.classes.len();
    if count > CLASSES {
        classes.push("…".into());
    }
    let classes = classes.join(", ");
    let mut notes = vec![format!(
        "{count} classes of column {column} ({}): {classes}",
        rows.kind
    )];
    if rows.sets.is_some() {
        let none = rows
            .each
            .iter()
            .filter(|row| rows.classes_of(row).is_empty());
        let labels: usize = rows.each.iter().map(|row| rows.classes_of(row).len()).sum();
        let mean = labels as f64 / rows.each.len().max(1) as f64;
        let none = counted(none.count(), "image");
        notes.push(format!(
            "{mean:.2} labels an image on average; {none} of none of the classes"
        ));
    }
    notes.extend(alike(&rows.classes));
    let first = rows.each.iter().take(ROWS).map(|row| {
        let class = rows.named(row);
        let part = match has_parts(labels) {
            true => format!(", {}", row.part.as_str()),
            false => String::new(),
        };
        format!("{} is {class}{part}", row.name)
    });
    let first: Vec<String> = first.collect();
    notes.push(format!("first rows of {}", first.join("; ")));
    notes
}

fn has_parts(labels: &Labels) -> bool {
    labels.validation.is_some() || labels.test.is_some()
}

/// `ant (70 training, 10 test)`
fn of_class(rows: &Rows, label: u32, labels: &Labels) -> String {
    let of = |part: Option<PartName>| {
        let of_it = |row: &&Row| rows.classes_of(row).contains(&label);
        let rows = rows.each.iter().filter(of_it);
        rows.filter(|row| part.is_none_or(|part| row.part == part))
            .count()
    };
    let class = &rows.classes[label as usize];
    if !has_parts(labels) {
        return format!("{class} ({})", thousands(of(None)));
    }
    let counts = PARTS.map(|part| (of(Some(part)), part.as_str()));
    let counts: Vec<String> = counts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, part)| format!("{} {part}", thousands(count)))
        .collect();
    format!("{class} ({})", counts.join(", "))
}

/// What is said of classes that differ in small and capital letters alone.
fn alike(classes: &[String]) -> Option<String> {
    let lower = |class: &String| class.to_lowercase();
    let mut sorted: Vec<&String> = classes.iter().collect();
    sorted.sort_by_key(|class| lower(class));
    let pair = sorted
        .windows(2)
        .find(|pair| lower(pair[0]) == lower(pair[1]))?;
    let (one, other) = (pair[0], pair[1]);
    Some(format!(
        "\"{one}\" and \"{other}\" are two classes: they differ in capital letters alone"
    ))
}

/// What is said of how the rows are divided.
pub(super) fn of_split(spec: &Dataset, labels: &Labels) -> Vec<String> {
    let mut notes = Vec::new();
    if labels.test.is_none() && spec.test_split <= 0.0 {
        notes.push("no test images; dataset.test_split = 0.15 would hold some out".into());
    }
    let holds_out = labels.validation.is_none() && spec.validation_split > 0.0
        || labels.test.is_none() && spec.test_split > 0.0;
    if let Some(column) = spec.group_column() {
        let groups = groups(labels);
        match spec.validation {
            Validation::Group => notes.push(format!("{groups} by column {column}; each is held out as a whole")),
            other if holds_out => notes.push(format!(
                "images of the same {column} may be held out and trained on: dataset.validation = \"{other}\"; \
                 \"group\" keeps them together"
            )),
            _ => {}
        }
    }
    notes
}

fn groups(labels: &Labels) -> String {
    let mut groups = labels.groups.clone();
    groups.sort_unstable();
    groups.dedup();
    counted(groups.len(), "group")
}
