//! A trained model in the formats of other programs.

mod error;
pub mod keras;
pub mod onnx;
pub mod pytorch;

pub use error::Error;
