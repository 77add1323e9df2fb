//! Why a run failed.

use super::need::TooMuch;
use crate::spec::Problem;
use crate::stop::Interrupted;
use crate::{data, features, fetch, model, train};

/// What stops one run; the sweep records it and continues.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Spec(#[from] Problem),
    #[error(transparent)]
    Data(#[from] data::Error),
    #[error(transparent)]
    Fetch(#[from] fetch::Error),
    #[error(transparent)]
    Weights(#[from] model::weights::Error),
    #[error(transparent)]
    Features(#[from] features::Error),
    #[error(transparent)]
    Train(#[from] train::Error),
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// What it needs was looked for before, in vain.
    #[error("{0}")]
    Unavailable(String),
    #[error(transparent)]
    Memory(#[from] TooMuch),
    #[error("the runner itself failed: {0}; please report this")]
    Panic(String),
    #[error("computing failed: {0}")]
    Candle(#[from] candle_core::Error),
    #[error(
        "the dataset has {found} classes, but the network was planned for {planned}; did its files \
         change while the experiment was running?"
    )]
    ClassesChanged { found: usize, planned: usize },
}

impl Error {
    /// Whether the run was stopped and can be resumed.
    pub fn is_interruption(&self) -> bool {
        matches!(
            self,
            Error::Interrupted(_)
                | Error::Features(features::Error::Interrupted(_))
                | Error::Train(train::Error::Interrupted(_))
        )
    }

    /// Whether the run is held after some of its epochs, and can be resumed.
    pub fn is_hold(&self) -> bool {
        matches!(self, Error::Train(train::Error::Held(_)))
    }
}
