//! Decoded images on their way: into memory, or, where they are too many, into a file of the cache folder from which they
//! are read again.

mod folder;
mod on_disk;

use std::io;

use super::decode::Decoding;
use super::error::{BadImage, Error};
use super::images::{Images, Part};
use crate::progress::Progress;
use crate::resize::Resizing;
use crate::spec::OnBadImage;
use crate::split::PartName;
use crate::stored::{Form, Stored, Writer};

pub use folder::Disk;
pub(super) use folder::Folder;
pub use on_disk::OnDisk;

/// Bytes of images that are decoded before they are written.
pub const AT_ONCE: usize = 32 << 20;

/// Where the images of a dataset go.
pub(super) enum Place {
    Memory,
    Disk(Folder),
}

/// How the images of a part are decoded.
pub(super) struct Manner<'a> {
    pub part: PartName,
    pub resizing: &'a Resizing,
    pub on_bad: OnBadImage,
    /// What is being done, for people.
    pub what: &'a str,
    pub progress: &'a dyn Progress,
}

impl Place {
    /// A part that has all but its images, with them: kept from an earlier start, or as `decode` adds them to a canvas;
    /// and the places of those that were skipped.
    ///
    /// # Errors
    /// What `decode` says; images that do not fit into memory or on the disk.
    pub fn filled(
        &self,
        mut part: Part,
        manner: &Manner<'_>,
        decode: impl FnOnce(&mut Canvas<'_, '_>) -> Result<(), Error>,
    ) -> Result<(Part, Vec<usize>), Error> {
        let images = part.labels.len();
        let start = || Decoding::start(manner.progress, manner.what, images, manner.on_bad);
        match self {
            _ if images == 0 => {
                part.images = Images::resized(0, manner.resizing)?;
                Ok((part, Vec::new()))
            }
            Place::Memory => {
                part.images = Images::resized(images, manner.resizing)?;
                let len = part.images.image_len();
                let mut canvas = Canvas {
                    decoding: start(),
                    len,
                    to: To::Memory(&mut part.images.data),
                };
                decode(&mut canvas)?;
                let Canvas { decoding, .. } = canvas;
                let skipped = decoding.finish(&mut part)?;
                Ok((part, skipped))
            }
            Place::Disk(folder) => {
                let form = form(images, manner.resizing);
                let kept = folder.find(manner.part, form);
                let (file, bad) = match kept.and_then(|file| Some((bad_of(&file)?, file))) {
                    Some((bad, file)) => (file, bad),
                    None => {
                        let begun = folder.begin(manner.part, form);
                        let mut canvas = Canvas {
                            decoding: start(),
                            len: form.values,
                            to: To::File {
                                writer: Box::new(begun.map_err(|why| folder.error(why))?),
                                folder,
                                block: Vec::new(),
                            },
                        };
                        decode(&mut canvas)?;
                        let bad = canvas.finish(manner.on_bad)?;
                        let file = folder.find(manner.part, form);
                        let gone = || folder.error(io::ErrorKind::NotFound.into());
                        (file.ok_or_else(gone)?, bad)
                    }
                };
                part.images = Images::on_disk(file, images, manner.resizing);
                let skipped = Decoding::done(images, bad).finish(&mut part)?;
                Ok((part, skipped))
            }
        }
    }
}

/// What a file of a part's images is.
fn form(images: usize, resizing: &Resizing) -> Form {
    Form {
        magic: *b"runner images 01",
        what: "decoded images",
        images,
        values: 3 * resizing.size.pixels(),
        value: 1,
    }
}

/// The length of a file with so many images.
pub(super) fn bytes(images: usize, resizing: &Resizing) -> u64 {
    form(images, resizing).len()
}

/// Those of a file's images that did not decode, by their places.
fn bad_of(file: &Stored) -> Option<Vec<(usize, BadImage)>> {
    let rest = file.rest().ok()?;
    serde_json::from_slice(&rest).ok()
}

/// Takes the images of a part in their order.
pub(super) struct Canvas<'d, 'a> {
    decoding: Decoding<'d>,
    /// Bytes of an image.
    len: usize,
    to: To<'a>,
}

enum To<'a> {
    /// The places that are left.
    Memory(&'a mut [u8]),
    File {
        writer: Box<Writer>,
        folder: &'a Folder,
        block: Vec<u8>,
    },
}

impl Canvas<'_, '_> {
    /// Adds the images that `fill` makes of some items, as [`Decoding::fill`].
    ///
    /// # Errors
    /// As there; a disk that is full.
    pub fn add<T: Sync>(
        &mut self,
        items: &[T],
        fill: impl Fn(&T, &mut [u8]) -> Result<(), Error> + Sync,
    ) -> Result<(), Error> {
        let len = self.len;
        match &mut self.to {
            To::Memory(places) => {
                let here = (items.len() * len).min(places.len());
                let (here, rest) = std::mem::take(places).split_at_mut(here);
                *places = rest;
                self.decoding.fill(here, len, items, fill)
            }
            To::File {
                writer,
                folder,
                block,
            } => {
                for items in items.chunks((AT_ONCE / len.max(1)).max(1)) {
                    // Images that do not decode are black.
                    block.clear();
                    block.resize(items.len() * len, 0);
                    self.decoding.fill(block, len, items, &fill)?;
                    writer.push(block).map_err(|why| folder.error(why))?;
                }
                Ok(())
            }
        }
    }

    /// Ends a file: the images that did not decode are kept behind the others.
    fn finish(mut self, on_bad: OnBadImage) -> Result<Vec<(usize, BadImage)>, Error> {
        let bad = match on_bad {
            OnBadImage::Skip => self.decoding.bad(),
            OnBadImage::Error => Vec::new(),
        };
        if let To::File {
            mut writer, folder, ..
        } = self.to
        {
            let rest = serde_json::to_vec(&bad).unwrap_or_default();
            let written = writer.push(&rest).and_then(|()| writer.finish());
            written.map_err(|why| folder.error(why))?;
        }
        Ok(bad)
    }
}
