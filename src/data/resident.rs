//! A part's images in the memory of an NVIDIA GPU, as bytes.

use std::borrow::Cow;
use std::sync::OnceLock;

use candle_core::{Device, Result, Tensor};

use super::normalize::Normalizer;
use super::view::View;
use crate::ops::Pixels;
use crate::pixels::Sides;

/// The images, once a batch was asked for; none where they are too many.
#[derive(Default)]
pub struct Resident(OnceLock<Option<Pixels>>);

impl Resident {
    /// The normalized images of `view` with these indices, where they fit on the device.
    ///
    /// # Errors
    /// What the device reports.
    pub fn batch(
        &self,
        indices: &[u32],
        size: Sides,
        view: &View,
        normalizer: &Normalizer,
        device: &Device,
    ) -> Result<Option<Tensor>> {
        let pixels = self.0.get_or_init(|| {
            upload(view, normalizer, device).unwrap_or_else(|why| {
                tracing::warn!("images stay in the host's memory: {why}");
                None
            })
        });
        let batch = |pixels: &Pixels| pixels.batch(indices, size.pair());
        pixels.as_ref().map(batch).transpose()
    }
}

/// Puts all images on the GPU, where they fit.
fn upload(view: &View, normalizer: &Normalizer, device: &Device) -> Result<Option<Pixels>> {
    if view.part().images.on_disk.is_some() {
        return Ok(None);
    }
    let images: Vec<Cow<'_, [u8]>> = (0..view.len()).filter_map(|i| view.image(i)).collect();
    let each = images.first().map_or(0, |image| image.len());
    if images.len() != view.len() || !Pixels::fit((each * images.len()) as u64)? {
        return Ok(None);
    }
    let bytes = Tensor::from_vec(images.concat(), (images.len(), each), device)?;
    let channels = view.part().images.channels;
    let sources = normalizer.order.sources().map(|c| c % channels);
    Pixels::new(bytes, &normalizer.tables(), channels, sources).map(Some)
}
