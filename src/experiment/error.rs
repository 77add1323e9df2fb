//! Why an experiment could not be run at all.

use std::path::PathBuf;

use crate::foreign;
use crate::stop::Interrupted;
use crate::{engine, run, sink, spec};

/// What ends the program before all runs are done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The spec or the command line is wrong.
    #[error("{0}")]
    Spec(#[from] spec::Error),
    /// Runs that are asked for are not there.
    #[error("{0}")]
    Only(String),
    /// Tasks cannot be handed to an engine.
    #[error("{0}")]
    Engine(#[from] engine::Error),
    /// Weights that runs are named by cannot be had.
    #[error("{0}; runs are named by their weights, so none is submitted without them")]
    Nameless(String),
    /// The results cannot be written or read.
    #[error("{0}")]
    Record(#[from] sink::Error),
    /// What the runs share is not there.
    #[error("{0}")]
    Run(Box<run::Error>),
    /// Stopped before the experiment itself began.
    #[error("{0}; the same command, without --fresh, resumes")]
    Interrupted(#[from] Interrupted),
    /// The machine gives no more threads.
    #[error("cannot make threads for that many parallel runs: {0}; choose fewer --jobs")]
    Threads(std::io::Error),
    /// What was asked for beside the results cannot be written.
    #[error("cannot write {path}: {source}", path = foreign::path(path))]
    Write {
        path: PathBuf,
        source: std::io::Error,
    },
    /// An experiment that this one builds on has not given its model.
    #[error("experiment {name} failed, and this one builds on it: {error}")]
    Upstream { name: String, error: String },
}

impl From<run::Error> for Error {
    fn from(error: run::Error) -> Self {
        Error::Run(Box::new(error))
    }
}

impl Error {
    /// The text to show, coloured where asked for.
    pub fn render(&self, colour: bool) -> String {
        match self {
            Error::Spec(error) => error.render(colour),
            other => format!("error: {other}"),
        }
    }
}
