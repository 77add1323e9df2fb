//! Images in memory.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::decoded::OnDisk;
use super::error::Error;
use crate::label_sets::LabelSets;
use crate::resize::Resizing;
use crate::stored::Stored;

/// Images of one size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Images {
    /// Values of 0..=255, `[count, height, width, channels]`, channels in RGB order; empty where they are on disk.
    pub data: Vec<u8>,
    /// Where the images are that are too many for memory.
    pub on_disk: Option<OnDisk>,
    pub count: usize,
    pub height: usize,
    pub width: usize,
    /// 1 (grey) or 3 (RGB).
    pub channels: usize,
    /// Whether they are what the network takes, resized as the spec says when they were read.
    pub is_resized: bool,
}

impl Images {
    /// No images of this size yet.
    pub fn empty(height: usize, width: usize, channels: usize) -> Self {
        Images {
            data: Vec::new(),
            on_disk: None,
            count: 0,
            height,
            width,
            channels,
            is_resized: false,
        }
    }

    /// `count` black images, to be filled in.
    ///
    /// # Errors
    /// When there is not that much memory.
    pub(super) fn black(
        count: usize,
        height: usize,
        width: usize,
        channels: usize,
    ) -> Result<Self, Error> {
        let mut images = Images::empty(height, width, channels);
        let bytes = count.saturating_mul(images.image_len());
        let too_much = |_| Error::Memory {
            images: count,
            bytes,
        };
        images.data.try_reserve_exact(bytes).map_err(too_much)?;
        images.data.resize(bytes, 0);
        images.count = count;
        Ok(images)
    }

    /// `count` black images that the network takes as they are, to be filled in.
    ///
    /// # Errors
    /// When there is not that much memory.
    pub(super) fn resized(count: usize, resizing: &Resizing) -> Result<Self, Error> {
        Ok(Images {
            is_resized: true,
            ..Images::black(count, resizing.size.height, resizing.size.width, 3)?
        })
    }

    /// The images of a file, which the network takes as they are.
    pub(super) fn on_disk(file: Stored, count: usize, resizing: &Resizing) -> Self {
        Images {
            on_disk: Some(OnDisk::new(file, count)),
            count,
            is_resized: true,
            ..Images::empty(resizing.size.height, resizing.size.width, 3)
        }
    }

    /// Bytes of one image.
    pub fn image_len(&self) -> usize {
        self.height
            .saturating_mul(self.width)
            .saturating_mul(self.channels)
    }

    /// Image `i`, `[height, width, channels]`. One that was read from a disk counts once [`Self::confirm`] has been asked.
    pub fn image(&self, i: usize) -> Option<Cow<'_, [u8]>> {
        let len = self.image_len();
        if let Some(on_disk) = &self.on_disk {
            return on_disk.image(i, len).map(Cow::Owned);
        }
        let start = i.checked_mul(len).filter(|_| i < self.count)?;
        self.data
            .get(start..start.checked_add(len)?)
            .map(Cow::Borrowed)
    }

    /// Whether all images that were asked for so far could be read and are what was decoded once.
    ///
    /// # Errors
    /// What is wrong with the file that they are in.
    pub fn confirm(&self) -> Result<(), Error> {
        let on_disk = self.on_disk.as_ref();
        on_disk.map_or(Ok(()), |on_disk| on_disk.confirm().map_err(Error::Changed))
    }

    /// Adds an image of [`Self::image_len`] bytes.
    pub(super) fn push(&mut self, image: &[u8]) {
        debug_assert_eq!(image.len(), self.image_len());
        self.data.extend_from_slice(image);
        self.count += 1;
    }
}

/// Images with their labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    pub images: Images,
    /// The class of each image, an index into [`super::Data::classes`]; with several labels the number of its set of classes.
    pub labels: Vec<u32>,
    /// The classes of each label, where images have several.
    pub label_sets: Option<Arc<LabelSets>>,
    /// The file of each image, relative to the dataset's folder (of folders and tables of images).
    pub files: Option<Vec<String>>,
    /// Where each image lies in its own shape, of those that are files and were resized when they were read.
    pub originals: Option<Vec<PathBuf>>,
}

impl Part {
    /// No images of this size.
    pub fn empty(height: usize, width: usize, channels: usize) -> Self {
        Part {
            images: Images::empty(height, width, channels),
            ..Part::default()
        }
    }

    /// How many images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// How many images there are of each class of `labels`, which are labels of this part.
    pub(super) fn classes_of<'a>(
        &'a self,
        labels: impl IntoIterator<Item = &'a u32>,
    ) -> HashMap<u32, usize> {
        let mut counts = HashMap::new();
        for label in labels {
            let classes = match &self.label_sets {
                Some(sets) => sets.classes(*label),
                None => std::slice::from_ref(label),
            };
            for class in classes {
                *counts.entry(*class).or_default() += 1;
            }
        }
        counts
    }

    /// Takes out the images with these indices, which ascend.
    pub(super) fn remove(&mut self, indices: &[usize]) {
        let len = self.images.image_len();
        let stays: Vec<bool> = (0..self.len())
            .map(|i| indices.binary_search(&i).is_err())
            .collect();
        if let Some(on_disk) = &mut self.images.on_disk {
            on_disk.keep(&stays);
            self.images.count = stays.iter().filter(|stays| **stays).count();
        } else {
            let mut kept = 0;
            for (i, _) in stays.iter().enumerate().filter(|(_, stays)| **stays) {
                let image = i * len..(i + 1) * len;
                self.images.data.copy_within(image, kept * len);
                kept += 1;
            }
            self.images.data.truncate(kept * len);
            self.images.count = kept;
        }
        keep(&mut self.labels, &stays);
        if let Some(files) = &mut self.files {
            keep(files, &stays);
        }
        if let Some(originals) = &mut self.originals {
            keep(originals, &stays);
        }
    }
}

/// Keeps the items that stay.
fn keep<T>(items: &mut Vec<T>, stays: &[bool]) {
    let mut stays = stays.iter();
    items.retain(|_| stays.next().is_some_and(|stays| *stays));
}
