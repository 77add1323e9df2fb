//! What a tensor is to its node.

/// What a tensor is to its node; decides its layout, its usual initial value and whether it can train.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// `[height, width, in, out]` here, `[out, in, height, width]` in files; as `[in, out]` and
    /// `[out, in]` where `dense`.
    Kernel {
        dense: bool,
    },
    Bias,
    /// A normalization's scale.
    Gamma,
    /// A normalization's offset.
    Beta,
    MovingMean,
    MovingVariance,
    /// Layer scale's factors; `initial` in millionths.
    LayerScale {
        initial: u32,
    },
    /// A token that is learned.
    Token,
    /// What is added to each token by its position; the first `prefix` belong to no place of the image.
    Positions {
        prefix: usize,
        /// Rows and columns of the places.
        grid: (usize, usize),
    },
}

impl Role {
    /// Whether it is multiplied with a layer's input.
    pub fn is_kernel(self) -> bool {
        matches!(self, Role::Kernel { .. })
    }

    /// Whether the optimizer may change it: moving statistics are not weights.
    pub fn is_weight(self) -> bool {
        !matches!(self, Role::MovingMean | Role::MovingVariance)
    }
}
