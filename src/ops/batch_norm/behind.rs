//! The function behind a normalization, known where loops are compiled.

use crate::ops::activation::Function;

/// A function of single values.
pub(super) trait Behind {
    fn value(z: f32) -> f32;

    /// The gradient of what the function was applied to, which was `z`, from that of its value.
    fn gradient(dy: f32, z: f32) -> f32;
}

/// No function.
pub(super) struct Nothing;

impl Behind for Nothing {
    #[inline(always)]
    fn value(z: f32) -> f32 {
        z
    }

    #[inline(always)]
    fn gradient(dy: f32, _: f32) -> f32 {
        dy
    }
}

/// The function of this place in [`Function::ALL`].
pub(super) struct Known<const FUNCTION: usize>;

impl<const FUNCTION: usize> Behind for Known<FUNCTION> {
    #[inline(always)]
    fn value(z: f32) -> f32 {
        const { Function::ALL[FUNCTION] }.value(z)
    }

    #[inline(always)]
    fn gradient(dy: f32, z: f32) -> f32 {
        const { Function::ALL[FUNCTION] }.gradient(dy, z)
    }
}

/// An expression in which the type `$of` is the [`Behind`] of an optional function.
macro_rules! with_function {
    ($function:expr, $of:ident => $body:expr) => {
        with_function!(@each $function, $of, $body, 0, 1, 2, 3, 4, 5, 6)
    };
    (@each $function:expr, $of:ident, $body:expr, $($place:literal),+) => {
        match $function {
            $(Some(function) if function == Function::ALL[$place] => {
                type $of = $crate::ops::batch_norm::behind::Known<$place>;
                $body
            })+
            _ => {
                type $of = $crate::ops::batch_norm::behind::Nothing;
                $body
            }
        }
    };
}
pub(super) use with_function;
