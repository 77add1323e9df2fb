//! How an image of any shape becomes the square that the network takes: `[resize]`, everything decided.

use image::RgbImage;
use serde::{Deserialize, Serialize};

use super::bilinear::Resizer;
use super::pillow::{Frame, Resampler};
use crate::spec::{Interpolation, Resize, ResizeMethod};

/// The shorter side before cropping at most, in pixels.
const MOST: usize = 1 << 20;

/// What of an image is seen, and how it is resampled.
///
/// Serialized (`{"size": 224, "fit": {"crop": {"shorter": 256}}, "interpolation": "bicubic"}`) it is what a saved model
/// needs to be used alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resizing {
    /// Side of the square, in pixels.
    pub size: usize,
    pub fit: Fit,
    pub interpolation: Interpolation,
}

/// How an image of another shape fits into a square.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Fit {
    /// Its sides are brought to one length.
    Squash,
    /// The shorter side is brought to so many pixels, and the centre is taken: torchvision's `Resize` and `CenterCrop`.
    Crop { shorter: usize },
    /// The longer side is brought to the square's, and the rest is black: Pillow's `ImageOps.pad`.
    Pad,
}

impl Resizing {
    /// Squashed, bilinear: what is done where a spec says nothing else.
    pub fn squash(size: usize) -> Self {
        Resizing {
            size,
            fit: Fit::Squash,
            interpolation: Interpolation::Bilinear,
        }
    }

    /// What a spec says; none where it leaves that to the weights.
    pub fn of(spec: &Resize, size: usize) -> Option<Self> {
        let fit = match spec.method {
            ResizeMethod::Squash => Fit::Squash,
            ResizeMethod::Crop => Fit::Crop {
                shorter: (size as f64 / spec.crop()).round() as usize,
            },
            ResizeMethod::Pad => Fit::Pad,
            ResizeMethod::Pretrained => return None,
        };
        Some(Resizing {
            size,
            fit,
            interpolation: spec.interpolation(),
        })
    }

    /// timm's evaluation with a `crop_pct`: `transforms_imagenet_eval` in its `data/transforms_factory.py`, which rounds
    /// the shorter side down.
    pub fn timm(size: usize, crop: f64, interpolation: Interpolation) -> Self {
        Resizing {
            size,
            fit: Fit::Crop {
                shorter: (size as f64 / crop).floor() as usize,
            },
            interpolation,
        }
    }

    /// The same for another size of the square: of an image, the same part is seen.
    pub fn with_size(self, size: usize) -> Self {
        let fit = match self.fit {
            Fit::Crop { shorter } => Fit::Crop {
                shorter: shorter * size / self.size.max(1),
            },
            fit => fit,
        };
        Resizing { size, fit, ..self }
    }

    /// Whether nothing but [`Self::squash`] is done.
    pub fn is_usual(&self) -> bool {
        *self == Resizing::squash(self.size)
    }

    /// Whether the sizes are such as a spec can give.
    pub fn is_possible(&self) -> bool {
        let sizes = 1..=MOST;
        match self.fit {
            Fit::Crop { shorter } => self.size <= shorter && sizes.contains(&shorter),
            Fit::Squash | Fit::Pad => true,
        }
    }

    /// For people: `squashed to 32 × 32, bilinear`.
    pub fn describe(&self) -> String {
        let Resizing {
            size,
            interpolation,
            ..
        } = self;
        match self.fit {
            Fit::Squash => format!("squashed to {size} × {size}, {interpolation}"),
            Fit::Crop { shorter } => format!(
                "shorter side to {shorter}, the centre of {size} × {size} taken, {interpolation}"
            ),
            Fit::Pad => {
                format!(
                    "longer side to {size}, black beside it to {size} × {size}, {interpolation}"
                )
            }
        }
    }

    /// Where an image of `height` × `width`, none of them 0, comes to lie.
    fn frame(&self, (height, width): (usize, usize)) -> Frame {
        let size = self.size;
        let (shorter, longer) = (height.min(width), height.max(width));
        let turned = |(shorter, longer): (usize, usize)| match height <= width {
            true => (shorter, longer),
            false => (longer, shorter),
        };
        let all = |resized: (usize, usize), at| Frame {
            resized,
            rows: 0..resized.0,
            columns: 0..resized.1,
            at,
            size,
        };
        match self.fit {
            Fit::Squash => all((size, size), (0, 0)),
            Fit::Crop { shorter: wanted } => {
                // Both fit 64 bits: an image has fewer than 2^28 pixels, a side at most 2^20.
                let resized = turned((wanted, wanted * longer / shorter.max(1)));
                let (top, left) = (centred(resized.0, size), centred(resized.1, size));
                Frame {
                    resized,
                    rows: top..top + size,
                    columns: left..left + size,
                    at: (0, 0),
                    size,
                }
            }
            Fit::Pad => {
                let ratio = shorter as f64 / longer.max(1) as f64;
                let small = (ratio * size as f64).round_ties_even() as usize;
                let resized = turned((small.clamp(1, size), size));
                all(
                    resized,
                    (centred(size, resized.0), centred(size, resized.1)),
                )
            }
        }
    }
}

/// How far the smaller begins in the larger, halves rounded to even as Python does.
fn centred(larger: usize, smaller: usize) -> usize {
    let room = larger.saturating_sub(smaller);
    (room as f64 / 2.0).round_ties_even() as usize
}

/// Makes the input of stored images of one size.
pub enum Shaper {
    /// Values between the bytes are kept.
    Squash(Resizer),
    /// Pillow's bytes.
    Frame(Resampler),
}

impl Shaper {
    /// For images of `height` × `width`.
    pub fn new(resizing: &Resizing, from: (usize, usize)) -> Self {
        match resizing.is_usual() {
            true => Shaper::Squash(Resizer::new(from, (resizing.size, resizing.size))),
            false => {
                let frame = resizing.frame(from);
                Shaper::Frame(Resampler::new(from, &frame, resizing.interpolation))
            }
        }
    }
}

/// An image as the bytes of the square (`[size, size, 3]`).
pub fn shape_to(image: &RgbImage, resizing: &Resizing, out: &mut [u8]) {
    let (width, height) = image.dimensions();
    let from = (height as usize, width as usize);
    if resizing.is_usual() && from == (resizing.size, resizing.size) {
        return out.copy_from_slice(image);
    }
    match Shaper::new(resizing, from) {
        Shaper::Squash(resizer) => {
            let mut resized = vec![0.0; out.len()];
            resizer.resize::<3>(image, &mut Vec::new(), &mut resized);
            let bytes = out.iter_mut().zip(resized);
            bytes.for_each(|(o, v)| *o = (v + 0.5) as u8);
        }
        Shaper::Frame(resampler) => resampler.resample::<3>(image, &mut Vec::new(), out),
    }
}
