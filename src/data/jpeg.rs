//! JPEG by libjpeg's arithmetic, so that pixels are those that Pillow, Keras and PyTorch see.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::RgbImage;
use mozjpeg::{ColorSpace, Decompress};

/// Decodes a JPEG, those of greys and of inks (CMYK) included; `None` where its size is not that of its pixels.
///
/// # Errors
/// What libjpeg says of the file.
pub(super) fn decode(bytes: &[u8]) -> Result<Option<RgbImage>, String> {
    // libjpeg's errors come as unwinding, without the panic hook being called.
    match catch_unwind(AssertUnwindSafe(|| decompress(bytes))) {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(reason) => Err(reason
            .downcast_ref::<String>()
            .cloned()
            .unwrap_or_else(|| "broken JPEG".into())),
    }
}

fn decompress(bytes: &[u8]) -> io::Result<Option<RgbImage>> {
    let decompress = Decompress::new_mem(bytes)?;
    let is_of_inks = matches!(
        decompress.color_space(),
        ColorSpace::JCS_CMYK | ColorSpace::JCS_YCCK
    );
    let mut started = match is_of_inks {
        true => decompress.to_colorspace(ColorSpace::JCS_CMYK)?,
        false => decompress.rgb()?,
    };
    let (width, height) = (started.width() as u32, started.height() as u32);
    let mut pixels = started.read_scanlines::<u8>()?;
    started.finish()?;
    if is_of_inks {
        let inks = pixels.as_chunks::<4>().0.iter();
        pixels = inks.flat_map(|inks| rgb(*inks)).collect();
    }
    Ok(RgbImage::from_raw(width, height, pixels))
}

/// `cmyk2rgb` in Pillow's `src/libImaging/Convert.c`, of inks that are inverted, as Adobe's programs write them and
/// Pillow takes all.
fn rgb([c, m, y, k]: [u8; 4]) -> [u8; 3] {
    let light = u32::from(k);
    [c, m, y].map(|inverted| {
        let product = u32::from(255 - inverted) * light + 128;
        let taken = ((product >> 8) + product) >> 8;
        light.saturating_sub(taken) as u8
    })
}
