//! Which runs are to be done, and what they will take.

mod effort;
mod pack;
mod plan;

pub use effort::{efforts, seconds};
pub use pack::{Size, pack};
pub use plan::{Plan, Planner};
