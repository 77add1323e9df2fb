//! From stored bytes to the tensors a step works on.

use std::borrow::Cow;

use candle_core::{Device, Error, Result, Tensor};
use rayon::prelude::*;

use super::decode::decode_file;
use super::normalize::Normalizer;
use super::view::View;
use crate::augment::{Mix, Picture, Which, augment, erase};
use crate::resize::{Resizing, Shaper};
use crate::spec::Augmentation;

#[cfg(test)]
mod tests;

/// Makes batches of one part of a dataset.
///
/// An image is augmented as it is stored, resized to the network's input where that has not been done, and normalized.
/// Grey images get three equal channels.
pub struct Batches<'a> {
    view: &'a View,
    normalizer: &'a Normalizer,
    tables: [[f32; 256]; 3],
    resizing: Resizing,
    /// Where the stored images are not the input.
    shaper: Option<Shaper>,
    augmentation: Option<(&'a Augmentation, u64)>,
    device: &'a Device,
    /// The images on a GPU, once a batch was asked for; none where they must be changed first or are too many.
    #[cfg(feature = "cuda")]
    on_gpu: super::resident::Resident,
}

/// One thread's working memory.
#[derive(Default)]
struct Scratch {
    picture: Picture,
    wide: Vec<f32>,
    resized: Vec<f32>,
    wide_bytes: Vec<u8>,
    bytes: Vec<u8>,
}

impl<'a> Batches<'a> {
    /// Batches of `view`, resized where it is not yet, on `device`; `augmentation` comes with the seed.
    pub fn new(
        view: &'a View,
        normalizer: &'a Normalizer,
        resizing: Resizing,
        augmentation: Option<(&'a Augmentation, u64)>,
        device: &'a Device,
    ) -> Self {
        let images = &view.part().images;
        let stored = (images.height, images.width);
        let size = resizing.size;
        let is_input = (resizing.is_usual() || images.is_resized) && stored == size.pair();
        Batches {
            view,
            normalizer,
            tables: normalizer.tables(),
            resizing,
            shaper: (!is_input).then(|| Shaper::new(&resizing, stored)),
            augmentation: augmentation.filter(|(spec, _)| spec.is_active()),
            device,
            #[cfg(feature = "cuda")]
            on_gpu: super::resident::Resident::default(),
        }
    }

    /// The images with these indices from the GPU's memory, where all are kept there.
    #[cfg(feature = "cuda")]
    pub(super) fn resident_batch(&self, indices: &[u32]) -> Result<Option<Tensor>> {
        if !self.device.is_cuda() || self.shaper.is_some() || self.augmentation.is_some() {
            return Ok(None);
        }
        let (view, normalizer, size) = (self.view, self.normalizer, self.resizing.size);
        self.on_gpu
            .batch(indices, size, view, normalizer, self.device)
    }

    /// How many images there are.
    pub fn len(&self) -> usize {
        self.view.len()
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.view.is_empty()
    }

    /// The images with these indices as f32 `[n, height, width, 3]`, and their labels.
    ///
    /// `epoch` matters only with augmentation. The values do not depend on the number of threads.
    ///
    /// # Errors
    /// An index that is not in the part; a file that a random part is to be taken of and that is gone; a device that is out
    /// of memory.
    pub fn batch(&self, indices: &[u32], epoch: u64) -> Result<(Tensor, Vec<u32>)> {
        let labels = self.labels(indices)?;
        #[cfg(feature = "cuda")]
        if let Some(images) = self.resident_batch(indices)? {
            return Ok((images, labels));
        }
        let data = self.images(indices, epoch)?;
        Ok((self.tensor(data, indices.len())?, labels))
    }

    /// [`Self::batch`] of the batch with this number in its epoch, its images mixed with one another as the spec says.
    ///
    /// # Errors
    /// As [`Self::batch`].
    pub fn training_batch(
        &self,
        indices: &[u32],
        (epoch, number): (u64, u64),
    ) -> Result<(Tensor, Vec<u32>, Option<Mix>)> {
        let labels = self.labels(indices)?;
        #[cfg(feature = "cuda")]
        if let Some(images) = self.resident_batch(indices)? {
            return Ok((images, labels, None));
        }
        let mut data = self.images(indices, epoch)?;
        let size = self.resizing.size;
        let draw = |(spec, seed)| Mix::draw(spec, seed, (epoch, number), size);
        let mix = self.augmentation.and_then(draw);
        if let Some(mix) = mix {
            mix.apply(&mut data, size);
        }
        Ok((self.tensor(data, indices.len())?, labels, mix))
    }

    fn tensor(&self, data: Vec<f32>, images: usize) -> Result<Tensor> {
        let size = self.resizing.size;
        Tensor::from_vec(data, (images, size.height, size.width, 3), self.device)
    }

    fn images(&self, indices: &[u32], epoch: u64) -> Result<Vec<f32>> {
        let size = self.resizing.size;
        let mut data = vec![0f32; indices.len() * size.pixels() * 3];
        let places = data.par_chunks_mut((size.pixels() * 3).max(1));
        let items = places.zip(indices).with_min_len(4);
        let written = items
            .map_init(Scratch::default, |scratch, (out, &i)| {
                self.write(&self.image(i)?, i, epoch, scratch, out)
            })
            .collect::<Result<()>>();
        // Says why an image could not be read, too.
        self.view.part().images.confirm().map_err(Error::wrap)?;
        written?;
        Ok(data)
    }

    /// The labels of the images with these indices.
    ///
    /// # Errors
    /// An index that is not in the part.
    pub fn labels(&self, indices: &[u32]) -> Result<Vec<u32>> {
        indices
            .iter()
            .map(|&i| self.view.label(i as usize).ok_or_else(|| self.missing(i)))
            .collect()
    }

    fn image(&self, i: u32) -> Result<Cow<'a, [u8]>> {
        let image = self.view.image(i as usize);
        image.ok_or_else(|| self.missing(i))
    }

    fn missing(&self, i: u32) -> Error {
        Error::Msg(format!("there is no image {i} among {}", self.len())).bt()
    }

    fn write(
        &self,
        stored: &[u8],
        i: u32,
        epoch: u64,
        scratch: &mut Scratch,
        out: &mut [f32],
    ) -> Result<()> {
        let out = out.as_chunks_mut::<3>().0;
        let Some((spec, seed)) = self.augmentation else {
            self.normalize(stored, scratch, out);
            return Ok(());
        };
        let which = Which {
            seed,
            epoch: spec.view(epoch),
            index: i,
        };
        let images = &self.view.part().images;
        let size = self.resizing.size;
        let mut picture = std::mem::take(&mut scratch.picture);
        // A part of the photo itself, where there is one: it was squashed or cropped, and is small.
        let original = spec.random_resized_crop.and(self.view.original(i as usize));
        match original {
            Some(path) => {
                let photo = decode_file(path).map_err(Error::wrap)?;
                let sides = (photo.height() as usize, photo.width() as usize, 3);
                picture.set(photo.as_raw(), sides);
            }
            None => picture.set(stored, (images.height, images.width, images.channels)),
        }
        augment(
            spec,
            (size, self.resizing.interpolation),
            which,
            &mut picture,
        );
        match spec.random_resized_crop {
            Some(_) if picture.channels == 1 => {
                self.look_up(picture.pixels.as_chunks::<1>().0, out);
            }
            Some(_) => self.look_up(picture.pixels.as_chunks::<3>().0, out),
            None => self.normalize(&picture.pixels, scratch, out),
        }
        scratch.picture = picture;
        erase(spec, which, size.width, out);
        Ok(())
    }

    /// Resizes an image of the stored size where it is not the input yet, and normalizes it.
    fn normalize(&self, image: &[u8], scratch: &mut Scratch, out: &mut [[f32; 3]]) {
        let Scratch {
            wide,
            resized,
            wide_bytes,
            bytes,
            ..
        } = scratch;
        match (&self.shaper, self.view.part().images.channels) {
            (None, 1) => self.look_up(image.as_chunks::<1>().0, out),
            (None, _) => self.look_up(image.as_chunks::<3>().0, out),
            (Some(Shaper::Squash(resizer)), 1) => {
                resized.resize(out.len(), 0.0);
                resizer.resize::<1>(image, wide, resized);
                self.compute(resized.as_chunks::<1>().0, out);
            }
            (Some(Shaper::Squash(resizer)), _) => {
                resized.resize(out.len() * 3, 0.0);
                resizer.resize::<3>(image, wide, resized);
                self.compute(resized.as_chunks::<3>().0, out);
            }
            (Some(Shaper::Frame(resampler)), 1) => {
                bytes.resize(out.len(), 0);
                resampler.resample::<1>(image, wide_bytes, bytes);
                self.look_up(bytes.as_chunks::<1>().0, out);
            }
            (Some(Shaper::Frame(resampler)), _) => {
                bytes.resize(out.len() * 3, 0);
                resampler.resample::<3>(image, wide_bytes, bytes);
                self.look_up(bytes.as_chunks::<3>().0, out);
            }
        }
    }

    /// Normalizes bytes.
    fn look_up<const C: usize>(&self, pixels: &[[u8; C]], out: &mut [[f32; 3]]) {
        let sources = self.normalizer.order.sources().map(|c| c % C);
        for (pixel, out) in pixels.iter().zip(out) {
            *out = std::array::from_fn(|c| self.tables[c][usize::from(pixel[sources[c]])]);
        }
    }

    /// Normalizes values that resizing has made; in f32, as Keras does.
    fn compute<const C: usize>(&self, pixels: &[[f32; C]], out: &mut [[f32; 3]]) {
        let sources = self.normalizer.order.sources().map(|c| c % C);
        let mean = self.normalizer.mean.map(|v| v as f32);
        let std = self.normalizer.std.map(|v| v as f32);
        for (pixel, out) in pixels.iter().zip(out) {
            *out = std::array::from_fn(|c| (pixel[sources[c]] - mean[c]) / std[c]);
        }
    }
}
