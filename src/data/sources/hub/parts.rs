//! Which of a repository's files make up which part of the dataset.

use glob::Pattern;
use serde_json::Value;

use crate::choice::Opt;
use crate::data::error::Error;
use crate::datasets::{SUBSET, TEST_PART, TRAINING_PART, VALIDATION_PART};
use crate::fetch::{Repository, RepositoryFile};
use crate::spec::{Dataset, Problem, nearest};
use crate::split::{PartName, Says, says};

/// The key that names a part's split.
const KEYS: [(PartName, &Opt); 3] = [
    (PartName::Training, &TRAINING_PART),
    (PartName::Validation, &VALIDATION_PART),
    (PartName::Test, &TEST_PART),
];

/// The parts that there are, each with its split.
pub(super) type Parts<'s> = Vec<(PartName, &'s Split)>;

/// A split under its name in the repository, with its Parquet files.
pub(super) struct Split {
    pub name: String,
    pub files: Vec<RepositoryFile>,
}

/// The splits of a repository, or of one of its subsets.
pub(super) struct Splits {
    pub subset: Option<String>,
    all: Vec<Split>,
}

impl Splits {
    /// # Errors
    /// No Parquet file; a subset that is not there, or several of which none is named.
    pub fn of(found: &Repository, spec: &Dataset) -> Result<Self, Error> {
        let is_parquet = |file: &&RepositoryFile| file.path.ends_with(".parquet");
        let files: Vec<&RepositoryFile> = found.siblings.iter().filter(is_parquet).collect();
        if files.is_empty() {
            let message = "the repository has no Parquet file at this revision";
            let help = "of many others the hub has a copy in Parquet: try `revision = \"refs/convert/parquet\"`";
            return Err(Problem::new("dataset.repository", message)
                .help(help)
                .into());
        }
        let wanted = spec.options.text_if_set(&SUBSET);
        let configs = configs(found.card.as_ref());
        let (names, default) = match configs.is_empty() {
            true => (folders(&files), None),
            false => {
                let names = configs.iter().map(|config| config.name.clone()).collect();
                let default = configs.iter().find(|config| config.is_default);
                (names, default.map(|config| config.name.clone()))
            }
        };
        let subset = chosen(wanted, &names, default)?;
        let config = configs
            .iter()
            .find(|config| Some(&config.name) == subset.as_ref());
        let all = match config {
            Some(config) => config.splits(&files),
            None => by_name(&files, subset.as_deref()),
        };
        Ok(Splits { subset, all })
    }

    /// The split of each part: the one that the spec names, else the one whose name says it.
    ///
    /// # Errors
    /// A split that is not there; none for training.
    pub fn parts(&self, spec: &Dataset) -> Result<Parts<'_>, Error> {
        let named = KEYS.map(|(_, key)| spec.options.text_if_set(key));
        let is_taken = |split: &Split| named.iter().flatten().any(|name| *name == split.name);
        let mut parts = Vec::new();
        for ((part, key), named) in KEYS.iter().zip(&named) {
            let split = match named.as_deref() {
                Some("") => None,
                Some(name) => Some(self.named(key, name)?),
                None => self.said(*part, key, is_taken)?,
            };
            parts.extend(split.map(|split| (*part, split)));
        }
        match parts.first() {
            Some((PartName::Training, _)) => Ok(parts),
            _ => {
                let message = format!(
                    "no split is named for training; the splits are {}",
                    self.names()
                );
                let help = format!(
                    "name the one that is meant: `{} = \"…\"`",
                    TRAINING_PART.name
                );
                Err(Problem::new(key_of(&TRAINING_PART), message)
                    .help(help)
                    .into())
            }
        }
    }

    /// What is said of splits that no part is.
    pub fn unused(&self, parts: &Parts<'_>) -> Option<String> {
        let is_used = |split: &&Split| parts.iter().any(|(_, used)| used.name == split.name);
        let unused = self.all.iter().filter(|split| !is_used(split));
        let unused: Vec<&str> = unused.map(|split| split.name.as_str()).collect();
        let keys = KEYS.map(|(_, key)| key.name).join(", ");
        (!unused.is_empty()).then(|| {
            format!(
                "splits left out: {} ({keys} name others)",
                unused.join(", ")
            )
        })
    }

    fn names(&self) -> String {
        let names: Vec<&str> = self.all.iter().map(|split| split.name.as_str()).collect();
        names.join(", ")
    }

    fn named(&self, key: &Opt, name: &str) -> Result<&Split, Error> {
        let found = self.all.iter().find(|split| split.name == name);
        found.ok_or_else(|| {
            let message = format!(
                "there is no split \"{name}\"; the splits are {}",
                self.names()
            );
            let problem = Problem::new(key_of(key), message);
            let near = nearest(name, self.all.iter().map(|split| split.name.as_str()));
            match near {
                Some(near) => problem.help(format!("did you mean \"{near}\"?")).into(),
                None => problem.into(),
            }
        })
    }

    /// The split whose name says a part.
    fn said(
        &self,
        part: PartName,
        key: &Opt,
        is_taken: impl Fn(&Split) -> bool,
    ) -> Result<Option<&Split>, Error> {
        let says_it = |split: &&Split| says(&split.name).and_then(Says::part) == Some(part);
        let found = self
            .all
            .iter()
            .filter(|split| says_it(split) && !is_taken(split));
        let found: Vec<&Split> = found.collect();
        let is_plain = |split: &&&Split| matches!(says(&split.name), Some(Says::Plainly(_)));
        let mut plain = found.iter().filter(is_plain);
        match (plain.next(), plain.next(), &found[..]) {
            (Some(one), None, _) => Ok(Some(one)),
            (_, _, []) => Ok(None),
            (None, _, [one]) => Ok(Some(one)),
            _ => {
                let names: Vec<&str> = found.iter().map(|split| split.name.as_str()).collect();
                let message = format!(
                    "several splits are named for {}: {}",
                    part.as_str(),
                    names.join(", ")
                );
                let help = format!(
                    "name the one that is meant: `{} = \"{}\"`",
                    key.name, names[0]
                );
                Err(Problem::new(key_of(key), message).help(help).into())
            }
        }
    }
}

fn key_of(option: &Opt) -> String {
    format!("dataset.{}", option.name)
}

/// The subset that is read; none where there are none.
fn chosen(
    wanted: Option<String>,
    names: &[String],
    default: Option<String>,
) -> Result<Option<String>, Error> {
    let there = names.join(", ");
    match (wanted, names) {
        (None, []) => Ok(None),
        (None, [one]) => Ok(Some(one.clone())),
        (None, _) if default.is_some() => Ok(default),
        (None, _) => {
            let message = format!("the repository has several subsets: {there}");
            let help = format!(
                "name the one that is meant, e.g. `{} = \"{}\"`",
                SUBSET.name, names[0]
            );
            Err(Problem::new("dataset.repository", message)
                .help(help)
                .into())
        }
        (Some(wanted), names) if names.contains(&wanted) => Ok(Some(wanted)),
        (Some(wanted), _) => {
            let message = match there.is_empty() {
                true => format!("there is no subset \"{wanted}\": the repository has none"),
                false => format!("there is no subset \"{wanted}\"; the subsets are {there}"),
            };
            Err(Problem::new(key_of(&SUBSET), message).into())
        }
    }
}

/// A subset as `configs` in the head of README.md gives it.
struct Config {
    name: String,
    is_default: bool,
    /// Patterns of paths, with the split that the files are of; none where their names say it.
    patterns: Vec<(Option<String>, String)>,
}

/// Those with files of their own.
fn configs(card: Option<&Value>) -> Vec<Config> {
    let configs = card.and_then(|card| card.get("configs")?.as_array());
    let config = |config: &Value| {
        let name = config.get("config_name")?.as_str()?.to_owned();
        Some(Config {
            is_default: config.get("default") == Some(&Value::Bool(true)) || name == "default",
            patterns: patterns(None, config.get("data_files")?),
            name,
        })
    };
    configs.into_iter().flatten().filter_map(config).collect()
}

/// Patterns as they may be written: one, a list, or a list of splits with theirs.
fn patterns(split: Option<&str>, of: &Value) -> Vec<(Option<String>, String)> {
    match of {
        Value::String(pattern) => vec![(split.map(str::to_owned), pattern.clone())],
        Value::Array(all) => all.iter().flat_map(|one| patterns(split, one)).collect(),
        Value::Object(one) => {
            let split = one.get("split").and_then(Value::as_str).or(split);
            one.get("path")
                .map_or(Vec::new(), |path| patterns(split, path))
        }
        _ => Vec::new(),
    }
}

impl Config {
    fn splits(&self, files: &[&RepositoryFile]) -> Vec<Split> {
        let mut splits = Vec::new();
        for (split, pattern) in &self.patterns {
            let Ok(fits) = Pattern::new(pattern) else {
                continue;
            };
            for file in files.iter().filter(|file| fits.matches(&file.path)) {
                let name = split.clone().unwrap_or_else(|| split_of(&file.path));
                add(&mut splits, name, file);
            }
        }
        splits
    }
}

/// The splits of the files in a subset's folder, by their names.
fn by_name(files: &[&RepositoryFile], subset: Option<&str>) -> Vec<Split> {
    let mut splits = Vec::new();
    for file in files {
        let folder = file.path.split_once('/').map(|(folder, _)| folder);
        if subset.is_none_or(|subset| folder == Some(subset)) {
            add(&mut splits, split_of(&file.path), file);
        }
    }
    splits
}

fn add(splits: &mut Vec<Split>, name: String, file: &RepositoryFile) {
    match splits.iter_mut().find(|split| split.name == name) {
        Some(split) if split.files.contains(file) => {}
        Some(split) => split.files.push(file.clone()),
        None => splits.push(Split {
            name,
            files: vec![file.clone()],
        }),
    }
}

/// The folders at the top that hold subsets: all that say no part, beside `data`.
fn folders(files: &[&RepositoryFile]) -> Vec<String> {
    let mut folders: Vec<String> = Vec::new();
    for file in files {
        let folder = file.path.split_once('/').map(|(folder, _)| folder);
        let is_subset = |folder: &&str| *folder != "data" && says(folder).is_none();
        if let Some(folder) = folder.filter(is_subset)
            && !folders.iter().any(|known| known == folder)
        {
            folders.push(folder.to_owned());
        }
    }
    folders
}

/// The split that a path names: `train` of `data/train-00000-of-00002-0123abc.parquet` and of `default/train/0000.parquet`.
fn split_of(path: &str) -> String {
    let path = path.strip_suffix(".parquet").unwrap_or(path);
    let (folders, stem) = path.rsplit_once('/').unwrap_or(("", path));
    let folder = folders.rsplit('/').next().unwrap_or_default();
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let name = match stem.split_once("-of-") {
        Some((first, _)) => first
            .trim_end_matches(|c: char| c.is_ascii_digit())
            .trim_end_matches('-'),
        None => stem,
    };
    match is_number(name) || name.is_empty() {
        true => folder.to_owned(),
        false => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_name_or_its_folder_names_its_split() {
        for (path, split) in [
            ("data/train-00000-of-00002-0123abc.parquet", "train"),
            ("plain_text/test-00000-of-00001.parquet", "test"),
            ("default/validation/0000.parquet", "validation"),
            ("train.parquet", "train"),
            ("data/train_extra-00000-of-00001.parquet", "train_extra"),
        ] {
            assert_eq!(split_of(path), split, "{path}");
        }
    }
}
