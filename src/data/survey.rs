//! What a dataset has, seen before a run without decoding an image: classes, counts, and what is worth saying.

use std::path::{Path, PathBuf};

use super::arrange::{List, Unseen, test_order};
use super::files::{entries, file_name};
use super::footprint::Footprint;
use super::pick::{Pickers, Subset};
use super::{Error, all_classes, digits, idx, image_folder, published, split};
use crate::spec::{Dataset, DatasetName, Problem, Validation};

/// How many images a run has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Counts {
    pub train: usize,
    pub validation: usize,
    pub test: usize,
    /// Whether the validation images are held out of the training files.
    pub validation_is_held_out: bool,
    /// Whether the test images are held out of the training files.
    pub test_is_held_out: bool,
}

/// A dataset as its folders and labels show it.
#[derive(Clone, Debug)]
pub struct Survey {
    /// The chosen classes' names, in the order of the labels.
    pub classes: Vec<String>,
    /// What a person should know before a run: each a line.
    pub notes: Vec<String>,
    /// What the images take in memory.
    pub footprint: Footprint,
    found: Found,
}

/// The images of the chosen classes.
#[derive(Clone, Debug)]
enum Found {
    Labels(Labels),
    /// How many there are, as published.
    Published {
        train: usize,
        test: usize,
    },
    /// The files do not say so without being unpacked: the run will tell.
    Unknown,
}

/// Labels in the order of the files, of the chosen classes; limited where the files' order decides.
#[derive(Clone, Debug, Default)]
pub(super) struct Labels {
    pub train: Vec<u32>,
    /// Where the files themselves say which images are for validation.
    pub validation: Option<Vec<u32>>,
    /// Where the files themselves have a test part.
    pub test: Option<Vec<u32>>,
    pub is_mixed: bool,
}

impl Labels {
    /// How many images there are.
    fn count(&self) -> usize {
        let held_out = [&self.validation, &self.test].into_iter().flatten();
        self.train.len() + held_out.map(Vec::len).sum::<usize>()
    }
}

/// Looks at a dataset.
///
/// # Errors
/// Files that are missing or cannot be what they should be, classes that are not there: what no run could use.
pub fn survey(spec: &Dataset) -> Result<Survey, Error> {
    if spec.name == DatasetName::ImageFolder {
        return of_folder(spec);
    }
    let all = all_classes(spec)?;
    let subset = Subset::new(spec, &all)?;
    let (labels, notes) = labels(spec, &subset)?;
    let found = match labels {
        Some(labels) => Found::Labels(labels),
        None if spec.path.is_none() => published_counts(spec, &subset),
        None => Found::Unknown,
    };
    Ok(Survey {
        classes: subset.names,
        notes,
        footprint: Footprint::of(spec.name),
        found,
    })
}

fn of_folder(spec: &Dataset) -> Result<Survey, Error> {
    let folders = super::image_folder(spec)?;
    let subset = Subset::new(spec, &folders.classes)?;
    if let [only] = &subset.names[..] {
        return Err(one_class(&folders, only));
    }
    let (files, unused) = folders.listed(&subset)?;
    let labels = files.labels();
    if spec.classes.is_none() {
        unused.refuse_most(labels.count())?;
    }
    let mut notes = folders.layout().notes.clone();
    notes.extend(numbered(&folders.classes, &spec.path));
    notes.extend(unused.notes());
    if labels.test.is_none() && spec.test_split <= 0.0 {
        notes.push("no test images; dataset.test_split = 0.15 would hold some out".into());
    }
    Ok(Survey {
        classes: subset.names,
        notes,
        footprint: Footprint::of_files(files.into_paths()),
        found: Found::Labels(labels),
    })
}

fn one_class(folders: &image_folder::Folders, only: &str) -> Error {
    let train = &folders.layout().train;
    let place = train.path.display();
    let message = format!("{place} has only one class, \"{only}\": there is nothing to tell apart");
    let folder = train.classes.iter().find(|(name, _)| name == only);
    let inside = folder.and_then(|(_, folder)| Some((folder, entries(folder).ok()?.0)));
    let help = match inside {
        Some((folder, inside)) if inside.len() > 1 => {
            let names: Vec<String> = inside.iter().take(6).map(|path| file_name(path)).collect();
            format!(
                "if the classes are the folders in it ({}), set dataset.path to {}",
                names.join(", "),
                folder.display()
            )
        }
        _ => format!("each class needs a folder of its own in {place}"),
    };
    Problem::new("dataset.path", message).help(help).into()
}

/// What is said of classes whose names are other numbers than their labels.
fn numbered(classes: &[String], path: &Option<PathBuf>) -> Option<String> {
    if !classes.iter().all(|class| class.parse::<u64>().is_ok()) {
        return None;
    }
    let mut labelled = classes.iter().enumerate();
    let (label, class) = labelled.find(|(label, class)| **class != label.to_string())?;
    let place = path.as_ref()?.display();
    Some(format!(
        "the class folders in {place} are sorted as text, as Keras and torchvision do: label {label} is class \"{class}\""
    ))
}

/// The labels, where they can be read quickly, `None` where they cannot; and what of the files is not used.
fn labels(spec: &Dataset, subset: &Subset) -> Result<(Option<Labels>, Vec<String>), Error> {
    let mut notes = Vec::new();
    let pickers = Pickers {
        train: subset.picker(spec.train_limit),
        validation: subset.picker(None),
        test: subset.picker(spec.test_limit),
    };
    let dataset = spec.name;
    let Some(path) = &spec.path else {
        return match dataset {
            DatasetName::Digits => Ok((Some(digits::labels(pickers)?), notes)),
            _ => Ok((None, notes)),
        };
    };
    let labels = match dataset {
        DatasetName::Mnist | DatasetName::FashionMnist => {
            idx::files(path, dataset)?;
            Some(idx::labels(path, dataset, pickers)?)
        }
        DatasetName::Cifar10 | DatasetName::Cifar100 => match super::find_cifar(path, dataset)? {
            super::Cifar::Parquet(files) => {
                notes.extend(unused(path, files.unused()));
                notes.extend(files.label_note(dataset));
                Some(files.labels(dataset, pickers, spec.on_bad_image)?)
            }
            super::Cifar::Binary(layout, place) => layout.labels(&place, pickers)?,
        },
        DatasetName::Digits | DatasetName::ImageFolder => None,
    };
    notes.extend(labels.as_ref().and_then(|labels| untested(labels, spec)));
    Ok((labels, notes))
}

/// What is said of test files that have no image of the chosen classes.
fn untested(labels: &Labels, spec: &Dataset) -> Option<String> {
    let is_empty = labels.test.as_ref().is_some_and(Vec::is_empty);
    let said = "the test files have no image of the chosen classes: nothing is tested";
    (is_empty && spec.test_limit != Some(0)).then(|| said.into())
}

/// What is said of Parquet files whose names say no part.
fn unused(folder: &Path, files: &[PathBuf]) -> Option<String> {
    let first = file_name(files.first()?);
    let (place, count) = (folder.display(), files.len());
    Some(format!(
        "not used in {place}: {count} Parquet files whose names say neither train nor test, e.g. {first}"
    ))
}

fn published_counts(spec: &Dataset, subset: &Subset) -> Found {
    let Some((train, test)) = published::counts(spec.name) else {
        return Found::Unknown;
    };
    let chosen = |counts: Vec<usize>, limit: Option<usize>| {
        let counts = counts.into_iter().enumerate();
        let chosen = counts.filter(|(old, _)| subset.label(*old).is_some());
        let all: usize = chosen.map(|(_, count)| count).sum();
        all.min(limit.unwrap_or(usize::MAX))
    };
    Found::Published {
        train: chosen(train, spec.train_limit),
        test: chosen(test, spec.test_limit),
    }
}

impl Survey {
    /// Whether runs of different seeds are divided differently.
    pub fn depends_on_seed(&self, spec: &Dataset) -> bool {
        match &self.found {
            Found::Labels(labels) => labels.is_mixed || spec.validation != Validation::Tail,
            Found::Published { .. } | Found::Unknown => false,
        }
    }

    /// How many images a run of this seed will have, `None` where only the run can tell; and lines of what a person
    /// should know of it.
    ///
    /// # Errors
    /// No image, or none of a class, is left for training; a `test_split` beside a test part.
    pub fn divide(
        &self,
        spec: &Dataset,
        seed: u64,
    ) -> Result<(Option<Counts>, Vec<String>), Problem> {
        let labels = match &self.found {
            Found::Labels(labels) => labels,
            Found::Unknown => return Ok((None, Vec::new())),
            Found::Published { train, test } => {
                let kept = split::training_count(*train, spec.validation_split);
                let counts = Some(Counts {
                    train: kept,
                    validation: train - kept,
                    test: *test,
                    validation_is_held_out: true,
                    test_is_held_out: false,
                });
                return Ok((counts, Vec::new()));
            }
        };
        if labels.test.is_some() {
            super::loaded::refuse_test_split(spec)?;
        }
        let list = List {
            labels: &labels.train,
            classes: &self.classes,
            is_mixed: labels.is_mixed,
        };
        let validates = labels.validation.is_none();
        let arranged = list.arrange(spec, seed, validates, Unseen::Refused, |_| true)?;
        let test = labels.test.as_ref().map(|test| {
            let order = test_order(test, labels.is_mixed);
            order.len().min(spec.test_limit.unwrap_or(usize::MAX))
        });
        let validation = labels.validation.as_ref().map(Vec::len);
        let counts = Counts {
            train: arranged.train.len(),
            validation: validation.unwrap_or(arranged.validation.len()),
            test: test.unwrap_or(arranged.test.len()),
            validation_is_held_out: validates,
            test_is_held_out: labels.test.is_none(),
        };
        Ok((Some(counts), arranged.notes))
    }
}
