//! How each primitive is written, those of a kind together.

mod attention;
mod elementwise;
mod normalization;
mod pooling;
mod product;
mod shape;

use super::place::{Place, Value};
use crate::export::Error;

/// An operation that ONNX's operators can express.
pub trait Written {
    /// Writes it at its place; gives what it gives.
    ///
    /// # Errors
    /// A place that it does not fit.
    fn write(&self, place: &mut Place<'_, '_>) -> Result<Value, Error>;
}
