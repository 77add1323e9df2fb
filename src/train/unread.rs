//! What batches gave: read at once, or on a GPU with some others.

use super::error::Error;
use super::event::Batch;
use super::fit::Fit;
use super::prediction::probabilities;
use super::state::{State, Unread};

/// Batches on a GPU after which the host looks at what they gave.
const MOST_UNREAD: usize = 32;

impl Fit<'_> {
    /// Keeps what a batch gave until it is read: at once, or on a GPU with some others.
    pub(super) fn keep(&self, unread: Unread, state: &mut State) -> Result<(), Error> {
        state.at.running.learning_rate = unread.learning_rate;
        state.unread.push(unread);
        match self.network.device().is_cpu() || state.unread.len() == MOST_UNREAD {
            true => self.read(state),
            false => Ok(()),
        }
    }

    /// Reads what batches gave and counts it.
    pub(super) fn read(&self, state: &mut State) -> Result<(), Error> {
        let output = self.network.blueprint.output;
        for unread in state.unread.drain(..) {
            let loss = unread.loss.to_scalar::<f32>()?;
            if !loss.is_finite() {
                return Err(Error::NonFiniteLoss {
                    loss,
                    epoch: unread.epoch,
                    batch: unread.batch,
                    learning_rate: unread.learning_rate,
                });
            }
            let (rows, labels) = (unread.logits.to_vec2()?, &unread.labels);
            let tally = &mut state.at.running.tally;
            tally.add(f64::from(loss), &rows, labels, |row| {
                probabilities(row, output)
            })?;
            state.untold.push(Batch {
                epoch: unread.epoch,
                epochs: self.all_epochs,
                batch: unread.batch,
                batches: unread.batches,
                images: tally.samples(),
                loss: tally.loss(),
                accuracy: tally.accuracy(),
            });
        }
        Ok(())
    }
}
