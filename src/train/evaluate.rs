//! Metrics of a network over a part, nothing learned.

use std::sync::Arc;

use candle_core::Tensor;

use super::error::Error;
use super::inputs::Inputs;
use super::loss::Criterion;
use super::prediction::probabilities;
use crate::graph::Mode;
use crate::label_sets::LabelSets;
use crate::metric::{Metrics, Tally};
use crate::model::Network;
use crate::spec::{Activation, Training};
use crate::stop::Stop;

/// What a network's logits come to, batch by batch.
pub struct Scores<'a> {
    training: &'a Training,
    classes: usize,
    sets: Option<Arc<LabelSets>>,
    output: Activation,
    tally: Tally,
}

impl<'a> Scores<'a> {
    /// Nothing scored yet of so many samples, with the classes of each label where samples have several. `output` makes
    /// probabilities of the logits.
    pub fn new(
        training: &'a Training,
        (classes, sets): (usize, Option<&Arc<LabelSets>>),
        output: Activation,
        samples: usize,
    ) -> Self {
        let sets = sets.cloned();
        Scores {
            training,
            classes,
            output,
            tally: Tally::new(classes, training.metrics())
                .of_sets(sets.clone(), training.threshold)
                .expecting(samples),
            sets,
        }
    }

    /// Adds the logits `[batch, classes]` of a batch; returns them on the host, row by row.
    ///
    /// # Errors
    /// Logits of another shape, or what the device reports.
    pub fn add(&mut self, logits: &Tensor, labels: &[u32]) -> Result<Vec<Vec<f32>>, Error> {
        let sets = self.sets.as_deref();
        let loss = Criterion::new(self.training, self.classes, sets)
            .each(logits, labels)?
            .mean_all()?
            .to_scalar::<f32>()?;
        let rows = logits.to_vec2()?;
        self.tally.add(f64::from(loss), &rows, labels, |row| {
            probabilities(row, self.output)
        })?;
        Ok(rows)
    }

    /// The metrics that the spec asks for; absent before the first batch.
    pub fn metrics(&self) -> Option<Metrics> {
        (self.tally.samples() > 0).then(|| self.tally.metrics(self.training.metrics()))
    }
}

/// Measures the network over all samples in file order, dropout off; `None` where there are none.
///
/// # Errors
/// What the device reports; [`Interrupted`](crate::stop::Interrupted) where `stop` is wished meanwhile.
pub fn evaluate(
    network: &Network,
    inputs: &Inputs<'_>,
    training: &Training,
    of: (usize, Option<&Arc<LabelSets>>),
    stop: &Stop,
) -> Result<Option<Metrics>, Error> {
    evaluate_each(network, inputs, training, of, stop, &mut |_, _| {})
}

/// [`evaluate`], which gives `each` the logits and the label of every sample, in file order.
///
/// # Errors
/// As [`evaluate`].
pub fn evaluate_each(
    network: &Network,
    inputs: &Inputs<'_>,
    training: &Training,
    of: (usize, Option<&Arc<LabelSets>>),
    stop: &Stop,
    each: &mut dyn FnMut(&[f32], u32),
) -> Result<Option<Metrics>, Error> {
    let output = network.blueprint.output;
    let mut scores = Scores::new(training, of, output, inputs.len());
    let order: Vec<u32> = (0..inputs.len() as u32).collect();
    for indices in order.chunks(training.batch_size) {
        stop.check()?;
        let (features, labels) = inputs.batch(network, indices, 0)?;
        let logits = network.forward_rest(&features, Mode::Evaluate)?;
        let rows = scores.add(&logits, &labels)?;
        for (row, label) in rows.iter().zip(labels) {
            each(row, label);
        }
    }
    Ok(scores.metrics())
}
