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
    #[error("{engine}: {why}; --engine {engine}={example}")]
    Place {
        engine: &'static str,
        example: &'static str,
        why: String,
    },
    #[error("{variable} is no token: a header cannot hold it")]
    Token { variable: &'static str },
    #[error(
        "`{option}` is no field of a job: KEY=VALUE, such as entrypoint_num_gpus=1 or runtime_env={{…}}; what is run, and the \
         job's id, are the runner's"
    )]
    Option { option: String },
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
    #[error("{program}: {said}")]
    Down { program: String, said: String },
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
        "the jobs in {path} are {there}'s; --cancel them, submit with --engine {there}, or remove the file where that engine \
         is no more",
        path = foreign::path(path)
    )]
    Other { path: PathBuf, there: String },
}

impl Error {
    /// Whether the command line is wrong.
    pub fn is_usage(&self) -> bool {
        use Error::{Address, LineBreak, NotText, Option, Place, Token, Unknown};
        matches!(
            self,
            Unknown { .. }
                | Address { .. }
                | Place { .. }
                | Token { .. }
                | Option { .. }
                | NotText { .. }
                | LineBreak { .. }
        )
    }
}
