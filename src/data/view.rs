//! Some of the images in memory, in an order of their own: decoded once, whatever the split.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use super::images::Part;
use crate::label_sets::LabelSets;

/// The training, validation or test images: rows of a part that other views may share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    part: Arc<Part>,
    rows: Vec<u32>,
}

/// All images of a part, in its order.
impl From<Arc<Part>> for View {
    fn from(part: Arc<Part>) -> Self {
        let rows = (0..part.len() as u32).collect();
        View { part, rows }
    }
}

impl From<Part> for View {
    fn from(part: Part) -> Self {
        View::from(Arc::new(part))
    }
}

impl View {
    /// The images with these rows in `part`; rows that it does not have are left out.
    pub fn new(part: Arc<Part>, mut rows: Vec<u32>) -> Self {
        rows.retain(|&row| (row as usize) < part.len());
        View { part, rows }
    }

    /// How many images.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The part that the rows belong to.
    pub fn part(&self) -> &Arc<Part> {
        &self.part
    }

    /// The row of each image in [`Self::part`].
    pub fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// Image `i`, `[height, width, channels]`.
    pub fn image(&self, i: usize) -> Option<Cow<'_, [u8]>> {
        self.part.images.image(*self.rows.get(i)? as usize)
    }

    /// The class of image `i`.
    pub fn label(&self, i: usize) -> Option<u32> {
        self.part.labels.get(*self.rows.get(i)? as usize).copied()
    }

    /// The classes of each label, where images have several: labels are numbers of such sets then.
    pub fn label_sets(&self) -> Option<&Arc<LabelSets>> {
        self.part.label_sets.as_ref()
    }

    /// The classes of image `i`: one, or with several labels any number.
    pub fn classes_of(&self, i: usize) -> Vec<u32> {
        let label = self.label(i);
        match &self.part.label_sets {
            Some(sets) => label.map_or(Vec::new(), |label| sets.classes(label).to_vec()),
            None => label.into_iter().collect(),
        }
    }

    /// The classes of all images, one after another.
    pub fn class_labels(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.len()).flat_map(|i| self.classes_of(i))
    }

    /// The class of each image, or the number of its set of classes.
    pub fn labels(&self) -> impl Iterator<Item = u32> + '_ {
        let label = |&row: &u32| self.part.labels.get(row as usize).copied();
        self.rows.iter().filter_map(label)
    }

    /// The file of each image, relative to the dataset's folder (of folders and tables of images).
    pub fn files(&self) -> Option<Vec<String>> {
        let files = self.part.files.as_ref()?;
        let file = |&row: &u32| files.get(row as usize).cloned();
        Some(self.rows.iter().filter_map(file).collect())
    }

    /// The file of image `i`, relative to the dataset's folder (of folders and tables of images).
    pub fn file(&self, i: usize) -> Option<&str> {
        let files = self.part.files.as_ref()?;
        let file = files.get(*self.rows.get(i)? as usize)?;
        Some(file)
    }

    /// The file that has image `i` in its own shape, where there is one.
    pub fn original(&self, i: usize) -> Option<&Path> {
        let originals = self.part.originals.as_ref()?;
        let path = originals.get(*self.rows.get(i)? as usize)?;
        Some(path)
    }

    /// Image `i` as it is stored, as the bytes of a PNG file.
    pub fn png(&self, i: usize) -> Option<Vec<u8>> {
        self.part.png(*self.rows.get(i)? as usize)
    }
}
