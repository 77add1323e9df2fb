//! The training loop, to be read from top to bottom.

use std::sync::Arc;
use std::time::Instant;

use super::average::Average;
use super::checkpoint::{self, Keeper};
use super::class_weights::ClassFactors;
use super::earlier::Earlier;
use super::early_stopping::EarlyStopping;
use super::epoch::Epoch;
use super::error::Error;
use super::evaluate::evaluate;
use super::event::{Begin, Event};
use super::inputs::Inputs;
use super::loss::Criterion;
use super::peak_memory;
use super::place::Place;
use super::state::{self, Running, State};
use crate::data;
use crate::fail_point;
use crate::label_sets::LabelSets;
use crate::metric::{ACCURACY, LOSS, Metrics, Tally};
use crate::model::{Network, Weights};
use crate::optim::{Adjust, Length, Optimizer};
use crate::spec::{self, Metric, Sampler, Spec};

/// One run's training: a network, what it learns from, and how.
pub struct Fit<'a> {
    pub spec: &'a Spec,
    pub network: &'a Network,
    pub train: Inputs<'a>,
    /// May be empty.
    pub validation: Inputs<'a>,
    pub classes: usize,
    /// What the loss of a training image is multiplied by, by its class; one where there are none.
    pub class_weights: Option<ClassFactors>,
    /// The classes of each label, where images have several.
    pub label_sets: Option<Arc<LabelSets>>,
    /// Its name, where it is a stage of a run.
    pub stage: Option<&'a str>,
    /// What stages before it have left.
    pub earlier: &'a Earlier,
    /// Whether no stage follows.
    pub is_last: bool,
    /// Epochs of all stages, at most.
    pub all_epochs: usize,
    /// What is done beside the optimizer's rule.
    pub adjust: Adjust,
}

/// How training ended; the network holds the result.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Epochs done.
    pub epochs: usize,
    /// The best by the monitored metric (see [`best_epoch_monitor`]); absent where no epoch had a value of it.
    pub best_epoch: Option<usize>,
    /// Of the network as it is now, on the validation images: those of the epoch whose weights it holds.
    pub validation: Option<Metrics>,
    /// Whether early stopping ended it.
    pub stopped_early: bool,
    /// What the next stage begins with, where one follows.
    pub left: Earlier,
}

/// What holds for a whole run.
struct Session<'a> {
    tell: &'a mut dyn FnMut(Event<'_>),
    keeper: &'a mut Keeper,
}

impl Session<'_> {
    /// Tells of the batches whose results were read since.
    fn tell_of_batches(&mut self, state: &mut State) {
        for batch in state.untold.drain(..) {
            (self.tell)(Event::Batch(batch));
        }
    }
}

impl Fit<'_> {
    /// Trains until the last epoch or until early stopping says so; from the keeper's newest checkpoint, where there
    /// is one. What happens is told as it happens.
    ///
    /// # Errors
    /// A loss that is not finite, a trainable tensor without a gradient, a checkpoint of another run, or what the device reports. [`Error::Interrupted`] where the run was stopped, [`Error::Held`] where it is held; a checkpoint is
    /// written then.
    pub fn run(
        &self,
        tell: &mut dyn FnMut(Event<'_>),
        keeper: &mut Keeper,
    ) -> Result<Outcome, Error> {
        let training = &self.spec.training;
        if self.train.is_empty() {
            return Err(Error::NoImages);
        }
        self.check_monitors()?;
        let mut state = self.begin(keeper)?;
        tell(Event::Begin(Begin {
            epochs: &state.at.epochs,
            earlier: self.earlier.epochs.len(),
            batches: state.at.running.batches,
            from_features: self.train.are_kept(),
        }));
        let mut session = Session { tell, keeper };
        while state.at.epochs_of_stage() < training.epochs && !state.at.stopped_early {
            session.keeper.check_epochs(state.at.epochs.len())?;
            let epoch = match self.epoch(&mut state, &mut session) {
                Err(Error::Interrupted(interrupted)) => {
                    self.read(&mut state)?;
                    session.keeper.save(&state, self.network)?;
                    session.keeper.finish();
                    return Err(interrupted.into());
                }
                epoch => epoch?,
            };
            self.end_epoch(&epoch, &mut state)?;
            session.keeper.save(&state, self.network)?;
            (session.tell)(Event::Epoch(&epoch));
        }
        session.keeper.finish();
        let epochs = state.at.epochs.len();
        let mut held = epochs;
        if let Some(average) = &state.average {
            average.put()?;
        }
        if let Some(weights) = &state.best {
            held = state.at.best_epoch;
            if held != epochs {
                self.network.restore(weights)?;
            }
        }
        let held = state.at.epochs.iter().find(|epoch| epoch.epoch == held);
        Ok(Outcome {
            epochs,
            best_epoch: Some(state.at.best_epoch).filter(|best| *best > 0),
            validation: held.and_then(|epoch| epoch.validation.clone()),
            stopped_early: state.at.stopped_early,
            left: match self.is_last {
                true => Earlier::default(),
                false => self.left(&state)?,
            },
        })
    }

    /// What the next stage begins with.
    fn left(&self, state: &State) -> Result<Earlier, Error> {
        let mut learned = Weights::clone(&self.earlier.learned);
        learned.extend(self.network.learned()?);
        Ok(Earlier {
            stages: self.earlier.stages + 1,
            epochs: state.at.epochs.clone(),
            steps: state.at.step,
            learned: Arc::new(learned),
        })
    }

    /// Refuses to watch a metric that will have no value.
    fn check_monitors(&self) -> Result<(), Error> {
        let mut monitors = self.spec.monitors();
        let missing = monitors.find(spec::Monitor::needs_validation);
        match missing.filter(|_| self.validation.is_empty()) {
            Some(monitor) => Err(Error::NotMeasured {
                key: monitor.key,
                monitor: monitor.metric,
            }),
            None => Ok(()),
        }
    }

    /// The state after the newest checkpoint, else that of a new run.
    fn begin(&self, keeper: &Keeper) -> Result<State, Error> {
        let (training, optimizer) = (&self.spec.training, &self.spec.optimizer);
        let mut state = State::new(
            self.optimizer()?,
            optimizer.rates(Length {
                epochs: training.epochs,
                steps_per_epoch: training.steps(self.train.len()),
            }),
            EarlyStopping::new(&self.stopping_rule()),
            self.tally(),
            self.earlier,
        );
        if training.ema > 0.0 {
            state.average = Some(Average::new(self.network, training.ema)?);
        }
        if let Some((path, checkpoint)) = keeper.newest()? {
            // One of the stage before is what this one begins after.
            let resumed = match state::is_of_stage(&checkpoint, self.earlier.stages) {
                Ok(true) => state.resume(checkpoint, self.network),
                Ok(false) => Ok(()),
                Err(why) => Err(why),
            };
            resumed.map_err(|why| checkpoint::Error::Foreign { path, why })?;
        }
        Ok(state)
    }

    /// An optimizer before its first step.
    pub(super) fn optimizer(&self) -> Result<Optimizer, Error> {
        let (optimizer, trained) = (&self.spec.optimizer, self.network.trained());
        let made = Optimizer::new(optimizer.rule(), optimizer.weight_decay(), &trained)?;
        Ok(made.adjusted(self.adjust.clone())?)
    }

    /// What an epoch's batches are counted in.
    fn tally(&self) -> Tally {
        let training = &self.spec.training;
        Tally::new(self.classes, training.metrics())
            .of_sets(self.label_sets.clone(), training.threshold)
            .expecting(self.train.len())
    }

    /// The loss.
    pub(super) fn criterion(&self) -> Criterion<'_> {
        let sets = self.label_sets.as_deref();
        Criterion::new(&self.spec.training, self.classes, sets)
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

    /// One pass over the training images, or the rest of one, then the validation.
    fn epoch(&self, state: &mut State, session: &mut Session<'_>) -> Result<Epoch, Error> {
        let training = &self.spec.training;
        let number = state.at.epochs.len() + 1;
        let order = self.order(number as u64)?;
        let batches = order.len().div_ceil(training.batch_size);
        let place = |batch| Place {
            epoch: number,
            batch,
            order: &order,
            batch_size: training.batch_size,
            accumulate: training.accumulate,
        };
        let (start, before) = (Instant::now(), state.at.running.seconds);
        let done = state.at.running.batches;
        for i in done..batches {
            session.keeper.stop().check()?;
            if i > done && session.keeper.is_due() {
                self.read(state)?;
                session.keeper.save(state, self.network)?;
            }
            // A GPU with memory of its own leaves the host's to what is being written.
            if !self.network.device().is_cuda() {
                session.keeper.make_room();
            }
            self.batch(place(i + 1), state)?;
            let running = &mut state.at.running;
            running.batches = i + 1;
            running.seconds = before + start.elapsed().as_secs_f64();
            fail_point::panics("batch");
            session.tell_of_batches(state);
        }
        self.read(state)?;
        session.tell_of_batches(state);
        state.at.running.seconds = before + start.elapsed().as_secs_f64();
        self.check_weights(number, state)?;
        let stop = session.keeper.stop();
        let of = (self.classes, self.label_sets.as_ref());
        let validation =
            state.as_result(|| evaluate(self.network, &self.validation, training, of, stop))?;
        let running = &state.at.running;
        Ok(Epoch {
            epoch: number,
            stage: self.stage.map(str::to_owned),
            training: running.tally.metrics(training.metrics()),
            validation,
            learning_rate: running.learning_rate,
            seconds: before + start.elapsed().as_secs_f64(),
            images_per_second: running.tally.samples() as f64 / running.seconds,
            peak_memory_mib: peak_memory::peak_mib(),
        })
    }

    /// The images of an epoch (from 1), in its order.
    fn order(&self, epoch: u64) -> Result<Vec<u32>, Error> {
        let (seed, images) = (self.spec.seed, self.train.len() as u32);
        Ok(match self.spec.training.sampler {
            Sampler::None => data::order(seed, epoch, images, self.spec.training.shuffle),
            Sampler::Balanced => data::balanced_order(seed, epoch, &self.train.labels()?),
        })
    }

    /// Refuses weights that the last updates have made infinite or NaN: a loss shows that only at the next batch.
    fn check_weights(&self, epoch: usize, state: &State) -> Result<(), Error> {
        for (tensor, values) in self.network.trained() {
            let sum = values.as_tensor().sum_all()?.to_scalar::<f32>()?;
            if !sum.is_finite() {
                return Err(Error::NonFiniteWeights {
                    tensor,
                    epoch,
                    learning_rate: state.at.running.learning_rate,
                });
            }
        }
        Ok(())
    }

    /// What an epoch means for the best weights, the schedule and early stopping.
    fn end_epoch(&self, epoch: &Epoch, state: &mut State) -> Result<(), Error> {
        let stopping = &mut state.stopping;
        let verdict = stopping.epoch(epoch.value(stopping.monitor()).unwrap_or(f64::NAN));
        let rule = self.spec.training.early_stopping.as_ref();
        if verdict.best {
            let restores = rule.is_some_and(|rule| rule.restore_best);
            let learned = || Ok::<_, Error>(self.network.learned()?);
            state.best = restores.then(|| state.as_result(learned)).transpose()?;
            state.at.best_epoch = epoch.epoch;
        }
        if let Some(value) = state.schedule.monitor().and_then(|name| epoch.value(name)) {
            state.schedule.epoch_end(value);
        }
        state.at.stopped_early = verdict.stop && rule.is_some();
        state.at.running = Running::new(self.tally());
        state.at.epochs.push(epoch.clone());
        Ok(())
    }
}

/// The metric that decides which epoch was the best where the spec has no early stopping: the
/// validation accuracy, else the validation loss; the training's where there are no validation images.
pub fn best_epoch_monitor(spec: &Spec, has_validation: bool) -> String {
    let has_accuracy = spec.training.metrics.contains(&Metric::of(&ACCURACY));
    let name = if has_accuracy { &ACCURACY } else { &LOSS }.name;
    if has_validation {
        format!("val_{name}")
    } else {
        name.to_owned()
    }
}
