//! An image that transforms work on.

/// An image of bytes, `[height, width, channels]` with 1 (grey) or 3 (RGB) channels, and room for the next one.
#[derive(Clone, Debug, Default)]
pub struct Picture {
    pub pixels: Vec<u8>,
    pub height: usize,
    pub width: usize,
    pub channels: usize,
    spare: Vec<u8>,
}

impl Picture {
    /// Takes a copy of an image of this height, width and number of channels.
    pub fn set(&mut self, pixels: &[u8], (height, width, channels): (usize, usize, usize)) {
        self.pixels.clear();
        self.pixels.extend_from_slice(pixels);
        (self.height, self.width, self.channels) = (height, width, channels);
    }

    /// Height and width.
    pub fn sides(&self) -> (usize, usize) {
        (self.height, self.width)
    }

    /// Puts another image of this height and width in its place, which `make` writes into zeros.
    pub(super) fn replace(
        &mut self,
        (height, width): (usize, usize),
        make: impl FnOnce(&Picture, &mut [u8]),
    ) {
        let mut out = std::mem::take(&mut self.spare);
        out.clear();
        out.resize(height * width * self.channels, 0);
        make(self, &mut out);
        self.spare = std::mem::replace(&mut self.pixels, out);
        (self.height, self.width) = (height, width);
    }

    /// Its pixels as RGB; none of a grey one.
    pub(super) fn rgb(&mut self) -> Option<&mut [[u8; 3]]> {
        (self.channels == 3).then(|| self.pixels.as_chunks_mut::<3>().0)
    }
}

#[cfg(test)]
impl Picture {
    /// An RGB image of 7 × 9 pixels in which every value occurs about once:
    /// `numpy.arange(189).reshape(7, 9, 3) * 37 % 251` as bytes.
    pub(super) fn example() -> Self {
        let mut picture = Picture::default();
        let pixels: Vec<u8> = (0..189).map(|i| (i * 37 % 251) as u8).collect();
        picture.set(&pixels, (7, 9, 3));
        picture
    }

    /// The MD5 of its pixels in hexadecimal, as `hashlib.md5(numpy.asarray(image).tobytes()).hexdigest()`.
    pub(super) fn md5(&self) -> String {
        use md5::Digest as _;
        crate::text::hex(md5::Md5::digest(&self.pixels))
    }
}
