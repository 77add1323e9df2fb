//! Why tasks cannot be handed to an engine.

use std::io;
use std::path::PathBuf;

use crate::foreign;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no engine `{name}`; there are: {known} (--print is for any other)")]
    Unknown { name: String, known: String },
    #[error("{engine} takes no address: --engine {engine}")]
    Address { engine: &'static str },
    #[error("{text} is not text in UTF-8, so no command can be written with it", text = text.escape_debug())]
    NotText { text: String },
    #[error("{word:?} has a line break, so that no command with it fits a line")]
    LineBreak { word: String },
    #[error("cannot start {program}: {source}; {hint}")]
    Missing {
        program: &'static str,
        source: io::Error,
        hint: &'static str,
    },
    /// What the engine said, as it is.
    #[error("{program} refused:\n{said}")]
    Refused { program: String, said: String },
    #[error("{program} said what is not understood: {said}")]
    Answer { program: &'static str, said: String },
    #[error("{path}: {source}", path = foreign::path(path))]
    File { path: PathBuf, source: io::Error },
    #[error(
        "{path} cannot be read: {why}; cancel its jobs, if there are any, and remove it",
        path = foreign::path(path)
    )]
    Record { path: PathBuf, why: String },
    #[error(
        "the jobs in {path} are {there}'s; --cancel them, or submit with --engine {there}",
        path = foreign::path(path)
    )]
    Other { path: PathBuf, there: String },
}

impl Error {
    /// Whether the command line is wrong.
    pub fn is_usage(&self) -> bool {
        use Error::{Address, LineBreak, NotText, Unknown};
        matches!(
            self,
            Unknown { .. } | Address { .. } | NotText { .. } | LineBreak { .. }
        )
    }
}
