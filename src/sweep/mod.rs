//! Which runs are to be done, and what they will take.

mod effort;
mod plan;

pub use effort::efforts;
pub use plan::Plan;
