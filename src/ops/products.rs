//! What products are computed with on a CPU.

/// The factors of products; sums are f32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Products {
    #[default]
    F32,
    /// Rounded to bfloat16 where [`Products::are_there`]. They stay f32 with Winograd's algorithm, which needs fewer and would
    /// round more; channel by channel; on maps of a few pixels, of vectors and in gradients of kernels.
    Bf16,
}

impl Products {
    /// Whether this processor has instructions for them.
    pub fn are_there(self) -> bool {
        match self {
            Products::F32 => true,
            #[cfg(target_arch = "x86_64")]
            Products::Bf16 => {
                super::simd::lanes() == 16
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bf16")
            }
            #[cfg(not(target_arch = "x86_64"))]
            Products::Bf16 => false,
        }
    }
}
