//! Encoded images to RGB pixels.

use std::io::{Cursor, ErrorKind};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use image::metadata::Orientation;
use image::{ColorType, DynamicImage, ImageDecoder, ImageError, ImageReader, RgbImage};
use rayon::prelude::*;

use super::error::{BadImage, Error};
use super::images::Part;
use super::{jpeg, kind};
use crate::files::read_regular;
use crate::progress::{NoProgress, Progress};
use crate::spec::OnBadImage;

/// What a JPEG starts with.
const JPEG: &[u8] = b"\xff\xd8";

/// The largest image that is decoded; twice Pillow's `MAX_IMAGE_PIXELS`, where Pillow refuses.
const MAX_PIXELS: u64 = 178_956_970;

/// The longest file that is read as an image, in bytes: six for each of the pixels that are decoded.
pub(super) const MOST_BYTES: u64 = 6 * MAX_PIXELS;

/// Encoders write about ten scans; every one of them takes time for the whole image, however few bytes it has.
const MAX_SCANS: usize = 500;

/// No photo has more pixels in a byte: deflate makes at most 1032 bytes of one
/// (<https://www.zlib.net/zlib_tech.html>), a PNG has at most 8 pixels in each of these, and a JPEG, with a bit for 64
/// pixels, packs less.
const MAX_PIXELS_PER_BYTE: u64 = 8 * 1032;

/// Decodes an image that must have this size; transparency is dropped, as by Pillow's `convert("RGB")`.
pub(super) fn decode_sized(bytes: &[u8], height: usize, width: usize) -> Result<RgbImage, String> {
    let decoder = open(bytes)?;
    let (w, h) = decoder.dimensions();
    if (h as usize, w as usize) != (height, width) {
        return Err(format!(
            "an image of {w}×{h} pixels, expected {width}×{height}"
        ));
    }
    pixels(bytes, decoder)
}

/// Decodes an image of any size and turns it upright as its EXIF orientation says.
pub(super) fn decode_upright(bytes: &[u8]) -> Result<RgbImage, String> {
    let mut decoder = open(bytes)?;
    let orientation = orientation_of(&mut decoder);
    let mut image = DynamicImage::from(pixels(bytes, decoder)?);
    image.apply_orientation(orientation);
    Ok(image.into_rgb8())
}

/// Reads and decodes an image file: [`decode_upright`].
///
/// # Errors
/// A file that cannot be read; [`Error::Image`] for one that does not decode.
pub(super) fn decode_file(path: &Path) -> Result<RgbImage, Error> {
    let encoded = read_regular(path, MOST_BYTES).map_err(Error::io(path))?;
    decode_upright(&encoded).map_err(|reason| {
        Error::Image(BadImage {
            path: path.to_owned(),
            row: None,
            reason,
        })
    })
}

/// The most bytes that [`decode_upright`] takes beside what it is given, by the image's header; none where it does not
/// decode.
pub(super) fn bytes_to_decode(bytes: &[u8]) -> Option<u64> {
    let mut decoder = open(bytes).ok()?;
    let (width, height) = decoder.dimensions();
    let rgb = 3 * u64::from(width) * u64::from(height);
    let is_copied = decoder.color_type() != ColorType::Rgb8
        || orientation_of(&mut decoder) != Orientation::NoTransforms;
    let decoded = decoder.total_bytes();
    Some(match is_copied {
        true => decoded.saturating_add(rgb),
        false => decoded,
    })
}

fn orientation_of(decoder: &mut impl ImageDecoder) -> Orientation {
    decoder.orientation().unwrap_or(Orientation::NoTransforms)
}

fn open(bytes: &[u8]) -> Result<impl ImageDecoder + '_, String> {
    if is_cut_off_jpeg(bytes) {
        return Err("the JPEG is cut off: its end-of-image marker is missing".into());
    }
    if bytes.starts_with(JPEG) && scans(bytes) > MAX_SCANS {
        return Err(format!("a JPEG of more than {MAX_SCANS} scans"));
    }
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format();
    let reader = reader.map_err(|e| e.to_string())?;
    if reader.format().is_none() {
        return Err(kind::why_not(bytes));
    }
    let decoder = reader.into_decoder().map_err(|e| plain(bytes, &e))?;
    let (width, height) = decoder.dimensions();
    match u64::from(width) * u64::from(height) {
        0 => Err("an image without pixels".into()),
        n if n > MAX_PIXELS => Err(format!(
            "an image of {width}×{height} pixels; at most {} megapixels are read",
            MAX_PIXELS / 1_000_000
        )),
        n if n / MAX_PIXELS_PER_BYTE > bytes.len() as u64 => Err(format!(
            "an image of {width}×{height} pixels cannot be in {} bytes: its header is wrong",
            bytes.len()
        )),
        _ => Ok(decoder),
    }
}

/// The pixels of an image whose size is known to be acceptable.
fn pixels(bytes: &[u8], decoder: impl ImageDecoder) -> Result<RgbImage, String> {
    if bytes.starts_with(JPEG)
        && let Some(image) = jpeg::decode(bytes)?
    {
        return Ok(image);
    }
    let image = DynamicImage::from_decoder(decoder).map_err(|e| plain(bytes, &e))?;
    Ok(image.into_rgb8())
}

/// Why an image does not decode, without the decoder's own terms.
fn plain(bytes: &[u8], error: &ImageError) -> String {
    tracing::debug!("decoding an image: {error}");
    let name = kind::format(bytes).unwrap_or("image");
    match error {
        ImageError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => {
            format!("the {name} is cut off: its end is missing")
        }
        ImageError::Unsupported(_) => format!("a {name} of a kind that is not read"),
        ImageError::Limits(_) => format!("the {name} needs too much memory"),
        _ => format!("the {name} is damaged"),
    }
}

/// How many scans a JPEG has at most: its markers that start one, and those of its thumbnails.
fn scans(bytes: &[u8]) -> usize {
    bytes.windows(2).filter(|two| two == b"\xff\xda").count()
}

/// The decoder fills what is missing of a JPEG with grey; a JPEG without an end marker after its first scan is refused.
fn is_cut_off_jpeg(bytes: &[u8]) -> bool {
    let Some(mut rest) = bytes.strip_prefix(JPEG) else {
        return false;
    };
    // A marker: FF, its code, and the length of the segment including these two bytes of length.
    while let [0xff, code, tail @ ..] = rest {
        match code {
            0xff => rest = &rest[1..],
            0xda => return !tail.windows(2).rev().any(|two| two == b"\xff\xd9"),
            0x01 | 0xd0..=0xd8 => rest = tail,
            _ => {
                let [high, low, ..] = tail else { return true };
                let length = u16::from_be_bytes([*high, *low]);
                match tail.get(usize::from(length)..) {
                    Some(next) => rest = next,
                    None => return true,
                }
            }
        }
    }
    rest.is_empty()
}

/// Images being decoded to their places in memory; `Progress` is told, the end included.
pub(super) struct Decoding<'a> {
    progress: &'a dyn Progress,
    on_bad: OnBadImage,
    /// Places gone through.
    done: usize,
    /// The places of images that did not decode, and why.
    bad: Vec<(usize, BadImage)>,
}

impl<'a> Decoding<'a> {
    pub fn start(
        progress: &'a dyn Progress,
        what: &str,
        images: usize,
        on_bad: OnBadImage,
    ) -> Self {
        progress.start(what, Some(images as u64), false);
        Decoding {
            progress,
            on_bad,
            done: 0,
            bad: Vec::new(),
        }
    }

    /// The end of what was decoded before: of so many images, those in these places did not decode.
    pub fn done(images: usize, bad: Vec<(usize, BadImage)>) -> Self {
        Decoding {
            progress: &NoProgress,
            on_bad: OnBadImage::Skip,
            done: images,
            bad,
        }
    }

    /// The places of the images that did not decode, ascending, and why.
    pub fn bad(&mut self) -> Vec<(usize, BadImage)> {
        self.bad.sort_unstable_by_key(|(place, _)| *place);
        self.bad.clone()
    }

    /// Fills the next `places`, each of `len` bytes, in parallel: `fill` writes the image made of an item into the
    /// item's place.
    ///
    /// # Errors
    /// The error of the first item that has one, however the threads run; an [`Error::Image`] only where bad images are
    /// not to be skipped.
    pub fn fill<T: Sync>(
        &mut self,
        places: &mut [u8],
        len: usize,
        items: &[T],
        fill: impl Fn(&T, &mut [u8]) -> Result<(), Error> + Sync,
    ) -> Result<(), Error> {
        let (progress, skips) = (self.progress, self.on_bad == OnBadImage::Skip);
        let bad = Mutex::new(Vec::new());
        let places = places.par_chunks_exact_mut(len.max(1));
        let attempts = places.zip(items).enumerate();
        let failed = attempts.find_map_first(|(i, (place, item))| {
            let result = fill(item, place);
            progress.advance(1);
            match result {
                Err(Error::Image(image)) if skips => {
                    tracing::debug!("skipped: {image}");
                    let mut bad = bad.lock().unwrap_or_else(PoisonError::into_inner);
                    bad.push((self.done + i, image));
                    None
                }
                other => other.err(),
            }
        });
        self.bad
            .extend(bad.into_inner().unwrap_or_else(PoisonError::into_inner));
        self.done += items.len();
        failed.map_or(Ok(()), Err)
    }

    /// Takes the images that did not decode out of `part`, which has all places; theirs, ascending.
    ///
    /// # Errors
    /// [`Error::EmptyClass`].
    pub fn finish(mut self, part: &mut Part) -> Result<Vec<usize>, Error> {
        let bad = self.bad();
        let Some((_, first)) = bad.first() else {
            return Ok(Vec::new());
        };
        tracing::warn!(
            "{} of {} images do not decode and are skipped; the first: {first}",
            bad.len(),
            self.done
        );
        let places: Vec<usize> = bad.iter().map(|(place, _)| *place).collect();
        let label = |place: &usize| part.labels.get(*place).copied();
        let labels: Vec<u32> = places.iter().filter_map(label).collect();
        part.remove(&places);
        let (lost, left) = (part.classes_of(&labels), part.classes_of(&part.labels));
        for (label, (_, first)) in labels.iter().zip(bad) {
            for (class, images) in part.classes_of([label]) {
                if !left.contains_key(&class) {
                    let images = lost.get(&class).copied().unwrap_or(images);
                    return Err(Error::EmptyClass { images, first });
                }
            }
        }
        Ok(places)
    }
}

impl Drop for Decoding<'_> {
    fn drop(&mut self) {
        self.progress.finish();
    }
}
