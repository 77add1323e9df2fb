//! The spec: its types, its layers and diagnostics, and the runs a sweep consists of.

mod types;
mod values;

pub use types::*;
pub use values::*;
