//! Which files make up a table.

use std::path::{Path, PathBuf};

use super::cells::Sheet;
use super::columns::Columns;
use super::form::Form;
use crate::data::error::Error;
use crate::data::files::{entries, file_name};
use crate::data::shards::Shards;
use crate::foreign;
use crate::spec::Problem;
use crate::split::PartName;

/// A file of a table.
pub(super) struct TableFile {
    pub path: PathBuf,
    /// The part of all its rows, where its name says it and no column does.
    pub part: Option<PartName>,
    pub form: Box<dyn Form>,
}

impl TableFile {
    /// The columns that are wanted.
    pub fn read(&self, columns: &Columns) -> Result<Sheet, Error> {
        let sheet = self.form.read(columns)?;
        if sheet.rows() == 0 {
            return Err(Error::file(&self.path, "has no rows"));
        }
        Ok(Sheet {
            part: self.part,
            ..sheet
        })
    }
}

/// What names of a table's files end in, and what such files are called.
#[derive(Clone, Copy)]
pub(in crate::data::sources) struct Ending {
    pub text: &'static str,
    pub of: &'static str,
}

pub(in crate::data::sources) const PARQUET: Ending = Ending {
    text: "parquet",
    of: "Parquet",
};
pub(in crate::data::sources) const TAR: Ending = Ending {
    text: "tar",
    of: "tar",
};

/// A file, and the part that its name says.
pub(in crate::data::sources) type Found = (Option<PartName>, PathBuf);

/// The files of a table at a path: one, those in a folder whose names have an ending, or those that fit a pattern.
///
/// # Errors
/// No such file, or not a whole series of them.
pub(in crate::data::sources) fn find(
    path: &Path,
    ending: Ending,
    columns: &Columns,
) -> Result<Vec<Found>, Error> {
    if path.is_dir() {
        return in_folder(path, ending, columns);
    }
    if path.exists() {
        return Ok(vec![(None, path.to_owned())]);
    }
    let pattern = path.to_string_lossy();
    let found = glob::glob(&pattern);
    let found =
        found.map_err(|wrong| Error::file(path, format!("no pattern of names: {wrong}")))?;
    let mut files: Vec<PathBuf> = found.flatten().filter(|path| path.is_file()).collect();
    files.sort();
    if files.is_empty() && pattern.contains('{') {
        let message = format!("{}: no file is there", foreign::path(path));
        let help = "patterns of names have *, ? and [0-9]; ranges in braces are not read";
        return Err(Problem::new("dataset.path", message).help(help).into());
    }
    if files.is_empty() {
        return Err(Error::file(path, "no file is there"));
    }
    Ok(files.into_iter().map(|path| (None, path)).collect())
}

fn in_folder(folder: &Path, ending: Ending, columns: &Columns) -> Result<Vec<Found>, Error> {
    let shards = Shards::find(folder, ending.text)?;
    let parts = [
        (shards.train, Some(PartName::Training)),
        (shards.validation, Some(PartName::Validation)),
        (shards.test, Some(PartName::Test)),
        (shards.unused, None),
    ];
    let says_parts = parts
        .iter()
        .any(|(files, part)| part.is_some() && !files.is_empty());
    let says_none = parts
        .iter()
        .any(|(files, part)| part.is_none() && !files.is_empty());
    let by_name = columns.split.is_none() && says_parts;
    if by_name && says_none {
        let message = format!(
            "some of its {} files have names that say a part, as train, and others not",
            ending.of
        );
        return Err(Error::file(folder, message));
    }
    let mut files = Vec::new();
    for (paths, part) in parts {
        let part = part.filter(|_| by_name);
        files.extend(paths.into_iter().map(|path| (part, path)));
    }
    match files.is_empty() {
        true => Err(without(ending, folder)?),
        false => Ok(files),
    }
}

fn without(wanted: Ending, folder: &Path) -> Result<Error, Error> {
    let (_, files) = entries(folder)?;
    let is_table = |path: &&PathBuf| {
        let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
        ["csv", "tsv", "tab"].iter().any(|known| ending == *known)
    };
    let message = format!("{}: has no {} file", foreign::path(folder), wanted.of);
    let problem = Problem::new("dataset.path", message);
    let problem = match files.iter().find(is_table) {
        Some(table) if wanted.text == PARQUET.text => problem.help(format!(
            "set dataset.path to the table itself, e.g. {}",
            foreign::visible(&file_name(table))
        )),
        _ => problem,
    };
    Ok(problem.into())
}
