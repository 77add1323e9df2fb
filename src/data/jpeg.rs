//! JPEG by libjpeg's arithmetic, so that pixels are those that Pillow, Keras and PyTorch see.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::RgbImage;
use mozjpeg::{ColorSpace, Decompress};

/// Decodes a JPEG, grey ones included; `None` for colour spaces that libjpeg does not turn into RGB (CMYK).
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
    if matches!(
        decompress.color_space(),
        ColorSpace::JCS_CMYK | ColorSpace::JCS_YCCK
    ) {
        return Ok(None);
    }
    let mut started = decompress.rgb()?;
    let (width, height) = (started.width() as u32, started.height() as u32);
    let pixels = started.read_scanlines::<u8>()?;
    started.finish()?;
    Ok(RgbImage::from_raw(width, height, pixels))
}
