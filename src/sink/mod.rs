//! Who is told what happens while runs are in progress: the terminal, the results folder, the report.

mod error;
mod page;
pub mod progress;
mod recorder;

pub use error::Error;
pub use page::Page;
pub use recorder::{Begun, Done, Opening, Recorder, RunRecorder};
