//! Images that are read from a checked file when they are wanted.

use std::sync::Arc;

use crate::stored::Stored;

/// Images in a file of the cache folder.
#[derive(Clone, Debug)]
pub struct OnDisk {
    file: Arc<Stored>,
    /// The place of each image in the file.
    places: Vec<u32>,
}

/// The same images of the same file.
impl PartialEq for OnDisk {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.file, &other.file) && self.places == other.places
    }
}

impl Eq for OnDisk {}

impl OnDisk {
    /// All images of a file.
    pub(in crate::data) fn new(file: Stored, images: usize) -> Self {
        OnDisk {
            file: Arc::new(file),
            places: (0..images as u32).collect(),
        }
    }

    /// Image `i`, which has `len` bytes; none of one that is not there or cannot be read. It counts once [`Self::confirm`]
    /// has been asked.
    pub(in crate::data) fn image(&self, i: usize, len: usize) -> Option<Vec<u8>> {
        let place = u64::from(*self.places.get(i)?);
        let mut image = vec![0; len];
        self.file.read(place * len as u64, &mut image).ok()?;
        Some(image)
    }

    /// Takes out the images that do not stay.
    pub(in crate::data) fn keep(&mut self, stays: &[bool]) {
        let mut stays = stays.iter();
        let stays = |_: &u32| stays.next().is_some_and(|stays| *stays);
        self.places.retain(stays);
    }

    /// Whether all that was read so far is what was written once.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub(in crate::data) fn confirm(&self) -> Result<(), String> {
        self.file.confirm()
    }
}
