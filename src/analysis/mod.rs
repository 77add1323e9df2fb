//! What recorded tables say: runs grouped by what differs, and which differences are more than noise.
//!
//! Everything is made of the tables that `record` writes, so that it holds for finished and for running experiments.

mod answers;
mod compare;
mod comparison;
mod difference;
mod error;
mod filter;
mod front;
mod groups;
mod judge;
mod measure;
mod notes;
mod others;
mod recorded;
mod results;
mod select;
mod stats;
mod table;

pub use compare::compare;
pub use comparison::{Comparison, Group, Others, Question, Verdict};
pub use difference::{Difference, Needed, Over};
pub use error::Error;
pub use filter::Filter;
pub use groups::by_setting;
pub use measure::{Images, Measure, Unit};
pub use notes::{answer, front, name_of, needed, notes, optimistic};
pub use recorded::{Recorded, Results};
pub use select::{Optimistic, Select};
pub use stats::{Sample, holm, paired, welch};
pub use table::{TextFormat, csv, frame, json, rows};
pub(crate) use table::{shown, unit_of_difference, with_interval};
