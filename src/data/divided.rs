//! A dataset's images, divided.

use std::sync::Arc;

use super::view::View;

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

/// The images of a spec, divided into training, validation and test images.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Data {
    /// The classes' names, in the order of the labels.
    pub classes: Vec<String>,
    pub train: View,
    pub validation: View,
    /// Empty where an image folder has no `test/` and `test_split` is 0.
    pub test: View,
    /// How many images were to be in a part and are not, as they do not decode.
    pub skipped: usize,
    /// What a person should know of how they are divided, each a line.
    pub notes: Vec<String>,
}

impl Data {
    /// How many images there are.
    pub fn counts(&self) -> Counts {
        let is_held_out = |view: &View| Arc::ptr_eq(view.part(), self.train.part());
        Counts {
            train: self.train.len(),
            validation: self.validation.len(),
            test: self.test.len(),
            validation_is_held_out: is_held_out(&self.validation),
            test_is_held_out: is_held_out(&self.test),
        }
    }

    /// Whether images are on disk, as they are too many for memory.
    pub fn is_on_disk(&self) -> bool {
        let parts = [&self.train, &self.validation, &self.test].map(View::part);
        parts.iter().any(|part| part.images.on_disk.is_some())
    }

    /// Bytes of the images in memory.
    pub fn bytes(&self) -> u64 {
        let parts = [&self.train, &self.validation, &self.test].map(View::part);
        let is_new = |i: &usize| parts[..*i].iter().all(|part| !Arc::ptr_eq(part, parts[*i]));
        let bytes = |i: usize| parts[i].images.data.len() as u64;
        (0..parts.len()).filter(is_new).map(bytes).sum()
    }
}
