//! What a dataset has, seen before a run without decoding an image: classes, counts, and what is worth saying.

use super::divided::Counts;
use super::error::Error;
use super::footprint::Footprint;
use super::format::{Labels, Seen};
use super::loaded::{refuse_folds, refuse_test_split};
use super::pick::Subset;
use super::read::{known_classes, open_here};
use crate::datasets::{Entry, PartsOf, PathUse, PerClass};
use crate::spec::{Dataset, Problem, Validation};
use crate::split;
use crate::split::{List, Unseen, test_order};

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

/// How a dataset is divided for a seed.
#[derive(Clone, Debug, Default)]
pub struct Division {
    /// How many images a run will have; absent where only the run can tell.
    pub counts: Option<Counts>,
    /// How many training images each class will have; empty where that is not known.
    pub training: Vec<usize>,
    /// What a person should know of it, each a line.
    pub notes: Vec<String>,
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

/// Looks at a dataset.
///
/// # Errors
/// Files that are missing or cannot be what they should be, classes that are not there: what no run could use.
pub fn survey(spec: &Dataset) -> Result<Survey, Error> {
    let entry = spec.name.row();
    let is_here = spec.path.is_some() || entry.path != PathUse::Optional;
    let (subset, seen, found) = if is_here {
        let (subset, reader) = open_here(spec)?;
        let mut seen = reader.look(spec, &subset)?;
        seen.notes.extend(untested(&seen, spec));
        let found = seen.labels.take().map_or(Found::Unknown, Found::Labels);
        (subset, seen, found)
    } else {
        let subset = Subset::new(spec, &known_classes(spec).unwrap_or_default())?;
        let found = published(entry, spec, &subset);
        (subset, Seen::default(), found)
    };
    Ok(Survey {
        classes: subset.names,
        notes: seen.notes,
        footprint: Footprint {
            kept: entry.image.map(|image| image.bytes() as u64),
            decoding: seen.decoding,
        },
        found,
    })
}

/// What is said of a dataset with test files that have no image of the chosen classes.
fn untested(seen: &Seen, spec: &Dataset) -> Option<String> {
    let test = seen.labels.as_ref()?.test.as_ref()?;
    let has_test = spec.name.parts == PartsOf::Published && spec.test_limit != Some(0);
    let said = "the test files have no image of the chosen classes: nothing is tested";
    (test.is_empty() && has_test).then(|| said.into())
}

fn published(entry: &Entry, spec: &Dataset, subset: &Subset) -> Found {
    let (Some(published), Some(classes)) = (entry.published, entry.classes) else {
        return Found::Unknown;
    };
    let chosen = |counts: PerClass, limit: Option<usize>| {
        let chosen = (0..classes.len()).filter(|old| subset.label(*old).is_some());
        let all: usize = chosen.map(|old| counts.of(old)).sum();
        all.min(limit.unwrap_or(usize::MAX))
    };
    Found::Published {
        train: chosen(published.train, spec.train_limit),
        test: chosen(published.test, spec.test_limit),
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

    /// What a run of this seed will have.
    ///
    /// # Errors
    /// No image, or none of a class, is left for training; a `test_split` beside a test part.
    pub fn divide(&self, spec: &Dataset, seed: u64) -> Result<Division, Problem> {
        let labels = match &self.found {
            Found::Labels(labels) => labels,
            Found::Unknown => return Ok(Division::default()),
            Found::Published { train, test } => {
                let kept = match spec.held_out_fold() {
                    Some(fold) => train - split::fold_size(*train, fold),
                    None => split::training_count(*train, spec.validation_split),
                };
                let counts = Some(Counts {
                    train: kept,
                    validation: train - kept,
                    test: *test,
                    validation_is_held_out: true,
                    test_is_held_out: false,
                });
                return Ok(Division {
                    counts,
                    ..Division::default()
                });
            }
        };
        if labels.test.is_some() {
            refuse_test_split(spec)?;
        }
        if labels.validation.is_some() {
            refuse_folds(spec)?;
        }
        let list = List {
            labels: &labels.train,
            groups: &labels.groups,
            classes: &self.classes,
            sets: labels.sets.as_deref(),
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
        let mut training = vec![0; self.classes.len()];
        for &position in &arranged.train {
            let label = labels.train.get(position as usize);
            for class in label.map_or(&[][..], |label| list.classes_of(label)) {
                if let Some(count) = training.get_mut(*class as usize) {
                    *count += 1;
                }
            }
        }
        Ok(Division {
            counts: Some(counts),
            training,
            notes: arranged.notes,
        })
    }
}
