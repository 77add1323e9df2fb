//! From stored bytes to the tensors a step works on.

use candle_core::{Device, Error, Result, Tensor};
use rayon::prelude::*;

use super::decode::decode_file;
use super::normalize::Normalizer;
use super::view::View;
use crate::augment::{Mix, Picture, Which, augment, erase};
use crate::resize::{Resizing, Shaper};
use crate::spec::Augmentation;

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
    on_gpu: std::sync::OnceLock<Option<crate::ops::Pixels>>,
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
        let is_input = (resizing.is_usual() || images.is_resized) && stored == (size, size);
        Batches {
            view,
            normalizer,
            tables: normalizer.tables(),
            resizing,
            shaper: (!is_input).then(|| Shaper::new(&resizing, stored)),
            augmentation: augmentation.filter(|(spec, _)| spec.is_active()),
            device,
            #[cfg(feature = "cuda")]
            on_gpu: std::sync::OnceLock::new(),
        }
    }

    /// The images with these indices from the GPU's memory, where all are kept there.
    #[cfg(feature = "cuda")]
    fn from_gpu(&self, indices: &[u32]) -> Result<Option<Tensor>> {
        if !self.device.is_cuda() || self.shaper.is_some() || self.augmentation.is_some() {
            return Ok(None);
        }
        let pixels = self.on_gpu.get_or_init(|| self.upload().unwrap_or(None));
        let size = self.resizing.size;
        pixels
            .as_ref()
            .map(|pixels| pixels.batch(indices, size))
            .transpose()
    }

    /// Puts all images on the GPU, where they fit.
    #[cfg(feature = "cuda")]
    fn upload(&self) -> Result<Option<crate::ops::Pixels>> {
        use crate::ops::Pixels;
        let all = (0..self.len() as u32).map(|i| Ok(self.image(i)?.0));
        let images = all.collect::<Result<Vec<&[u8]>>>()?;
        let each = images.first().map_or(0, |image| image.len());
        if !Pixels::fit((each * images.len()) as u64)? {
            return Ok(None);
        }
        let bytes = Tensor::from_vec(images.concat(), (images.len(), each), self.device)?;
        let channels = self.view.part().images.channels;
        let sources = self.normalizer.order.sources().map(|c| c % channels);
        Pixels::new(bytes, &self.tables, channels, sources).map(Some)
    }

    /// How many images there are.
    pub fn len(&self) -> usize {
        self.view.len()
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.view.is_empty()
    }

    /// The images with these indices as f32 `[n, input_size, input_size, 3]`, and their labels.
    ///
    /// `epoch` matters only with augmentation. The values do not depend on the number of threads.
    ///
    /// # Errors
    /// An index that is not in the part; a file that a random part is to be taken of and that is gone; a device that is out
    /// of memory.
    pub fn batch(&self, indices: &[u32], epoch: u64) -> Result<(Tensor, Vec<u32>)> {
        let labels = self.labels(indices)?;
        #[cfg(feature = "cuda")]
        if let Some(images) = self.from_gpu(indices)? {
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
        if let Some(images) = self.from_gpu(indices)? {
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
        Tensor::from_vec(data, (images, size, size, 3), self.device)
    }

    fn images(&self, indices: &[u32], epoch: u64) -> Result<Vec<f32>> {
        let images = indices.iter().map(|&i| self.image(i));
        let images = images.collect::<Result<Vec<(&[u8], u32)>>>()?;
        let size = self.resizing.size;
        let mut data = vec![0f32; indices.len() * size * size * 3];
        let places = data.par_chunks_mut((size * size * 3).max(1));
        let items = places.zip(&images).zip(indices).with_min_len(4);
        items
            .map_init(Scratch::default, |scratch, ((out, (image, _)), &i)| {
                self.write(image, i, epoch, scratch, out)
            })
            .collect::<Result<()>>()?;
        Ok(data)
    }

    /// The labels of the images with these indices.
    ///
    /// # Errors
    /// An index that is not in the part.
    pub fn labels(&self, indices: &[u32]) -> Result<Vec<u32>> {
        indices
            .iter()
            .map(|&i| self.image(i).map(|(_, label)| label))
            .collect()
    }

    fn image(&self, i: u32) -> Result<(&'a [u8], u32)> {
        let image = self.view.image(i as usize);
        image
            .zip(self.view.label(i as usize))
            .ok_or_else(|| Error::Msg(format!("there is no image {i} among {}", self.len())).bt())
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
        erase(spec, which, size, out);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Images, Part};
    use crate::spec::{Normalization, NormalizationScheme};

    fn part(data: Vec<u8>, (height, width, channels): (usize, usize, usize)) -> View {
        let count = data.len() / (height * width * channels);
        Part {
            images: Images {
                data,
                count,
                ..Images::empty(height, width, channels)
            },
            labels: (0..count as u32).map(|i| i + 10).collect(),
            files: None,
            originals: None,
        }
        .into()
    }

    fn normalizer(scheme: NormalizationScheme) -> Normalizer {
        let spec = Normalization {
            scheme,
            ..Normalization::default()
        };
        Normalizer::new(&spec, &View::default())
    }

    fn values(batch: &Tensor) -> Vec<f32> {
        batch.flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn images_come_in_the_order_of_the_indices_with_their_labels() {
        let part = part(vec![0, 51, 102, 153, 204, 255, 255, 0, 0], (1, 1, 3));
        let unit = normalizer(NormalizationScheme::Unit);
        let batches = Batches::new(&part, &unit, Resizing::squash(1), None, &Device::Cpu);
        let (images, labels) = batches.batch(&[1, 0, 1], 1).unwrap();
        assert_eq!(images.dims(), [3, 1, 1, 3]);
        assert_eq!(
            values(&images),
            [0.6, 0.8, 1.0, 0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
        );
        assert_eq!(labels, [11, 10, 11]);
        let error = batches.batch(&[3], 1).unwrap_err().to_string();
        assert!(error.contains("no image 3 among 3"), "{error}");
    }

    #[test]
    #[cfg(feature = "cuda")]
    fn images_on_a_gpu_are_those_of_the_host() {
        let gpu = crate::ops::open_gpu(0).unwrap();
        for channels in [1, 3] {
            let data = (0..5 * 16 * channels)
                .map(|i| (i * 37 % 256) as u8)
                .collect();
            let part = part(data, (4, 4, channels));
            let caffe = normalizer(NormalizationScheme::Caffe);
            let on = |device| {
                let batches = Batches::new(&part, &caffe, Resizing::squash(4), None, device);
                assert_eq!(batches.from_gpu(&[0]).unwrap().is_some(), device.is_cuda());
                let (images, labels) = batches.batch(&[3, 0, 3], 1).unwrap();
                (values(&images.to_device(&Device::Cpu).unwrap()), labels)
            };
            assert_eq!(on(&gpu), on(&Device::Cpu));
        }
    }

    #[test]
    fn caffe_gives_bgr_with_and_without_resizing() {
        let part = part(vec![10, 128, 250], (1, 1, 3));
        let caffe = normalizer(NormalizationScheme::Caffe);
        for size in [1, 2] {
            let batches = Batches::new(&part, &caffe, Resizing::squash(size), None, &Device::Cpu);
            let (images, _) = batches.batch(&[0], 1).unwrap();
            for (value, expected) in values(&images)
                .iter()
                .zip([146.061, 11.221, -113.68].iter().cycle())
            {
                assert!((value - expected).abs() < 1e-4, "{value} {expected}");
            }
        }
    }

    #[test]
    fn grey_images_get_three_equal_channels() {
        let part = part(vec![0, 255, 255, 0], (2, 2, 1));
        let unit = normalizer(NormalizationScheme::Unit);
        let images = |size| {
            let batches = Batches::new(&part, &unit, Resizing::squash(size), None, &Device::Cpu);
            values(&batches.batch(&[0], 1).unwrap().0)
        };
        assert_eq!(images(2), [0., 0., 0., 1., 1., 1., 1., 1., 1., 0., 0., 0.]);
        assert_eq!(images(1), [0.5; 3]);
        assert!(images(4).chunks(3).all(|p| p[0] == p[1] && p[1] == p[2]));
    }

    #[test]
    fn augmented_batches_do_not_depend_on_how_images_are_grouped() {
        let part = part(
            (0..64 * 48).map(|i| (i * 7 % 256) as u8).collect(),
            (4, 4, 3),
        );
        let spec = Augmentation {
            horizontal_flip: true,
            random_crop_padding: 1,
            random_erasing: 0.5,
            trivial_augment: true,
            ..Augmentation::default()
        };
        let unit = normalizer(NormalizationScheme::Unit);
        let batches = Batches::new(
            &part,
            &unit,
            Resizing::squash(5),
            Some((&spec, 3)),
            &Device::Cpu,
        );
        let all: Vec<u32> = (0..64).collect();
        let together = values(&batches.batch(&all, 2).unwrap().0);
        let apart: Vec<f32> = all
            .chunks(5)
            .flat_map(|some| values(&batches.batch(some, 2).unwrap().0))
            .collect();
        assert_eq!(together, apart);
        assert_ne!(together, values(&batches.batch(&all, 3).unwrap().0));
    }

    #[test]
    fn random_parts_are_taken_of_the_photo_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("white.png");
        image::RgbImage::from_pixel(30, 20, image::Rgb([255; 3]))
            .save(&path)
            .unwrap();
        let stored = part(vec![0; 4 * 4 * 3], (4, 4, 3));
        let photo = Part {
            originals: Some(vec![path.clone()]),
            ..Part::clone(stored.part())
        };
        let photo = View::from(photo);
        let unit = normalizer(NormalizationScheme::Unit);
        let crops = Augmentation {
            random_resized_crop: Some(Default::default()),
            ..Augmentation::default()
        };
        let image = |augmentation| {
            let squash = Resizing::squash(4);
            let batches = Batches::new(&photo, &unit, squash, augmentation, &Device::Cpu);
            batches.batch(&[0], 1).map(|(images, _)| values(&images))
        };
        assert_eq!(image(None).unwrap(), [0.0; 48]);
        assert_eq!(image(Some((&crops, 0))).unwrap(), [1.0; 48]);
        std::fs::remove_file(&path).unwrap();
        let error = image(Some((&crops, 0))).unwrap_err().to_string();
        assert!(error.contains("white.png"), "{error}");
    }

    #[test]
    fn an_empty_part_makes_empty_batches() {
        let (part, unit) = (View::default(), normalizer(NormalizationScheme::Unit));
        let batches = Batches::new(&part, &unit, Resizing::squash(4), None, &Device::Cpu);
        let (images, labels) = batches.batch(&[], 1).unwrap();
        assert_eq!((images.dims(), labels), (&[0, 4, 4, 3][..], vec![]));
        assert!(batches.batch(&[0], 1).is_err());
    }
}
