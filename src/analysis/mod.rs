//! What recorded tables say: runs grouped by what differs, and which differences are more than noise.
//!
//! Everything is made of the tables that `record` writes, so that it holds for finished and for running experiments.

mod compare;
mod comparison;
mod error;
mod filter;
mod groups;
mod measure;
mod others;
mod recorded;
mod results;
mod stats;
mod table;

pub use compare::compare;
pub use comparison::{Comparison, Group, Others, Question, Verdict};
pub use error::Error;
pub use filter::Filter;
pub use groups::by_setting;
pub use measure::{Images, Measure, Unit};
pub use recorded::{Recorded, Results};
pub use stats::{Sample, welch};
pub(crate) use table::shown;
pub use table::{TextFormat, csv, frame, json, notes, rows};
