//! JPEG and PNG bytes to RGB pixels.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageReader, RgbImage};
use rayon::prelude::*;

use super::{Error, jpeg};
use crate::fetch::Progress;

/// What a JPEG starts with.
const JPEG: &[u8] = b"\xff\xd8";

/// The largest image that is decoded; twice Pillow's `MAX_IMAGE_PIXELS`, where Pillow refuses.
const MAX_PIXELS: u64 = 178_956_970;

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
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut image = DynamicImage::from(pixels(bytes, decoder)?);
    image.apply_orientation(orientation);
    Ok(image.into_rgb8())
}

fn open(bytes: &[u8]) -> Result<impl ImageDecoder + '_, String> {
    if is_cut_off_jpeg(bytes) {
        return Err("the JPEG is cut off: its end-of-image marker is missing".into());
    }
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format();
    let reader = reader.map_err(|e| e.to_string())?;
    if reader.format().is_none() {
        return Err("neither a JPEG nor a PNG".into());
    }
    let decoder = reader.into_decoder().map_err(|e| e.to_string())?;
    let (width, height) = decoder.dimensions();
    match u64::from(width) * u64::from(height) {
        0 => Err("an image without pixels".into()),
        n if n > MAX_PIXELS => Err(format!(
            "an image of {width}×{height} pixels; at most {} megapixels are read",
            MAX_PIXELS / 1_000_000
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
    let image = DynamicImage::from_decoder(decoder).map_err(|e| e.to_string())?;
    Ok(image.into_rgb8())
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

/// A piece of work that `Progress` is told of; ended when it is dropped.
pub(super) struct Task<'a>(&'a dyn Progress);

impl<'a> Task<'a> {
    pub fn start(progress: &'a dyn Progress, what: &str, images: usize) -> Self {
        progress.start(what, Some(images as u64), false);
        Task(progress)
    }
}

impl Drop for Task<'_> {
    fn drop(&mut self) {
        self.0.finish();
    }
}

/// Fills `places`, each of `len` bytes, in parallel: `fill` writes the image made of an item into the item's place.
///
/// # Errors
/// The error of the first item that has one, however the threads run.
pub(super) fn fill<T: Sync>(
    places: &mut [u8],
    len: usize,
    items: &[T],
    task: &Task,
    fill: impl Fn(&T, &mut [u8]) -> Result<(), Error> + Sync,
) -> Result<(), Error> {
    let places = places.par_chunks_exact_mut(len.max(1));
    let failed = places.zip(items).find_map_first(|(place, item)| {
        let result = fill(item, place);
        task.0.advance(1);
        result.err()
    });
    failed.map_or(Ok(()), Err)
}
