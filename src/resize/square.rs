//! How an image of any shape becomes the one that the network takes: `[resize]`, everything decided.

use image::RgbImage;
use serde::{Deserialize, Serialize};

use super::bilinear::Resizer;
use super::pillow::{Frame, Resampler};
use crate::pixels::Sides;
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
    /// Height and width, in pixels.
    pub size: Sides,
    pub fit: Fit,
    pub interpolation: Interpolation,
}

/// How an image of another shape fits into the network's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Fit {
    /// Its sides are brought to one length.
    Squash,
    /// It is made as small as covers a frame whose shorter side has so many pixels and whose sides are as the network's, and
    /// the centre is taken: torchvision's `Resize` and `CenterCrop`, and where the network takes no squares timm's
    /// `ResizeKeepRatio` and `CenterCrop`.
    Crop { shorter: usize },
    /// It is made as large as fits, and the rest is black: Pillow's `ImageOps.pad`.
    Pad,
}

impl Resizing {
    /// Squashed, bilinear: what is done where a spec says nothing else.
    pub fn squash(size: impl Into<Sides>) -> Self {
        Resizing {
            size: size.into(),
            fit: Fit::Squash,
            interpolation: Interpolation::Bilinear,
        }
    }

    /// What a spec says; none where it leaves that to the weights.
    pub fn of(spec: &Resize, size: impl Into<Sides>) -> Option<Self> {
        let size = size.into();
        let fit = match spec.method {
            ResizeMethod::Squash => Fit::Squash,
            ResizeMethod::Crop => Fit::Crop {
                shorter: (size.shorter() as f64 / spec.crop()).round() as usize,
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
    pub fn timm(size: impl Into<Sides>, crop: f64, interpolation: Interpolation) -> Self {
        let size = size.into();
        Resizing {
            size,
            fit: Fit::Crop {
                shorter: (size.shorter() as f64 / crop).floor() as usize,
            },
            interpolation,
        }
    }

    /// The same for another size: of an image, the same part is seen.
    pub fn with_size(self, size: Sides) -> Self {
        let fit = match self.fit {
            Fit::Crop { shorter } => Fit::Crop {
                shorter: shorter * size.shorter() / self.size.shorter().max(1),
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
        let is_covered = match self.fit {
            Fit::Crop { shorter } => self.size.shorter() <= shorter && sizes.contains(&shorter),
            Fit::Squash | Fit::Pad => true,
        };
        is_covered && sizes.contains(&self.size.height) && sizes.contains(&self.size.width)
    }

    /// For people: `squashed to 32 × 32, bilinear`.
    pub fn describe(&self) -> String {
        let interpolation = self.interpolation;
        let Sides { height, width } = self.size;
        match self.fit {
            Fit::Squash => format!("squashed to {height} × {width}, {interpolation}"),
            Fit::Crop { shorter } if self.size.is_square() => format!(
                "shorter side to {shorter}, the centre of {height} × {width} taken, {interpolation}"
            ),
            Fit::Crop { shorter } => {
                let Sides {
                    height: h,
                    width: w,
                } = self.covered(shorter);
                format!(
                    "made to cover {h} × {w}, the centre of {height} × {width} taken, {interpolation}"
                )
            }
            Fit::Pad if self.size.is_square() => format!(
                "longer side to {height}, black beside it to {height} × {width}, {interpolation}"
            ),
            Fit::Pad => {
                format!("made to fit into {height} × {width}, black beside it, {interpolation}")
            }
        }
    }

    /// The frame of the network's shape whose shorter side has so many pixels.
    fn covered(&self, shorter: usize) -> Sides {
        let own = self.size.shorter().max(1);
        Sides {
            height: self.size.height * shorter / own,
            width: self.size.width * shorter / own,
        }
    }

    /// Where an image of `height` × `width`, none of them 0, comes to lie.
    fn frame(&self, from: (usize, usize)) -> Frame {
        let (to_height, to_width) = self.size.pair();
        let all = |resized: (usize, usize), at| Frame {
            resized,
            rows: 0..resized.0,
            columns: 0..resized.1,
            at,
            width: to_width,
        };
        match self.fit {
            Fit::Squash => all((to_height, to_width), (0, 0)),
            Fit::Crop { shorter } => {
                let resized = match self.size.is_square() {
                    true => to_shorter(from, shorter),
                    false => covering(from, self.covered(shorter)),
                };
                let (top, left) = (centred(resized.0, to_height), centred(resized.1, to_width));
                Frame {
                    resized,
                    rows: top..top + to_height,
                    columns: left..left + to_width,
                    at: (0, 0),
                    width: to_width,
                }
            }
            Fit::Pad => {
                let resized = contained(from, self.size);
                all(
                    resized,
                    (centred(to_height, resized.0), centred(to_width, resized.1)),
                )
            }
        }
    }
}

/// torchvision's `Resize` with one number: the shorter side is brought to it.
fn to_shorter((height, width): (usize, usize), wanted: usize) -> (usize, usize) {
    let (shorter, longer) = (height.min(width), height.max(width));
    // Both fit 64 bits: an image has fewer than 2^28 pixels, a side at most 2^20.
    let longer = wanted * longer / shorter.max(1);
    match height <= width {
        true => (wanted, longer),
        false => (longer, wanted),
    }
}

/// timm's `ResizeKeepRatio`: as small as covers a frame. Halves are rounded to even as Python does.
fn covering((height, width): (usize, usize), frame: Sides) -> (usize, usize) {
    let ratio = |from: usize, to: usize| from as f64 / to.max(1) as f64;
    let ratio = ratio(height, frame.height).min(ratio(width, frame.width));
    let scaled = |from: usize, to: usize| {
        let scaled = (from as f64 / ratio).round_ties_even() as usize;
        // Rounding may not leave the frame uncovered.
        scaled.max(to)
    };
    (scaled(height, frame.height), scaled(width, frame.width))
}

/// Pillow's `ImageOps.contain`: as large as fits.
fn contained((height, width): (usize, usize), into: Sides) -> (usize, usize) {
    let scaled = |ratio: f64, side: usize, most: usize| {
        let scaled = (ratio * side as f64).round_ties_even() as usize;
        scaled.clamp(1, most.max(1))
    };
    match width * into.height >= height * into.width {
        true => {
            let ratio = height as f64 / width.max(1) as f64;
            (scaled(ratio, into.width, into.height), into.width)
        }
        false => {
            let ratio = width as f64 / height.max(1) as f64;
            (into.height, scaled(ratio, into.height, into.width))
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
            true => Shaper::Squash(Resizer::new(from, resizing.size.pair())),
            false => {
                let frame = resizing.frame(from);
                Shaper::Frame(Resampler::new(from, &frame, resizing.interpolation))
            }
        }
    }
}

/// An image as the bytes that the network takes (`[height, width, 3]`).
pub fn shape_to(image: &RgbImage, resizing: &Resizing, out: &mut [u8]) {
    let (width, height) = image.dimensions();
    let from = (height as usize, width as usize);
    if resizing.is_usual() && from == resizing.size.pair() {
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
