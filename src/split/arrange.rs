//! Which images of a training list are trained on, held out for validation, and held out for the test.

use std::collections::HashSet;

use super::groups::number;
use super::hold_out::{fold_of, hold_out, training_count};
use crate::label_sets::LabelSets;
use crate::rng::{Purpose, Stream};
use crate::spec::{Dataset, Problem, Validation};
use crate::text::counted;

/// The streams of [`Purpose::Split`] that order images, by their epoch; the validation split itself has 0.
#[derive(Clone, Copy)]
pub enum Ordering {
    Train = 1,
    Test = 2,
    /// The order that a test part is taken from, and what `random` and `stratified` draw for it.
    TestSplit = 3,
}

/// The seed of everything about a test part: runs with different seeds are tested on the same images.
pub const TEST_SEED: u64 = 0;

/// Images that are to be divided, by their labels in the order of the files.
#[derive(Clone, Copy)]
pub struct List<'a> {
    pub labels: &'a [u32],
    /// The group of each, where the files say any.
    pub groups: &'a [u32],
    /// The classes' names, by label.
    pub classes: &'a [String],
    /// The classes of each label, where images have several.
    pub sets: Option<&'a LabelSets>,
    /// Whether they are put into a random order first, as those of class folders.
    pub is_mixed: bool,
}

/// Positions in a [`List`].
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Arranged {
    pub train: Vec<u32>,
    pub validation: Vec<u32>,
    pub test: Vec<u32>,
    /// What a person should know of it, each a line.
    pub notes: Vec<String>,
}

/// What becomes of a class that has no training image left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unseen {
    /// It is refused where the spec takes its images away, as far as [`List::check`] says; else noted.
    Refused,
    /// It is noted.
    Noted,
}

impl List<'_> {
    /// All positions, mixed by the seed where the list is.
    fn order(&self, ordering: Ordering, seed: u64) -> Vec<u32> {
        let mut all: Vec<u32> = (0..self.labels.len() as u32).collect();
        self.mix(&mut all, ordering, seed);
        all
    }

    fn mix(&self, positions: &mut [u32], ordering: Ordering, seed: u64) {
        if self.is_mixed {
            Stream::new(seed, Purpose::Split, ordering as u64, 0).shuffle(positions);
        }
    }

    /// The test part that `test_split` takes, whatever the seed and the limits.
    fn test_split(&self, spec: &Dataset) -> Vec<u32> {
        if spec.test_split <= 0.0 {
            return Vec::new();
        }
        let order = self.order(Ordering::TestSplit, TEST_SEED);
        let images = (self.labels_of(&order), self.groups_of(&order));
        let count = order.len() - training_count(order.len(), spec.test_split);
        let stream = (TEST_SEED, Ordering::TestSplit as u64);
        let held_out = hold_out((&images.0, &images.1), spec.validation, count, stream);
        held_out.into_iter().map(|i| order[i]).collect()
    }

    /// What is trained on and held out for validation, in the order of training, and the test part; both limited.
    pub fn before_validation(&self, spec: &Dataset, seed: u64) -> (Vec<u32>, Vec<u32>) {
        let (mut train, mut test) = self.before_limits(spec, seed);
        train.truncate(spec.train_limit.unwrap_or(usize::MAX));
        test.truncate(spec.test_limit.unwrap_or(usize::MAX));
        (train, test)
    }

    fn before_limits(&self, spec: &Dataset, seed: u64) -> (Vec<u32>, Vec<u32>) {
        let test = self.test_split(spec);
        let tested: HashSet<u32> = test.iter().copied().collect();
        let mut train: Vec<u32> = (0..self.labels.len() as u32).collect();
        train.retain(|position| !tested.contains(position));
        self.mix(&mut train, Ordering::Train, seed);
        (train, test)
    }

    /// Divides the list. `is_there` tells which images decoded; the limits count the others too. With `validates`
    /// `validation_split` is taken of it.
    ///
    /// # Errors
    /// No image, or with [`Unseen::Refused`] none of a class, is left for training.
    pub fn arrange(
        &self,
        spec: &Dataset,
        seed: u64,
        validates: bool,
        unseen: Unseen,
        is_there: impl Fn(u32) -> bool,
    ) -> Result<Arranged, Problem> {
        let (mut rest, mut test) = self.before_limits(spec, seed);
        let mut left = rest.clone();
        left.truncate(spec.train_limit.unwrap_or(usize::MAX));
        test.truncate(spec.test_limit.unwrap_or(usize::MAX));
        for positions in [&mut rest, &mut left, &mut test] {
            positions.retain(|position| is_there(*position));
        }
        if left.is_empty() {
            let message = "`dataset` chooses no training image";
            let help = "the files of its training part have none of the chosen classes";
            let problem = match rest.is_empty() && !test.is_empty() {
                true => Problem::new(
                    "dataset.test_split",
                    "`dataset.test_split` leaves no training image",
                )
                .help("lower it"),
                false => Problem::new("dataset", message).help(help),
            };
            return Err(problem);
        }
        let images = left.len();
        let held_out = match validates {
            true => self.validation(spec, seed, &left)?,
            false => Vec::new(),
        };
        let mut is_held_out = vec![false; images];
        held_out.iter().for_each(|&i| is_held_out[i] = true);
        let part = |wanted: bool| -> Vec<u32> {
            let chosen = left.iter().zip(&is_held_out);
            let chosen = chosen.filter(|(_, held_out)| **held_out == wanted);
            chosen.map(|(&position, _)| position).collect()
        };
        let mut arranged = Arranged {
            train: part(false),
            validation: part(true),
            test,
            notes: Vec::new(),
        };
        self.check(spec, unseen, (&rest, &left), &mut arranged)?;
        Ok(arranged)
    }

    /// The places in `left`, what is left for training, of the images that are held out for validation.
    ///
    /// # Errors
    /// All of them are, or a group cannot be.
    fn validation(&self, spec: &Dataset, seed: u64, left: &[u32]) -> Result<Vec<usize>, Problem> {
        let (labels, groups) = (self.labels_of(left), self.groups_of(left));
        let images = (&labels[..], &groups[..]);
        if let Some((fold, folds)) = spec.held_out_fold() {
            self.check_folds(spec, folds, left)?;
            return Ok(fold_of(images, spec.validation, (fold, folds), (seed, 0)));
        }
        let count = left.len() - training_count(left.len(), spec.validation_split);
        if count == left.len() {
            return Err(all_held_out(spec, count));
        }
        self.check_groups(spec, left, count)?;
        Ok(hold_out(images, spec.validation, count, (seed, 0)))
    }

    /// Refuses more folds than there are images, or groups.
    fn check_folds(&self, spec: &Dataset, folds: usize, left: &[u32]) -> Result<(), Problem> {
        self.check_groups(spec, left, 0)?;
        let groups = number(self.groups_of(left).into_iter());
        let there = match spec.validation {
            Validation::Group => (groups, counted(groups, "group")),
            _ => (left.len(), counted(left.len(), "training image")),
        };
        if there.0 >= folds {
            return Ok(());
        }
        let message = format!("`dataset.folds = {folds}`, but there are {}", there.1);
        Err(Problem::new("dataset.folds", message).help("lower it, or add images"))
    }

    /// Looks for classes that lose their last training image, in the test split, the limit or the validation split.
    ///
    /// Images of folders are mixed here, so that it is chance which are held out: a class that is lost so is refused.
    /// Other datasets keep their files' order, as in Keras; there a class is refused that the splits take away, but not
    /// one that the first few images do not have.
    fn check(
        &self,
        spec: &Dataset,
        unseen: Unseen,
        (rest, left): (&[u32], &[u32]),
        arranged: &mut Arranged,
    ) -> Result<(), Problem> {
        let count = |positions: &[u32]| {
            let mut counts = vec![0usize; self.classes.len()];
            for label in self.labels_of(positions) {
                for class in self.classes_of(&label) {
                    if let Some(count) = counts.get_mut(*class as usize) {
                        *count += 1;
                    }
                }
            }
            counts
        };
        let all: Vec<u32> = (0..self.labels.len() as u32).collect();
        let (all, rest, left) = (count(&all), count(rest), count(left));
        let train = count(&arranged.train);
        let lost = |before: &[usize], after: &[usize]| -> Vec<usize> {
            let classes = 0..self.classes.len();
            classes
                .filter(|&c| before[c] > 0 && after[c] == 0)
                .collect()
        };
        let limited = spec.train_limit.is_some();
        let validation = match spec.folds {
            Some(_) => "folds",
            None => "validation_split",
        };
        for (key, before, after, is_refused) in [
            ("test_split", &all, &rest, true),
            ("train_limit", &rest, &left, self.is_mixed),
            (validation, &left, &train, self.is_mixed || !limited),
        ] {
            let lost = lost(before, after);
            if lost.is_empty() {
                continue;
            }
            let problem = unseen_problem(key, &self.named(&lost, before), spec);
            if is_refused && unseen == Unseen::Refused {
                return Err(problem);
            }
            arranged.notes.push(problem.message);
        }
        let none = |counts: &[usize]| -> Vec<usize> {
            let classes = 0..self.classes.len();
            classes.filter(|&c| counts[c] == 0).collect()
        };
        let absent = none(&all);
        if !absent.is_empty() {
            // Where the files' order decides, the labels are those within the limit.
            arranged.notes.push(if limited && !self.is_mixed {
                let classes = self.listed(&absent, |_| String::new());
                unseen_problem("train_limit", &classes, spec).message
            } else {
                let named = self.named(&absent, &all);
                format!("the training files have no image of {named}")
            });
        }
        for (part, positions) in [
            ("validation", &arranged.validation),
            ("test", &arranged.test),
        ] {
            let lacking = none(&count(positions));
            if self.is_mixed && !positions.is_empty() && !lacking.is_empty() {
                let named = self.named(&lacking, &all);
                arranged.notes.push(format!("no {part} image of {named}"));
            }
        }
        Ok(())
    }

    /// Refuses to hold groups out where there is only one.
    fn check_groups(&self, spec: &Dataset, left: &[u32], count: usize) -> Result<(), Problem> {
        if spec.validation != Validation::Group {
            return Ok(());
        }
        let all = number(self.groups.iter().copied());
        let left = number(self.groups_of(left).into_iter());
        let (key, of) = match (spec.test_split > 0.0 && all < 2, count > 0 && left < 2) {
            (true, _) => ("test_split", "all images"),
            (_, true) => ("validation_split", "all images left for training"),
            _ => return Ok(()),
        };
        let column = spec.group_column().unwrap_or_default();
        let message = format!(
            "`dataset.{key}` cannot hold out a group: {of} are of one, by column \"{column}\""
        );
        let help = format!("set `dataset.{key} = 0`, or another `dataset.validation`");
        Err(Problem::new("dataset.group_column", message).help(help))
    }

    /// `class "ant" (1 image)`
    fn named(&self, labels: &[usize], counts: &[usize]) -> String {
        self.listed(labels, |label| {
            format!(" ({})", counted(counts[label], "image"))
        })
    }

    /// The first of these classes, each with what `more` says of it.
    fn listed(&self, labels: &[usize], more: impl Fn(usize) -> String) -> String {
        const SHOWN: usize = 5;
        let shown = labels.iter().take(SHOWN);
        let shown = shown.map(|&label| format!("\"{}\"{}", self.classes[label], more(label)));
        let mut names: Vec<String> = shown.collect();
        if labels.len() > SHOWN {
            names.push("…".into());
        }
        let class = if labels.len() == 1 {
            "class"
        } else {
            "classes"
        };
        format!("{class} {}", names.join(", "))
    }

    /// The classes of a label: itself, or those of its set.
    pub fn classes_of<'s>(&'s self, label: &'s u32) -> &'s [u32] {
        match self.sets {
            Some(sets) => sets.classes(*label),
            None => std::slice::from_ref(label),
        }
    }

    fn labels_of(&self, positions: &[u32]) -> Vec<u32> {
        let label = |&position: &u32| self.labels.get(position as usize).copied();
        positions.iter().filter_map(label).collect()
    }

    fn groups_of(&self, positions: &[u32]) -> Vec<u32> {
        let group = |&position: &u32| self.groups.get(position as usize).copied();
        positions.iter().filter_map(group).collect()
    }
}

/// The validation split takes all images.
fn all_held_out(spec: &Dataset, images: usize) -> Problem {
    let (split, limit) = (spec.validation_split, spec.train_limit);
    let limit = limit.filter(|limit| images >= *limit);
    let images = match images {
        1 => "the only training image".into(),
        _ => format!("all {}", counted(images, "training image")),
    };
    let message = format!("`dataset.validation_split = {split}` holds out {images}");
    match limit {
        Some(limit) => Problem::new(
            "dataset.train_limit",
            format!("{message} that `dataset.train_limit = {limit}` leaves"),
        )
        .help("raise it, or set `dataset.validation_split = 0`"),
        None => Problem::new("dataset.validation_split", message)
            .help("lower it, add images, or set `dataset.validation_split = 0`"),
    }
}

/// A class that nothing is learned of.
fn unseen_problem(key: &str, classes: &str, spec: &Dataset) -> Problem {
    let (message, help) = match key {
        "train_limit" => (
            format!("`dataset.train_limit` leaves no training image of {classes}"),
            "raise it, or leave classes out with dataset.classes",
        ),
        _ if spec.validation == Validation::Stratified => (
            format!("`dataset.{key}` holds out all training images of {classes}"),
            "lower it, add images, or leave classes out with dataset.classes",
        ),
        _ if spec.validation == Validation::Group => (
            format!(
                "`dataset.{key}` holds out all training images of {classes}, which are of few groups"
            ),
            "lower it, add images of other groups, or leave classes out with dataset.classes",
        ),
        _ => (
            format!("`dataset.{key}` holds out all training images of {classes}"),
            "dataset.validation = \"stratified\" keeps an image of every class for training; or add images, or leave \
             classes out with dataset.classes",
        ),
    };
    Problem::new(format!("dataset.{key}"), message).help(help)
}

/// The order of a test part that lies in files of its own: mixed like a training list, and the same for every seed.
pub fn test_order(labels: &[u32], is_mixed: bool) -> Vec<u32> {
    let list = List {
        labels,
        groups: &[],
        classes: &[],
        sets: None,
        is_mixed,
    };
    list.order(Ordering::Test, TEST_SEED)
}
