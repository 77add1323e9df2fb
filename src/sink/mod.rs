//! Who is told what happens in an experiment: one stream of events, and whoever follows it.
//!
//! The sinks of an experiment stand in one list, and each is told of each event in the list's order. Here are the terminal
//! and the recorder, which keeps the results folder; the report and trackers are others'.

mod error;
mod event;
mod list;
pub mod progress;
mod recorder;

pub use error::Error;
pub use event::{Event, Place, Run, Written};
pub use list::{Failure, Sink, Sinks};
pub use recorder::{Begun, Done, Opening, Recorder, Running};
