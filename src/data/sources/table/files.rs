//! Which files make up a table, and what they are written in.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::cells::Sheet;
use super::columns::Columns;
use super::{packed, text};
use crate::data::error::Error;
use crate::data::files::{entries, file_name};
use crate::data::shards::Shards;
use crate::files::open_regular;
use crate::foreign;
use crate::spec::Problem;
use crate::split::PartName;

const PARQUET: &[u8] = b"PAR1";

/// A file of a table.
pub(super) struct TableFile {
    pub path: PathBuf,
    /// The part of all its rows, where its name says it and no column does.
    part: Option<PartName>,
    is_parquet: bool,
}

impl TableFile {
    pub fn new(path: PathBuf, part: Option<PartName>) -> Result<Self, Error> {
        let mut head = Vec::new();
        let file = open_regular(&path).map_err(Error::io(&path))?;
        let mut start = file.take(PARQUET.len() as u64);
        start.read_to_end(&mut head).map_err(Error::io(&path))?;
        let ending = path.extension().unwrap_or_default();
        let is_parquet = head == PARQUET || ending.eq_ignore_ascii_case("parquet");
        Ok(TableFile {
            path,
            part,
            is_parquet,
        })
    }

    /// The columns that are wanted.
    pub fn read(&self, columns: &Columns) -> Result<Sheet, Error> {
        let sheet = match self.is_parquet {
            true => packed::read(&self.path, columns)?,
            false => text::read(&self.path, columns)?,
        };
        if sheet.rows() == 0 {
            return Err(Error::file(&self.path, "has no rows"));
        }
        Ok(Sheet {
            part: self.part,
            ..sheet
        })
    }
}

/// The files of the table at a path: one, the Parquet files in a folder, or those that fit a pattern.
pub(super) fn find(path: &Path, columns: &Columns) -> Result<Vec<TableFile>, Error> {
    if path.is_dir() {
        return in_folder(path, columns);
    }
    if path.exists() {
        return Ok(vec![TableFile::new(path.to_owned(), None)?]);
    }
    let found = glob::glob(&path.to_string_lossy());
    let found =
        found.map_err(|wrong| Error::file(path, format!("no pattern of names: {wrong}")))?;
    let mut files: Vec<PathBuf> = found.flatten().filter(|path| path.is_file()).collect();
    files.sort();
    if files.is_empty() {
        return Err(Error::file(path, "no file is there"));
    }
    let files = files.into_iter().map(|path| TableFile::new(path, None));
    files.collect()
}

fn in_folder(folder: &Path, columns: &Columns) -> Result<Vec<TableFile>, Error> {
    let shards = Shards::find(folder)?;
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
        let message =
            "some of its Parquet files have names that say a part, as train, and others not";
        return Err(Error::file(folder, message));
    }
    let mut files = Vec::new();
    for (paths, part) in parts {
        for path in paths {
            files.push(TableFile::new(path, part.filter(|_| by_name))?);
        }
    }
    match files.is_empty() {
        true => Err(without_parquet(folder)?),
        false => Ok(files),
    }
}

fn without_parquet(folder: &Path) -> Result<Error, Error> {
    let (_, files) = entries(folder)?;
    let is_table = |path: &&PathBuf| {
        let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
        ["csv", "tsv", "tab"].iter().any(|known| ending == *known)
    };
    let message = format!("{}: has no Parquet file", foreign::path(folder));
    let help = match files.iter().find(is_table) {
        Some(table) => format!(
            "set dataset.path to the table itself, e.g. {}",
            foreign::visible(&file_name(table))
        ),
        None => "set dataset.path to the table: a CSV, TSV or Parquet file".into(),
    };
    Ok(Problem::new("dataset.path", message).help(help).into())
}
