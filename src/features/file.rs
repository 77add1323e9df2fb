//! A file of features: little-endian f32, image by image.

use std::io;
use std::path::Path;

use crate::stored::{self, Form};

/// Ends the name of a file that is not whole yet.
pub(super) const UNFINISHED: &str = "tmp";
/// Values that are written at once.
const AT_ONCE: usize = 1 << 16;

/// How many images there are, and values an image.
pub(super) type Extent = (usize, usize);

fn form((images, values): Extent) -> Form {
    Form {
        magic: *b"runner features1",
        what: "features",
        images,
        values,
        value: 4,
    }
}

/// The length of a whole file in bytes.
pub(super) fn len(extent: Extent) -> u64 {
    form(extent).len()
}

/// Writes a file piece by piece; it has its name once it is whole and on the disk.
pub(super) struct Writer(stored::Writer);

impl Writer {
    /// A file that is to be `path` and to hold as many values as `extent` says.
    pub fn create(path: &Path, extent: Extent) -> io::Result<Self> {
        stored::Writer::create(path, form(extent)).map(Writer)
    }

    /// Appends values.
    pub fn push(&mut self, values: &[f32]) -> io::Result<()> {
        values.chunks(AT_ONCE).try_for_each(|values| {
            let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
            self.0.push(&bytes)
        })
    }

    /// Makes the file durable and gives it its name.
    pub fn finish(self) -> io::Result<()> {
        self.0.finish()
    }
}

/// A checked file.
#[derive(Debug)]
pub(super) struct Stored(stored::Stored);

impl Stored {
    /// Images that have features.
    pub fn images(&self) -> usize {
        self.0.images()
    }

    /// Opens a file and checks it; `None` where there is none.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn open(path: &Path, extent: Extent) -> Result<Option<Self>, String> {
        let file = stored::Stored::open(path, form(extent))?;
        Ok(file.map(Stored))
    }

    /// Reads as many values as `into` has room for, from the value `first` on. They count once [`Stored::confirm`] has
    /// been asked.
    ///
    /// # Errors
    /// The disk's, and a file that was cut.
    pub fn read(&self, first: usize, into: &mut [f32]) -> io::Result<()> {
        let mut bytes = vec![0; 4 * into.len()];
        self.0.read(4 * first as u64, &mut bytes)?;
        for (value, bytes) in into.iter_mut().zip(bytes.as_chunks::<4>().0) {
            *value = f32::from_le_bytes(*bytes);
        }
        Ok(())
    }

    /// Finds out whether what was read before is what was once written.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn confirm(&self) -> Result<(), String> {
        self.0.confirm()
    }
}
