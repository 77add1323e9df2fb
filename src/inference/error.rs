//! Why a model cannot be applied.

use std::path::PathBuf;

use crate::foreign;
use crate::{data, fetch, model, run, spec, train};

/// What ends an evaluation or a prediction.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line is wrong.
    #[error("{0}")]
    Spec(#[from] spec::Error),
    #[error("there is no model in {}: expected a run's folder, results/<name>/runs/<run>, or its model.safetensors", foreign::path(.0))]
    NoModel(PathBuf),
    #[error("{} has no model: the run is {state}", foreign::path(.folder))]
    Unfinished { folder: PathBuf, state: String },
    #[error("the model of {} was not kept ({why}): the experiment's spec with --only {run} --set training.save=all trains it again", foreign::path(.folder))]
    NotKept {
        folder: PathBuf,
        run: String,
        why: String,
    },
    #[error("{}: {message}; only models that this runner saved can be used alone", foreign::path(.path))]
    Metadata { path: PathBuf, message: String },
    #[error("{0}")]
    Problem(#[from] spec::Problem),
    #[error(transparent)]
    Data(#[from] data::Error),
    #[error(transparent)]
    Fetch(#[from] fetch::Error),
    #[error(transparent)]
    Weights(#[from] model::weights::Error),
    #[error(transparent)]
    Run(Box<run::Error>),
    #[error(transparent)]
    Train(#[from] train::Error),
    #[error("computing failed: {0}")]
    Candle(#[from] candle_core::Error),
    #[error("the dataset has a class \"{}\" that the model does not know; {}", foreign::one_line(.found), foreign::one_line(.known))]
    UnknownClass { found: String, known: String },
    #[error("cannot write {}: {why}", foreign::path(path))]
    Write { path: PathBuf, why: String },
    #[error(
        "a temperature is fitted to the logits of a softmax, and this model ends with a sigmoid"
    )]
    NoSoftmax,
    #[error(
        "a temperature is fitted on validation images, and the dataset has none (dataset.validation_split)"
    )]
    NoValidation,
    #[error("the dataset has no {part} images; --part names another part")]
    NoImages { part: &'static str },
}

impl From<run::Error> for Error {
    fn from(error: run::Error) -> Self {
        Error::Run(Box::new(error))
    }
}

impl Error {
    /// Whether what was asked for is wrong, rather than what was found.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Error::Spec(_) | Error::NoModel(_) | Error::Metadata { .. } | Error::Problem(_)
        )
    }

    /// The text to show, coloured where asked for.
    pub fn render(&self, colour: bool) -> String {
        match self {
            Error::Spec(error) => error.render(colour),
            other => format!("error: {other}"),
        }
    }
}
