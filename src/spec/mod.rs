//! The spec: its types, its overlays and diagnostics, and the runs a sweep consists of.
//!
//! [`Experiment::load`] reads it: `overlays` merges files, variables and flags, `read` and `explain` turn the result
//! into types or diagnostics, `sweep` and `expand` make the runs, `validate` looks for contradictions in them, and
//! `locate` finds the place of what is wrong.

mod asking;
mod chosen;
mod contents;
mod defaults;
mod diagnostic;
mod error;
mod expand;
mod experiment;
mod explain;
mod json_schema;
mod key;
mod kind;
mod load;
mod locate;
mod monitor;
mod origin;
mod overlay;
mod overlays;
mod paths;
mod position;
mod problem;
mod question;
mod read;
mod recorded;
mod resolved;
mod run;
mod run_id;
mod schema;
mod setting;
mod source;
mod stages;
mod suggest;
mod sweep;
mod tree;
mod types;
mod validate;
mod values;
mod variables;

pub use crate::search::MOST_RUNS;
pub use contents::Contents;
pub use defaults::head_names;
pub use diagnostic::Diagnostic;
pub use error::Error;
pub use experiment::Experiment;
pub use json_schema::json_schema;
pub use kind::{KeyKind, is_ordered_by_depth, is_replicate, key_kind, replicates};
pub use monitor::Monitor;
pub use position::{Position, SourceFile};
pub use problem::Problem;
pub use question::{Answer, Question};
pub use run::{AxisValue, Run};
pub use run_id::digits_of;
pub use schema::key_meant;
pub use setting::Setting;
pub use stages::StageSpec;
pub use suggest::{nearest, slip};
pub use types::*;
pub use validate::{out_of_range, pointless_metric, unknown_weighted_class, validate};
pub use values::*;

#[cfg(test)]
mod tests;
