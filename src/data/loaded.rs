//! A dataset's images in memory, and how they are divided.

use std::sync::Arc;

use super::divided::Data;
use super::error::Error;
use super::images::Part;
use super::view::View;
use crate::spec::{Dataset, Problem};
use crate::split::{List, Unseen};

/// A dataset's images in memory, before they are divided: specs that differ in the split alone share them.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    pub(super) classes: Vec<String>,
    /// What the files have for training; a test and a validation part may be taken of it.
    pub(super) train: Arc<Part>,
    pub(super) listed: Listed,
    /// Where the files themselves say which images are for validation.
    pub(super) validation: Option<Arc<Part>>,
    /// Where the files themselves have a test part.
    pub(super) test: Option<Arc<Part>>,
    pub(super) skipped: usize,
}

/// The images of the training files as they are listed, those included that are not in memory.
#[derive(Clone, Debug, Default)]
pub(super) struct Listed {
    pub labels: Vec<u32>,
    /// The group of each, where the files say any.
    pub groups: Vec<u32>,
    /// The row in [`Loaded::train`].
    pub rows: Vec<Option<u32>>,
    pub is_mixed: bool,
}

impl Listed {
    /// All images of a part, in its order.
    pub fn whole(part: &Part) -> Self {
        Listed {
            labels: part.labels.clone(),
            groups: Vec::new(),
            rows: (0..part.len() as u32).map(Some).collect(),
            is_mixed: false,
        }
    }

    /// A mixed list of images with these labels and groups, of which those in `decoded` positions, ascending, are in memory
    /// without those in `bad` places.
    pub fn mixed((labels, groups): (Vec<u32>, Vec<u32>), decoded: &[u32], bad: &[usize]) -> Self {
        let mut rows = vec![None; labels.len()];
        let good = (0..decoded.len()).filter(|place| bad.binary_search(place).is_err());
        for (row, place) in good.enumerate() {
            rows[decoded[place] as usize] = Some(row as u32);
        }
        Listed {
            labels,
            groups,
            rows,
            is_mixed: true,
        }
    }

    fn row(&self, position: u32) -> Option<u32> {
        self.rows.get(position as usize).copied().flatten()
    }
}

impl Loaded {
    /// Bytes of the images in memory.
    pub fn bytes(&self) -> u64 {
        let held_out = [&self.validation, &self.test].into_iter().flatten();
        let parts = held_out.chain([&self.train]);
        parts.map(|part| part.images.data.len() as u64).sum()
    }

    /// Images that were to be read and do not decode.
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    fn list(&self) -> List<'_> {
        List {
            labels: &self.listed.labels,
            groups: &self.listed.groups,
            classes: &self.classes,
            sets: self.train.label_sets.as_deref(),
            is_mixed: self.listed.is_mixed,
        }
    }

    /// Divides the images as a spec says.
    ///
    /// # Errors
    /// No image, or none of a class, is left for training; a `test_split` beside a test part.
    pub fn arrange(&self, spec: &Dataset, seed: u64) -> Result<Data, Error> {
        self.divide(spec, seed, Unseen::Refused)
    }

    /// [`Self::arrange`] to look at: classes without a training image are no mistake.
    ///
    /// # Errors
    /// No image is left for training; a `test_split` beside a test part.
    pub fn arrange_for_evaluation(&self, spec: &Dataset, seed: u64) -> Result<Data, Error> {
        self.divide(spec, seed, Unseen::Noted)
    }

    fn divide(&self, spec: &Dataset, seed: u64, unseen: Unseen) -> Result<Data, Error> {
        if self.test.is_some() {
            refuse_test_split(spec)?;
        }
        if self.validation.is_some() {
            refuse_folds(spec)?;
        }
        let is_there = |position| self.listed.row(position).is_some();
        let validates = self.validation.is_none();
        let list = self.list();
        let arranged = list.arrange(spec, seed, validates, unseen, is_there)?;
        let of_train = |positions: Vec<u32>| {
            let rows = positions.into_iter();
            let rows = rows.filter_map(|position| self.listed.row(position));
            View::new(Arc::clone(&self.train), rows.collect())
        };
        let own = |part: &Option<Arc<Part>>| part.as_ref().map(|part| Arc::clone(part).into());
        Ok(Data {
            classes: self.classes.clone(),
            train: of_train(arranged.train),
            validation: own(&self.validation).unwrap_or_else(|| of_train(arranged.validation)),
            test: own(&self.test).unwrap_or_else(|| of_train(arranged.test)),
            skipped: self.skipped,
            notes: arranged.notes,
        })
    }

    /// The classes and the test part alone.
    ///
    /// # Errors
    /// A `test_split` beside a test part.
    pub fn into_test(self, spec: &Dataset, seed: u64) -> Result<(Vec<String>, View), Error> {
        let Some(test) = self.test else {
            let (_, test) = self.list().before_validation(spec, seed);
            let rows = test.into_iter().filter_map(|at| self.listed.row(at));
            return Ok((self.classes, View::new(self.train, rows.collect())));
        };
        refuse_test_split(spec)?;
        Ok((self.classes, test.into()))
    }
}

/// Where there is a validation part, the training images are not divided.
pub(super) fn refuse_folds(spec: &Dataset) -> Result<(), Problem> {
    if spec.folds.is_none() {
        return Ok(());
    }
    let message = format!(
        "`dataset.folds`: {} has a validation part of its own",
        spec.name
    );
    Err(Problem::new("dataset.folds", message).help("leave the key out"))
}

/// Where there is a test part, none is taken of the training images.
pub(super) fn refuse_test_split(spec: &Dataset) -> Result<(), Problem> {
    if spec.test_split <= 0.0 {
        return Ok(());
    }
    let message = format!(
        "`dataset.test_split`: {} has a test part of its own",
        spec.name
    );
    Err(Problem::new("dataset.test_split", message).help("leave the key out"))
}
