//! The spec: its types, its layers and diagnostics, and the runs a sweep consists of.

mod experiment;
mod types;
mod values;

pub use experiment::*;
pub use types::*;
pub use values::*;
