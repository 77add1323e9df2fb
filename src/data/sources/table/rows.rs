//! The rows of a table as they are understood: an image, its class, its part, its group.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::cells::{Images, Numbers, Sheet};
use super::classes::Classes;
use super::columns::Columns;
use super::mistakes::Mistakes;
use super::places::Places;
use crate::data::error::Error;
use crate::data::files::file_name;
use crate::label_sets::LabelSets;
use crate::spec::{Dataset, OnBadImage};
use crate::split::{PartName, Says, says};
use crate::text::counted;

/// A row.
pub(super) struct Row {
    /// The file of the table that it stands in, and its place there.
    pub at: (usize, usize),
    /// The image's name inside its folder, or where it is in the table.
    pub name: String,
    /// The image's own file; none where the table has its bytes.
    pub file: Option<PathBuf>,
    /// The class, or with several labels the number of the set of classes.
    pub label: u32,
    pub part: PartName,
    pub group: Option<u32>,
}

/// All rows of a table.
pub(super) struct Rows {
    pub each: Vec<Row>,
    pub classes: Vec<String>,
    /// The classes of each label, where rows can have several.
    pub sets: Option<Arc<LabelSets>>,
    /// What the labels are, in words.
    pub kind: String,
    /// Whether the table has the images' bytes.
    pub is_packed: bool,
    tables: Vec<(PathBuf, Numbers)>,
}

impl Rows {
    /// Understands the rows of all files, whose images lie in a folder; what is to be said is added to `notes`.
    ///
    /// # Errors
    /// Rows that are not as they should be.
    pub fn of(
        sheets: Vec<Sheet>,
        columns: &Columns,
        (spec, folder): (&Dataset, &Path),
        notes: &mut Vec<String>,
    ) -> Result<Self, Error> {
        let classes = Classes::of(&sheets, &columns.label)?;
        let parts = parts(&sheets, columns)?;
        let groups = groups(&sheets, columns)?;
        let is_packed = packed(&sheets, columns)?;
        let images = images(&sheets, columns, (folder, spec.on_bad_image), notes)?;
        let (labels, sets) = match columns.multi_label {
            true => {
                let each = sheets.iter().zip(&classes.labels);
                let (labels, sets) = LabelSets::of(each.flat_map(of_each_row));
                (labels, Some(Arc::new(sets)))
            }
            false => (classes.labels.into_iter().flatten().collect(), None),
        };
        let places = sheets.iter().enumerate();
        let places = places.flat_map(|(file, sheet)| (0..sheet.rows()).map(move |row| (file, row)));
        let together = places.zip(labels).zip(parts).zip(images).enumerate();
        let each = together.map(|(i, (((at, label), part), (name, file)))| Row {
            at,
            name,
            file,
            label,
            part,
            group: groups.as_ref().and_then(|groups| groups.get(i).copied()),
        });
        let mut rows = Rows {
            each: each.collect(),
            classes: classes.names,
            sets,
            kind: classes.kind,
            is_packed,
            tables: sheets
                .into_iter()
                .map(|sheet| (sheet.path, sheet.numbers))
                .collect(),
        };
        notes.extend(rows.leave_out_repeated()?);
        rows.check_groups(columns)?;
        Ok(rows)
    }

    /// The classes of a row: one, or with several labels any number.
    pub fn classes_of<'r>(&'r self, row: &'r Row) -> &'r [u32] {
        match &self.sets {
            Some(sets) => sets.classes(row.label),
            None => std::slice::from_ref(&row.label),
        }
    }

    /// The names of a row's classes.
    pub fn named(&self, row: &Row) -> String {
        let classes = self.classes_of(row).iter();
        let names = classes.filter_map(|class| self.classes.get(*class as usize));
        match names.cloned().collect::<Vec<_>>() {
            none if none.is_empty() => "none of the classes".into(),
            names => names.join(" and "),
        }
    }

    /// `labels.csv line 7`
    pub fn place(&self, row: &Row) -> String {
        let (path, numbers) = &self.tables[row.at.0];
        format!("{} {}", file_name(path), numbers.place(row.at.1))
    }

    /// The images' files.
    pub fn files(&self) -> Vec<PathBuf> {
        self.each
            .iter()
            .filter_map(|row| row.file.clone())
            .collect()
    }

    /// The images' files that are there, with their names.
    pub fn named_files(&self) -> impl Iterator<Item = (String, PathBuf)> {
        let named = self
            .each
            .iter()
            .filter_map(|row| Some((row, row.file.as_ref()?)));
        let there = named.filter(|(_, file)| file.is_file());
        there.map(|(row, file)| (row.name.clone(), file.clone()))
    }

    /// Leaves out rows that say again what another says.
    ///
    /// # Errors
    /// Rows that say something else of the same image.
    fn leave_out_repeated(&mut self) -> Result<Option<String>, Error> {
        let mut seen: HashMap<&Path, &Row> = HashMap::new();
        let (mut other_label, mut other_part) = (Mistakes::default(), Mistakes::default());
        let mut repeated = vec![false; self.each.len()];
        for (row, is_repeated) in self.each.iter().zip(&mut repeated) {
            let Some(file) = row.file.as_deref() else {
                continue;
            };
            let Some(first) = seen.get(file) else {
                seen.insert(file, row);
                continue;
            };
            let both = || {
                format!(
                    "{} and {}: \"{}\"",
                    self.place(first),
                    self.place(row),
                    row.name
                )
            };
            let class = |row: &Row| self.named(row);
            if first.label != row.label {
                let (one, other) = (class(first), class(row));
                other_label.add(|| format!("{} is {one} and {other}", both()));
            } else if first.part != row.part {
                let (one, other) = (first.part.as_str(), row.part.as_str());
                other_part.add(|| format!("{} is in the {one} and the {other} part", both()));
            }
            *is_repeated = true;
        }
        let help = || "keep one of the rows".to_owned();
        other_label.refuse(
            "path",
            "another label than an earlier row gives the image",
            help,
        )?;
        other_part.refuse(
            "path",
            "another part than an earlier row gives the image",
            help,
        )?;
        let count = repeated.iter().filter(|is_repeated| **is_repeated).count();
        let mut is_repeated = repeated.into_iter();
        self.each.retain(|_| !is_repeated.next().unwrap_or(false));
        Ok((count > 0).then(|| {
            let rows = counted(count, "row");
            format!("{rows} left out that name an image again, with the same label")
        }))
    }

    /// Refuses groups that have images in several parts.
    fn check_groups(&self, columns: &Columns) -> Result<(), Error> {
        let mut seen: HashMap<u32, &Row> = HashMap::new();
        let mut wrong = Mistakes::default();
        for row in &self.each {
            let Some(group) = row.group else {
                continue;
            };
            let first = *seen.entry(group).or_insert(row);
            if first.part != row.part {
                let places = (self.place(first), self.place(row));
                let parts = (first.part.as_str(), row.part.as_str());
                wrong.add(|| format!("{} ({}) and {} ({})", places.0, parts.0, places.1, parts.1));
            }
        }
        let group = columns.group.as_deref().unwrap_or_default();
        let what = format!("another part than an earlier row of the same {group}");
        wrong.refuse("group_column", &what, || {
            "a group belongs into one part; correct the column of parts, or leave group_column out".into()
        })
    }
}

/// The classes of each row of a file, of those of its labels.
fn of_each_row((sheet, labels): (&Sheet, &Vec<u32>)) -> Vec<Vec<u32>> {
    let mut rows = vec![Vec::new(); sheet.rows()];
    for (row, label) in sheet.rows_of_labels().into_iter().zip(labels) {
        rows[row].push(*label);
    }
    rows
}

/// The part of each row.
fn parts(sheets: &[Sheet], columns: &Columns) -> Result<Vec<PartName>, Error> {
    let mut wrong = Mistakes::default();
    let mut parts = Vec::new();
    for sheet in sheets {
        let Some(splits) = &sheet.splits else {
            let part = sheet.part.unwrap_or(PartName::Training);
            parts.extend(std::iter::repeat_n(part, sheet.rows()));
            continue;
        };
        for (row, split) in splits.iter().enumerate() {
            let part = match says(split.as_deref().unwrap_or_default()) {
                Some(Says::Plainly(part)) => part,
                _ => {
                    let found = split.as_deref().unwrap_or_default();
                    wrong.add(|| format!("{}: \"{found}\"", place(sheet, row)));
                    PartName::Training
                }
            };
            parts.push(part);
        }
    }
    let column = columns.split.as_deref().unwrap_or_default();
    let what = format!("no part in column \"{column}\"");
    wrong.refuse("split_column", &what, || {
        "parts are train, validation (val, valid, dev) and test (eval), in any case".into()
    })?;
    Ok(parts)
}

/// The group of each row, by number.
fn groups(sheets: &[Sheet], columns: &Columns) -> Result<Option<Vec<u32>>, Error> {
    let Some(column) = &columns.group else {
        return Ok(None);
    };
    let mut empty = Mistakes::default();
    let mut numbers: HashMap<&str, u32> = HashMap::new();
    let mut groups = Vec::new();
    for sheet in sheets {
        for (row, group) in sheet.groups.iter().flatten().enumerate() {
            let Some(group) = group else {
                empty.add(|| place(sheet, row));
                continue;
            };
            let next = numbers.len() as u32;
            groups.push(*numbers.entry(group).or_insert(next));
        }
    }
    let what = format!("no group in column \"{column}\"");
    empty.refuse("group_column", &what, || {
        "give each row one; an image that is alone has a group of its own".into()
    })?;
    Ok(Some(groups))
}

/// Whether the table has the images' bytes.
fn packed(sheets: &[Sheet], columns: &Columns) -> Result<bool, Error> {
    let is_packed = |sheet: &Sheet| matches!(sheet.images, Images::Packed(_));
    let first = sheets.first().is_some_and(is_packed);
    match sheets.iter().find(|sheet| is_packed(sheet) != first) {
        None => Ok(first),
        Some(other) => {
            let column = &columns.image;
            let message = format!(
                "column \"{column}\" holds bytes in one file of the table and names in another"
            );
            Err(Error::file(&other.path, message))
        }
    }
}

/// The name of each row's image, and its file where it has one.
fn images(
    sheets: &[Sheet],
    columns: &Columns,
    (folder, on_bad): (&Path, OnBadImage),
    notes: &mut Vec<String>,
) -> Result<Vec<(String, Option<PathBuf>)>, Error> {
    let mut places = Places::new(folder, on_bad);
    let mut empty = Mistakes::default();
    let mut images = Vec::new();
    for sheet in sheets {
        match &sheet.images {
            Images::Packed(names) => {
                images.extend(names.iter().map(|name| (name.clone(), None)));
            }
            Images::Named(names) => {
                for (row, name) in names.iter().enumerate() {
                    let Some(name) = name else {
                        empty.add(|| place(sheet, row));
                        continue;
                    };
                    let (name, file) = places.find(name, &place(sheet, row));
                    images.push((name, Some(file)));
                }
            }
        }
    }
    let column = &columns.image;
    let what = format!("no image in column \"{column}\"");
    empty.refuse("image_column", &what, || "take the rows out".into())?;
    places.finish(column, notes)?;
    Ok(images)
}

fn place(sheet: &Sheet, row: usize) -> String {
    format!("{} {}", file_name(&sheet.path), sheet.numbers.place(row))
}
