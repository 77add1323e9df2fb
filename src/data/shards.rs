//! Which files make up the parts of a dataset, and whether they are whole.
//!
//! A file's name or one of the folders it lies in says the part ([`says`]): `train-00000-of-00002-<hash>.parquet`,
//! `data/train.parquet`, `plain_text/train/0000.parquet`. Several files of a part must be one series, none missing and
//! none there twice.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::contents::digest;
use super::error::Error;
use super::files::{file_name, walk};
use crate::split::{PartName, Says, says};

/// The files of each part, in the order of their numbers; a part without files has none.
#[derive(Debug, Default)]
pub(super) struct Shards {
    pub train: Vec<PathBuf>,
    pub validation: Vec<PathBuf>,
    pub test: Vec<PathBuf>,
    /// Files whose names say no part.
    pub unused: Vec<PathBuf>,
}

impl Shards {
    /// The files in and below `folder` whose names end in `ending`, e.g. "parquet".
    ///
    /// # Errors
    /// Files of a part that are not one whole series.
    pub fn find(folder: &Path, ending: &str) -> Result<Self, Error> {
        let mut shards = Shards::default();
        for path in walk(folder)? {
            let has = path.extension().unwrap_or_default();
            if !has.eq_ignore_ascii_case(ending) {
                continue;
            }
            match part(folder, &path)? {
                Some(PartName::Training) => shards.train.push(path),
                Some(PartName::Validation) => shards.validation.push(path),
                Some(PartName::Test) => shards.test.push(path),
                None => shards.unused.push(path),
            }
        }
        for (files, part) in [
            (&mut shards.train, "train"),
            (&mut shards.validation, "validation"),
            (&mut shards.test, "test"),
        ] {
            *files = series(std::mem::take(files), &format!("{part}*.{ending}"))?;
        }
        Ok(shards)
    }
}

/// A name without its ending.
fn stem(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// The part that a file belongs to: by its own name, else by that of the nearest folder below `root` that says one.
fn part(root: &Path, path: &Path) -> Result<Option<PartName>, Error> {
    let inside = path.strip_prefix(root).unwrap_or(path);
    let folders = inside.ancestors().skip(1).map(file_name);
    let mut said = std::iter::once(stem(path))
        .chain(folders)
        .filter_map(|name| says(&name));
    match said.next() {
        None => Ok(None),
        Some(Says::Several) => Err(Error::file(
            path,
            "its name says several parts of a dataset",
        )),
        Some(Says::Plainly(part) | Says::AmongOthers(part)) => Ok(Some(part)),
    }
}

/// The files in the order of their numbers, once it is clear that they are one whole series.
fn series(files: Vec<PathBuf>, pattern: &str) -> Result<Vec<PathBuf>, Error> {
    let Some(first) = files.first() else {
        return Ok(files);
    };
    if let Some(other) = files.iter().find(|file| file.parent() != first.parent()) {
        let message = format!(
            "another {pattern} lies at {}; set dataset.path to the folder that is meant",
            other.display()
        );
        return Err(Error::file(first, message));
    }
    let shards: Vec<Option<(usize, usize)>> = files.iter().map(|f| shard(&stem(f))).collect();
    let numbered = match shards.iter().all(Option::is_none) {
        true => numbered(&files)?,
        false => shards_of_one_set(&files, &shards)?,
    };
    let files: Vec<PathBuf> = numbered.into_values().cloned().collect();
    refuse_copies(&files)?;
    Ok(files)
}

/// `train-00001-of-00002-<hash>`: 1 and 2.
fn shard(stem: &str) -> Option<(usize, usize)> {
    let lower = stem.to_lowercase();
    let (before, after) = ["-of-", "_of_"]
        .iter()
        .find_map(|of| lower.rsplit_once(of))?;
    let is_digit = |c: char| c.is_ascii_digit();
    let digits = |text: &str| -> Option<usize> { text.parse().ok() };
    let before = &before[before.trim_end_matches(is_digit).len()..];
    let after = &after[..after.len() - after.trim_start_matches(is_digit).len()];
    digits(before).zip(digits(after))
}

type Numbered<'a> = BTreeMap<usize, &'a PathBuf>;

fn shards_of_one_set<'a>(
    files: &'a [PathBuf],
    shards: &[Option<(usize, usize)>],
) -> Result<Numbered<'a>, Error> {
    let mut found: Numbered<'a> = BTreeMap::new();
    let mut total = None;
    for (file, shard) in files.iter().zip(shards) {
        let Some((number, of)) = shard else {
            let other = files.iter().find(|other| *other != file).unwrap_or(file);
            return Err(beside(file, other));
        };
        let (first, total) = *total.get_or_insert((file, *of));
        if *of != total {
            let (first, name) = (file_name(first), file_name(file));
            let message = format!("{first} and {name} are files of two sets; keep those of one");
            return Err(Error::file(file, message));
        }
        if let Some(other) = found.insert(*number, file) {
            return Err(twice(*number, other, file));
        }
    }
    let (first, total) = total.unwrap_or((&files[0], files.len()));
    if found.len() != total {
        let there = found.len();
        let are = if there == 1 { "is" } else { "are" };
        let mut numbers = 0..total;
        let missing = numbers
            .find(|number| !found.contains_key(number))
            .unwrap_or(0);
        let message = format!(
            "{total} files belong together, {there} of them {are} there: number {missing} is missing"
        );
        return Err(Error::file(first, message));
    }
    let last = found.keys().next_back().copied().unwrap_or(0);
    // Some count from 1.
    let from = found.keys().next().copied().unwrap_or(0);
    if from > 1 || last - from + 1 != total {
        let message = format!("the numbers of its {total} files go from {from} to {last}");
        return Err(Error::file(first, message));
    }
    Ok(found)
}

/// Files with numbers of their own: where their names begin to differ.
fn numbered(files: &[PathBuf]) -> Result<Numbered<'_>, Error> {
    let stems: Vec<Vec<char>> = files.iter().map(|f| stem(f).chars().collect()).collect();
    let first = &stems[0];
    let is_alone = files.len() == 1;
    let same = (0..first.len()).take_while(|&i| stems.iter().all(|s| s.get(i) == first.get(i)));
    let mut start = same.count();
    if is_alone {
        let is_number = !first.is_empty() && first.iter().all(char::is_ascii_digit);
        start = if is_number { 0 } else { first.len() };
    }
    while start > 0 && first[start - 1].is_ascii_digit() && !is_alone {
        start -= 1;
    }
    let mut found: Numbered<'_> = BTreeMap::new();
    for (file, stem) in files.iter().zip(&stems) {
        let digits = stem[start.min(stem.len())..].iter();
        let digits: String = digits.take_while(|c| c.is_ascii_digit()).collect();
        let number = match digits.parse() {
            Ok(number) => number,
            Err(_) if is_alone => 0,
            Err(_) => {
                let other = files.iter().find(|other| *other != file).unwrap_or(file);
                return Err(beside(file, other));
            }
        };
        if let Some(other) = found.insert(number, file) {
            return Err(twice(number, other, file));
        }
    }
    // Names that are numbers alone count from 0, as the hub's; others from where they like.
    let from = match start {
        0 => 0,
        _ => found.keys().next().copied().unwrap_or(0),
    };
    let expected = (from..).zip(found.keys());
    if let Some((missing, _)) = expected
        .into_iter()
        .find(|(expected, there)| expected != *there)
    {
        let message = format!(
            "{} files are there, but number {missing} is missing",
            found.len()
        );
        return Err(Error::file(&files[0], message));
    }
    Ok(found)
}

fn beside(file: &Path, other: &Path) -> Error {
    let other = file_name(other);
    let message = format!("lies beside {other}: which is meant? keep the files of one set");
    Error::file(file, message)
}

fn twice(number: usize, one: &Path, other: &Path) -> Error {
    let message = format!(
        "file number {number} is there twice, the other is {}: files of two uploads, or a copy; keep one set",
        file_name(one)
    );
    Error::file(other, message)
}

/// Files of a series with the same contents would count every image twice.
fn refuse_copies(files: &[PathBuf]) -> Result<(), Error> {
    let mut by_length: BTreeMap<u64, Vec<(&PathBuf, Option<String>)>> = BTreeMap::new();
    for file in files {
        let length = fs::metadata(file).map_err(Error::io(file))?.len();
        by_length.entry(length).or_default().push((file, None));
    }
    for same in by_length.values_mut().filter(|same| same.len() > 1) {
        for i in 0..same.len() {
            let sum = digest(same[i].0).map_err(Error::io(same[i].0))?;
            let known = same[..i]
                .iter()
                .find(|(_, other)| other.as_ref() == Some(&sum));
            if let Some((other, _)) = known {
                let message = format!("has the same contents as {}", file_name(other));
                return Err(Error::file(same[i].0, message));
            }
            same[i].1 = Some(sum);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The train files that are found among files of these names, or why none.
    fn found(names: &[&str]) -> Result<Vec<String>, String> {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        let shards = Shards::find(folder.path(), "parquet").map_err(|e| e.to_string())?;
        let name = |path: &PathBuf| path.strip_prefix(folder.path()).unwrap().to_owned();
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        Ok(shards.train.iter().map(|path| text(name(path))).collect())
    }

    #[test]
    fn whole_series_are_found_under_every_spelling() {
        for names in [
            &["train.parquet"][..],
            &["data/train-00000-of-00001.parquet"],
            &[
                "data/train-00000-of-00002-6a1f4c2b9d3e7a05.parquet",
                "data/train-00001-of-00002-b42a775f407cee45.parquet",
            ],
            &[
                "plain_text/train/0000.parquet",
                "plain_text/train/0001.parquet",
            ],
            &["train-1.parquet", "train-2.parquet", "train-3.parquet"],
            &["cifar10-train-0.parquet", "cifar10-train-1.parquet"],
            &[
                "Training_00001_of_00002.PARQUET",
                "Training_00002_of_00002.PARQUET",
            ],
            &[
                "train/part-00000-ab12.snappy.parquet",
                "train/part-00001-ab12.snappy.parquet",
            ],
        ] {
            assert_eq!(found(names).unwrap(), names);
        }
        let ten: Vec<String> = (0..11).map(|i| format!("train-{i}.parquet")).collect();
        let names: Vec<&str> = ten.iter().map(String::as_str).collect();
        assert_eq!(found(&names).unwrap(), names, "by number, not as text");
        assert!(found(&["test.parquet"]).unwrap().is_empty());
    }

    #[test]
    fn what_is_no_whole_series_is_refused() {
        for (names, says) in [
            (
                &["train-00000-of-00002-6a1f4c2b9d3e7a05.parquet"][..],
                "2 files belong together, 1 of them is there: number 1",
            ),
            (&["train-00001-of-00002.parquet"], "number 0 is missing"),
            (
                &[
                    "train-00000-of-00001-aa.parquet",
                    "train-00000-of-00001-bb.parquet",
                ],
                "number 0 is there twice",
            ),
            (
                &[
                    "train-00000-of-00001.parquet",
                    "train-00000-of-00001 (1).parquet",
                ],
                "number 0 is there twice",
            ),
            (
                &[
                    "train-00000-of-00001.parquet",
                    "train-00000-of-00002.parquet",
                    "train-00001-of-00002.parquet",
                ],
                "files of two sets",
            ),
            (
                &["train.parquet", "train-00000-of-00001.parquet"],
                "which is meant?",
            ),
            (&["train.parquet", "train_old.parquet"], "which is meant?"),
            (
                &["train/0000.parquet", "train/0002.parquet"],
                "number 1 is missing",
            ),
            (&["train/0001.parquet"], "number 0 is missing"),
            (
                &["a/train.parquet", "b/train.parquet"],
                "another train*.parquet",
            ),
            (&["train_val.parquet"], "several parts"),
        ] {
            let error = found(names).unwrap_err();
            assert!(error.contains(says), "{names:?}: {error}");
        }
    }

    #[test]
    fn the_same_contents_twice_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        for i in 0..2 {
            let name = format!("train-0000{i}-of-00002.parquet");
            fs::write(folder.path().join(name), "same").unwrap();
        }
        let error = Shards::find(folder.path(), "parquet")
            .unwrap_err()
            .to_string();
        assert!(error.contains("same contents"), "{error}");
    }
}
