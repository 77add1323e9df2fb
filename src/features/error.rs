//! Why there are no features.

use crate::data;
use crate::stop::Interrupted;

/// What ends computing them.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    #[error(transparent)]
    Data(#[from] data::Error),
    #[error("computing failed: {0}")]
    Candle(#[from] candle_core::Error),
}
