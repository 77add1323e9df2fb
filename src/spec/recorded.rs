//! A spec that was recorded beside a model, loaded again to apply the model to other data.

use std::path::Path;

use super::diagnostic::Diagnostic;
use super::experiment::Experiment;
use super::position::Position;
use super::types::Spec;
use super::values::Weights;
use super::{Error, key, overlays};

/// The tables and keys that say what a trained model is applied to and how; all others say how it became what it is.
const APPLIED: [&[&str]; 5] = [
    &["dataset"],
    &["training", "batch_size"],
    &["training", "device"],
    &["training", "metrics"],
    &["training", "threshold"],
];

impl Experiment {
    /// The spec recorded in the file `model` without the files that its weights came from, with `overrides`
    /// (`KEY=VALUE`, as given to `--set`) on top that say what the model is applied to; relative paths in them start in
    /// `folder`.
    ///
    /// # Errors
    /// A key that cannot be changed once the model is trained, and every mistake in the values.
    pub fn recorded(
        spec: &Spec,
        model: &Path,
        overrides: &[String],
        folder: &Path,
    ) -> Result<Self, Error> {
        for flag in overrides {
            check(flag)?;
        }
        // What the model was made of may be gone.
        let mut spec = spec.clone();
        spec.backbone.weights = Weights::Random;
        spec.training.initial_weights = None;
        spec.optimizer.l2_sp = None;
        spec.stage = Vec::new();
        Self::of(overlays::merge_text(
            model,
            spec.to_toml(),
            overrides,
            &[],
            folder,
        )?)
    }
}

/// Refuses a key that decided how the model was trained; what is malformed is left to the overlays.
fn check(flag: &str) -> Result<(), Error> {
    let key = key::split_assignment(flag).and_then(|(key, _)| key::parse(key).ok());
    let Some(key) = key else { return Ok(()) };
    if APPLIED.iter().any(|applied| {
        key.iter()
            .zip(*applied)
            .all(|(found, wanted)| found == wanted)
            && key.len() >= applied.len()
    }) {
        return Ok(());
    }
    let message = format!(
        "`{}` is part of how the model was trained, and cannot be changed now",
        key::dotted(&key)
    );
    Err(Diagnostic::new(Position::Flag(format!("--set {flag}").into()), message)
        .help("what can be set: dataset.…, training.batch_size, training.device, training.metrics, training.threshold")
        .into())
}
