//! The training loop, to be read from top to bottom.

use std::time::Instant;

use super::early_stopping::{EarlyStopping, lower_is_better};
use super::error::Error;
use super::evaluate::evaluate;
use super::guard::FrozenGuard;
use super::inputs::Inputs;
use super::loss::Criterion;
use super::memory;
use super::metrics::Epoch;
use super::observer::{Batch, Observer};
use super::tally::Tally;
use crate::data;
use crate::model::{Mode, Network, Weights};
use crate::ops;
use crate::optim::{Optimizer, Schedule};
use crate::spec::{self, Spec};

/// One run's training: a network, what it learns from, and how.
pub struct Fit<'a> {
    pub spec: &'a Spec,
    pub network: &'a Network,
    pub train: Inputs<'a>,
    /// May be empty.
    pub validation: Inputs<'a>,
    pub classes: usize,
}

/// How training ended; the network holds the result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Epochs done.
    pub epochs: usize,
    /// The best by the monitored metric (see [`best_epoch_monitor`]).
    pub best_epoch: usize,
    /// Whether early stopping ended it.
    pub stopped_early: bool,
}

/// What changes from step to step.
struct State {
    optimizer: Optimizer,
    schedule: Schedule,
    step: u64,
    guard: Option<FrozenGuard>,
}

impl Fit<'_> {
    /// Trains until the last epoch or until early stopping says so.
    ///
    /// # Errors
    /// A loss that is not finite, a trainable tensor without a gradient, a frozen one that moved, or
    /// what the device reports.
    pub fn run(&self, observer: &mut dyn Observer) -> Result<Outcome, Error> {
        let training = &self.spec.training;
        if self.train.is_empty() {
            return Err(Error::NoImages);
        }
        let steps_per_epoch = self.train.len().div_ceil(training.batch_size);
        let mut state = State {
            optimizer: Optimizer::new(&self.spec.optimizer, &self.network.trained())?,
            schedule: Schedule::new(
                &self.spec.optimizer.schedule,
                self.spec.optimizer.learning_rate(),
                steps_per_epoch,
                training.epochs,
            ),
            step: 0,
            guard: Some(FrozenGuard::new(self.network)?),
        };
        let mut stopping = EarlyStopping::new(&self.stopping_rule());
        let restores = training
            .early_stopping
            .as_ref()
            .is_some_and(|rule| rule.restore_best);
        let mut best: (usize, Option<Weights>) = (1, None);
        let (mut epochs, mut stopped_early) = (0, false);

        for number in 1..=training.epochs {
            let epoch = self.epoch(number, &mut state, observer)?;
            let verdict = stopping.epoch(epoch.value(stopping.monitor()).unwrap_or(f64::NAN));
            if verdict.best {
                let weights = restores.then(|| self.network.weights()).transpose()?;
                best = (number, weights);
            }
            if let Some(value) = state.schedule.monitor().and_then(|name| epoch.value(name)) {
                state.schedule.epoch_end(value);
            }
            observer.epoch(&epoch);
            epochs = number;
            stopped_early = verdict.stop && training.early_stopping.is_some();
            if stopped_early {
                break;
            }
        }
        let (best_epoch, weights) = best;
        if let Some(weights) = weights
            && best_epoch != epochs
        {
            self.network.restore(&weights)?;
        }
        Ok(Outcome {
            epochs,
            best_epoch,
            stopped_early,
        })
    }

    /// The early stopping rule; without one in the spec, only its monitor is used.
    fn stopping_rule(&self) -> spec::EarlyStopping {
        self.spec
            .training
            .early_stopping
            .clone()
            .unwrap_or_else(|| spec::EarlyStopping {
                monitor: best_epoch_monitor(self.spec, !self.validation.is_empty()),
                ..spec::EarlyStopping::default()
            })
    }

    /// One pass over the training images, then the validation.
    fn epoch(
        &self,
        number: usize,
        state: &mut State,
        observer: &mut dyn Observer,
    ) -> Result<Epoch, Error> {
        let training = &self.spec.training;
        let start = Instant::now();
        let order = data::order(
            self.spec.seed,
            number as u64,
            self.train.len() as u32,
            training.shuffle,
        );
        let batches = order.len().div_ceil(training.batch_size);
        let mut tally = Tally::new(self.classes);
        let mut learning_rate = 0.0;
        let mut images = 0;
        for (i, indices) in order.chunks(training.batch_size).enumerate() {
            learning_rate = state.schedule.rate(state.step);
            let at = (number, i + 1, learning_rate);
            self.step(indices, at, state, &mut tally)?;
            images += indices.len();
            observer.batch(&Batch {
                epoch: number,
                epochs: training.epochs,
                batch: i + 1,
                batches,
                images,
                loss: tally.loss(),
                accuracy: tally.accuracy(),
            });
        }
        let training_seconds = start.elapsed().as_secs_f64();
        let validation = evaluate(self.network, &self.validation, training, self.classes)?;
        Ok(Epoch {
            epoch: number,
            training: tally.metrics(&training.metrics),
            validation,
            learning_rate,
            seconds: start.elapsed().as_secs_f64(),
            images_per_second: images as f64 / training_seconds,
            peak_memory_mib: memory::peak_mib(),
        })
    }

    /// One update from one batch; the loss and the hits are those before it.
    fn step(
        &self,
        indices: &[u32],
        (epoch, batch, learning_rate): (usize, usize, f64),
        state: &mut State,
        tally: &mut Tally,
    ) -> Result<(), Error> {
        let mode = Mode::Train {
            seed: self.spec.seed,
            step: state.step,
        };
        let (features, labels) = self
            .train
            .batch(self.network, indices, epoch as u64, mode)?;
        let logits = self.network.forward_trained(&features, mode)?;
        let mean_loss = Criterion::new(&self.spec.training, self.classes)
            .each(&logits, &labels)?
            .mean_all()?;
        let loss = mean_loss.to_scalar::<f32>()?;
        if !loss.is_finite() {
            return Err(Error::NonFiniteLoss {
                loss,
                epoch,
                batch,
                learning_rate,
            });
        }
        tally.add(f64::from(loss), &logits.detach().to_vec2()?, &labels)?;
        state
            .optimizer
            .step(&ops::backward(&mean_loss)?, learning_rate)?;
        state.step += 1;
        state
            .guard
            .take()
            .map_or(Ok(()), |guard| guard.check(self.network))
    }
}

/// The metric that decides which epoch was the best where the spec has no early stopping: the
/// validation accuracy, else the validation loss; the training's where there are no validation images.
pub fn best_epoch_monitor(spec: &Spec, has_validation: bool) -> String {
    let has_accuracy = spec.training.metrics.contains(&spec::Metric::Accuracy);
    let name = if has_accuracy { "accuracy" } else { "loss" };
    debug_assert_eq!(lower_is_better(name), !has_accuracy);
    if has_validation {
        format!("val_{name}")
    } else {
        name.to_owned()
    }
}
