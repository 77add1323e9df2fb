//! A trained model used alone: everything comes from the file that a run left, or from published weights.

mod calibrate;
mod embed;
mod embeddings;
mod error;
mod evaluate;
mod model;
mod open;
mod predict;
mod published;

pub use calibrate::{Calibrated, Reliability, ReliabilityBin, calibrate};
pub use embed::{Embedded, embed};
pub use error::Error;
pub use evaluate::{ClassScore, EvaluatedPart, Evaluation, evaluate};
pub use model::Model;
pub use predict::{ImagePrediction, Predictions, Ranked, input, input_of, predict};
pub use published::check_published;
