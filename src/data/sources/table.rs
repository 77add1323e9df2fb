//! A table with a row per image: CSV, TSV or Parquet, which names the images' files or, in Parquet, holds their bytes.
//!
//! Training images are put into a random order that depends on the seed alone, as those of class folders. Test images keep
//! the table's order.

mod cells;
mod classes;
mod columns;
mod decode;
mod files;
mod form;
pub(super) mod labels;
mod lists;
pub(super) mod mistakes;
mod packed;
mod places;
mod records;
mod rows;
mod said;
mod text;
mod twice;
mod values;

use std::path::{Path, PathBuf};

pub(super) use cells::{Images, Numbers, Sheet, Value};
pub(super) use columns::Columns;
pub(super) use files::{Found, TAR, find};
pub(super) use form::{EncodedImages, Form, Take};

use files::TableFile;
use packed::Packed;
use rows::Rows;
use text::Text;

use crate::data::error::Error;
use crate::data::files::file_name;
use crate::data::footprint::decoding;
use crate::data::format::{Labels, Parts, Reader, Request, Seen, Wanted};
use crate::data::images::Part;
use crate::data::loaded::Listed;
use crate::data::pick::Subset;
use crate::progress::Progress;
use crate::spec::Dataset;
use crate::split::PartName;
use crate::split::test_order;

/// A table that was read and checked, without its images.
struct Table {
    files: Vec<TableFile>,
    columns: Columns,
    rows: Rows,
    /// What is to be said of how it was understood.
    notes: Vec<String>,
}

/// Rows by their places in the table, with their new labels.
type Chosen = Vec<(usize, u32)>;

pub(super) fn open(spec: &Dataset, path: &Path) -> Result<Box<dyn Reader>, Error> {
    let columns = Columns::of(spec);
    let files = find(path, files::PARQUET, &columns)?;
    of_files(spec, files, form, columns, Vec::new())
}

/// Text, or Parquet.
pub(super) fn form(path: PathBuf) -> Result<Box<dyn Form>, Error> {
    Ok(match packed::is_parquet(&path)? {
        true => Box::new(Packed(path)),
        false => Box::new(Text(path)),
    })
}

/// The table that these files are, each with the part of its rows where that is known; with what is to be said of it
/// before.
pub(super) fn of_files(
    spec: &Dataset,
    files: Vec<Found>,
    form: impl Fn(PathBuf) -> Result<Box<dyn Form>, Error>,
    columns: Columns,
    mut notes: Vec<String>,
) -> Result<Box<dyn Reader>, Error> {
    let file = |(part, path): Found| -> Result<TableFile, Error> {
        Ok(TableFile {
            form: form(path.clone())?,
            path,
            part,
        })
    };
    let files = files.into_iter().map(file).collect::<Result<Vec<_>, _>>()?;
    let sheets = files.iter().map(|file| file.read(&columns));
    let sheets = sheets.collect::<Result<Vec<_>, _>>()?;
    notes.push(said::of_files(&sheets));
    notes.extend(sheets.iter().flat_map(|sheet| sheet.notes.clone()));
    let folder = spec.images_folder().unwrap_or_default();
    let rows = Rows::of(sheets, &columns, (spec, &folder), &mut notes)?;
    Ok(Box::new(Table {
        files,
        columns,
        rows,
        notes,
    }))
}

impl Table {
    /// The rows of a part with chosen classes, in the table's order.
    fn of_part(&self, part: PartName, subset: &Subset) -> Chosen {
        let rows = self.rows.each.iter().enumerate();
        let rows = rows.filter(|(_, row)| row.part == part);
        let label = |label: u32| match self.rows.sets {
            // All classes are chosen of images with several labels.
            Some(_) => Some(label),
            None => subset.label(label as usize),
        };
        rows.filter_map(|(at, row)| Some((at, label(row.label)?)))
            .collect()
    }

    /// [`Self::of_part`] of a part that the table may not have.
    fn of_held_out(&self, part: PartName, subset: &Subset) -> Option<Chosen> {
        let is_there = self.rows.each.iter().any(|row| row.part == part);
        is_there.then(|| self.of_part(part, subset))
    }

    fn groups(&self, chosen: &Chosen) -> Vec<u32> {
        let group = |(at, _): &(usize, u32)| self.rows.each[*at].group;
        chosen.iter().filter_map(group).collect()
    }
}

impl Reader for Table {
    fn classes(&self) -> Vec<String> {
        self.rows.classes.clone()
    }

    fn look(&self, spec: &Dataset, subset: &Subset) -> Result<Seen, Error> {
        said::check_classes(&self.rows, subset, &self.columns)?;
        let heaviest = match self.rows.is_packed {
            true => {
                let files = (&self.files[..], &self.columns);
                twice::check_packed(&self.rows, files, spec.on_bad_image)?
            }
            false => {
                twice::check_files(&self.rows)?;
                decoding(self.rows.files())
            }
        };
        let train = self.of_part(PartName::Training, subset);
        let label = |chosen: &Chosen| chosen.iter().map(|(_, label)| *label).collect();
        let held_out = |part| self.of_held_out(part, subset).as_ref().map(label);
        let labels = Labels {
            train: label(&train),
            groups: self.groups(&train),
            validation: held_out(PartName::Validation),
            test: held_out(PartName::Test),
            is_mixed: true,
            sets: self.rows.sets.clone(),
        };
        let mut notes = self.notes.clone();
        notes.extend(said::understood(&self.rows, &self.columns.label, &labels));
        notes.extend(said::of_split(spec, &labels));
        Ok(Seen {
            labels: Some(labels),
            notes,
            decoding: heaviest,
        })
    }

    fn read(&self, request: &Request<'_>, progress: &dyn Progress) -> Result<Parts, Error> {
        let all = self.of_part(PartName::Training, request.subset);
        let test = self.of_held_out(PartName::Test, request.subset);
        let validation = self
            .of_held_out(PartName::Validation, request.subset)
            .filter(|_| request.wanted == Wanted::All);
        let labels: Vec<u32> = all.iter().map(|(_, label)| *label).collect();
        let groups = self.groups(&all);
        let wanted = request.wanted((&labels, &groups), test.is_some());
        let train: Chosen = wanted.iter().map(|&at| all[at as usize]).collect();
        let test = test.map(|test| limited(test, request.spec.test_limit));
        let mut skipped = 0;
        let held_out = [&validation, &test].into_iter().flatten();
        let place = request.place(train.len() + held_out.map(Vec::len).sum::<usize>())?;
        let mut decode = |chosen: Chosen, part| -> Result<(Part, Vec<usize>), Error> {
            let (part, bad) = self.decode(&chosen, (part, &place), request, progress)?;
            skipped += bad.len();
            Ok((part, bad))
        };
        let (train, bad) = decode(train, PartName::Training)?;
        let mut optional = |chosen: Option<Chosen>, part| {
            let read = chosen.map(|chosen| decode(chosen, part).map(|(part, _)| part));
            read.transpose()
        };
        Ok(Parts {
            train,
            listed: Some(Listed::mixed((labels, groups), &wanted, &bad)),
            validation: optional(validation, PartName::Validation)?,
            test: optional(test, PartName::Test)?,
            skipped,
        })
    }

    /// The table's own files, and those that it names.
    fn files(&self) -> Result<Vec<(String, PathBuf)>, Error> {
        let tables = self.files.iter().map(|file| &file.path);
        let mut files: Vec<(String, PathBuf)> =
            tables.map(|path| (file_name(path), path.clone())).collect();
        files.extend(self.rows.named_files());
        Ok(files)
    }
}

/// The test images within a limit: by chance, and the same for every seed.
fn limited(chosen: Chosen, limit: Option<usize>) -> Chosen {
    let Some(limit) = limit.filter(|limit| *limit < chosen.len()) else {
        return chosen;
    };
    let labels: Vec<u32> = chosen.iter().map(|(_, label)| *label).collect();
    let mut places = test_order(&labels, true);
    places.truncate(limit);
    places.sort_unstable();
    places.into_iter().map(|at| chosen[at as usize]).collect()
}
