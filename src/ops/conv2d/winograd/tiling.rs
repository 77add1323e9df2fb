//! How tiles lie in the images.

use crate::ops::conv2d::shape::Shape;

/// Outputs of a tile, each way.
pub(super) const OUT: usize = 4;
/// Inputs it sees, each way.
pub(super) const IN: usize = 6;
/// Points of a transformed tile.
pub(super) const POINTS: usize = IN * IN;

/// Tiles whose channels out are computed, or whose gradients summed, by neighbouring tasks.
pub(super) const TILE_BLOCK: usize = 128;

/// Pixels of a square by row and column, counted from the batch's first; none where it has no pixel.
pub(super) type Pixels<const SIDE: usize> = [[Option<usize>; SIDE]; SIDE];

/// The tiles that cover a convolution's outputs, image by image, row by row.
#[derive(Clone, Copy)]
pub(super) struct Tiling {
    shape: Shape,
    across: usize,
    down: usize,
}

impl Tiling {
    pub fn new(shape: &Shape) -> Self {
        Tiling {
            shape: *shape,
            across: shape.wo.div_ceil(OUT),
            down: shape.ho.div_ceil(OUT),
        }
    }

    pub fn per_image(&self) -> usize {
        self.across * self.down
    }

    pub fn tiles(&self) -> usize {
        self.shape.n * self.per_image()
    }

    /// The image, and the first output row and column, of a tile.
    fn place(&self, tile: usize) -> (usize, usize, usize) {
        let (image, tile) = (tile / self.per_image(), tile % self.per_image());
        (image, tile / self.across * OUT, tile % self.across * OUT)
    }

    /// The input pixels a tile sees; none in the padding.
    pub fn inputs(&self, tile: usize) -> Pixels<IN> {
        let s = &self.shape;
        let (image, y, x) = self.place(tile);
        let [top, left] = s.padding;
        let inside = |at: usize, padding: usize, size: usize| {
            at.checked_sub(padding).filter(|at| *at < size)
        };
        let mut pixels = [[None; IN]; IN];
        for (i, row) in pixels.iter_mut().enumerate() {
            let Some(y) = inside(y + i, top, s.h) else {
                continue;
            };
            for (j, pixel) in row.iter_mut().enumerate() {
                *pixel = inside(x + j, left, s.w).map(|x| (image * s.h + y) * s.w + x);
            }
        }
        pixels
    }

    /// The output pixels of a tile; none beyond the edge.
    pub fn outputs(&self, tile: usize) -> Pixels<OUT> {
        let s = &self.shape;
        let (image, y, x) = self.place(tile);
        let mut pixels = [[None; OUT]; OUT];
        for (y, row) in (y..s.ho).zip(&mut pixels) {
            for (x, pixel) in (x..s.wo).zip(row) {
                *pixel = Some((image * s.ho + y) * s.wo + x);
            }
        }
        pixels
    }
}
