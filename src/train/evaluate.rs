//! Metrics of a network over a part, nothing learned.

use super::error::Error;
use super::inputs::Inputs;
use super::loss::Criterion;
use super::metrics::Metrics;
use super::tally::Tally;
use crate::model::{Mode, Network};
use crate::spec::Training;
use crate::stop::Stop;

/// Measures the network over all samples in file order, dropout off; `None` where there are none.
///
/// # Errors
/// What the device reports; [`Interrupted`](crate::stop::Interrupted) where `stop` is wished meanwhile.
pub fn evaluate(
    network: &Network,
    inputs: &Inputs<'_>,
    training: &Training,
    classes: usize,
    stop: &Stop,
) -> Result<Option<Metrics>, Error> {
    if inputs.is_empty() {
        return Ok(None);
    }
    let criterion = Criterion::new(training, classes);
    let mut tally = Tally::new(classes);
    let order: Vec<u32> = (0..inputs.len() as u32).collect();
    for indices in order.chunks(training.batch_size) {
        stop.check()?;
        let (features, labels) = inputs.batch(network, indices, 0, Mode::Evaluate)?;
        let logits = network.forward_trained(&features, Mode::Evaluate)?;
        let loss = criterion
            .each(&logits, &labels)?
            .mean_all()?
            .to_scalar::<f32>()?;
        tally.add(f64::from(loss), &logits.to_vec2()?, &labels)?;
    }
    Ok(Some(tally.metrics(&training.metrics)))
}
