//! The learning rate at each step.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use crate::spec::{self, ScheduleKind};

/// How the learning rate changes over a run.
///
/// It rises linearly over the warm-up, to the base rate at the warm-up's last step; the schedule proper
/// begins after it and never falls below the minimum.
#[derive(Clone, Debug)]
pub struct Schedule {
    rule: Rule,
    base: f64,
    minimum: f64,
    /// Steps of the warm-up; a part of a step counts as one.
    warmup: u64,
    steps_per_epoch: f64,
    total: u64,
}

#[derive(Clone, Debug)]
enum Rule {
    Constant,
    /// `minimum + (base - minimum) * (1 + cos(pi * t)) / 2`, t from 0 after the warm-up to 1 at the end
    /// (Keras's `CosineDecay`).
    Cosine,
    /// × factor after every so many epochs.
    Step {
        epochs: f64,
        factor: f64,
    },
    /// × factor over each epoch, a little at each step (Keras's `ExponentialDecay`).
    Exponential {
        factor: f64,
    },
    Plateau(Plateau),
}

/// Keras's `ReduceLROnPlateau`.
#[derive(Clone, Debug)]
struct Plateau {
    monitor: String,
    factor: f64,
    patience: usize,
    min_delta: f64,
    state: ScheduleState,
}

/// What a schedule must remember to resume later; only `plateau` remembers anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ScheduleState {
    /// The rate reached; none before the first drop.
    pub rate: Option<f64>,
    /// The best value so far.
    pub best: Option<f64>,
    /// Epochs since the best value or the last drop.
    pub wait: usize,
}

impl Schedule {
    /// The spec's schedule from `base_rate`, for a run of `epochs` with `steps_per_epoch` updates each.
    ///
    /// Defaults of the spec's options: `factor` 0.1 (`step`, `plateau`) or 0.9 (`exponential`), `step_epochs` 10,
    /// `monitor` "val_loss", `patience` 10, `min_delta` 1e-4.
    pub fn new(
        spec: &spec::Schedule,
        base_rate: f64,
        steps_per_epoch: usize,
        epochs: usize,
    ) -> Self {
        let rule = match spec.kind {
            ScheduleKind::Constant => Rule::Constant,
            ScheduleKind::Cosine => Rule::Cosine,
            ScheduleKind::Step => Rule::Step {
                epochs: spec.step_epochs.unwrap_or(10).max(1) as f64,
                factor: spec.factor.unwrap_or(0.1),
            },
            ScheduleKind::Exponential => Rule::Exponential {
                factor: spec.factor.unwrap_or(0.9),
            },
            ScheduleKind::Plateau => Rule::Plateau(Plateau {
                monitor: spec.monitor.clone().unwrap_or_else(|| "val_loss".into()),
                factor: spec.factor.unwrap_or(0.1),
                patience: spec.patience.unwrap_or(10),
                min_delta: spec.min_delta.unwrap_or(1e-4),
                state: ScheduleState::default(),
            }),
        };
        let steps_per_epoch = steps_per_epoch.max(1);
        Schedule {
            rule,
            base: base_rate,
            minimum: spec.minimum,
            warmup: (spec.warmup_epochs * steps_per_epoch as f64).ceil() as u64,
            steps_per_epoch: steps_per_epoch as f64,
            total: steps_per_epoch as u64 * epochs as u64,
        }
    }

    /// The learning rate of update number `step` of the run, from 0.
    pub fn rate(&self, step: u64) -> f64 {
        if step < self.warmup {
            return self.base * (step + 1) as f64 / self.warmup as f64;
        }
        let step = step - self.warmup;
        let epochs = step as f64 / self.steps_per_epoch;
        let rate = match &self.rule {
            Rule::Constant => return self.base,
            Rule::Cosine => {
                let steps = self.total.saturating_sub(self.warmup).max(1);
                let t = (step as f64 / steps as f64).min(1.0);
                self.minimum + (self.base - self.minimum) * 0.5 * (1.0 + (PI * t).cos())
            }
            Rule::Step { epochs: n, factor } => self.base * factor.powf((epochs / n).floor()),
            Rule::Exponential { factor } => self.base * factor.powf(epochs),
            Rule::Plateau(plateau) => plateau.state.rate.unwrap_or(self.base),
        };
        // A base rate below the minimum stays what it is.
        rate.max(self.minimum.min(self.base))
    }

    /// The metric that [`Self::epoch_end`] is to be told, where the schedule watches one.
    pub fn monitor(&self) -> Option<&str> {
        match &self.rule {
            Rule::Plateau(plateau) => Some(&plateau.monitor),
            _ => None,
        }
    }

    /// Tells the value of the watched metric after an epoch; without effect on schedules that watch none.
    pub fn epoch_end(&mut self, value: f64) {
        if let Rule::Plateau(plateau) = &mut self.rule {
            plateau.epoch_end(value, self.base, self.minimum);
        }
    }

    /// What is remembered, to be given to [`Self::load_state`].
    pub fn state(&self) -> ScheduleState {
        match &self.rule {
            Rule::Plateau(plateau) => plateau.state,
            _ => ScheduleState::default(),
        }
    }

    /// Goes on from a saved state.
    pub fn load_state(&mut self, state: ScheduleState) {
        if let Rule::Plateau(plateau) = &mut self.rule {
            plateau.state = state;
        }
    }
}

impl Plateau {
    fn epoch_end(&mut self, value: f64, base: f64, minimum: f64) {
        let state = &mut self.state;
        if improves(&self.monitor, value, state.best, self.min_delta) {
            state.best = Some(value);
            state.wait = 0;
            return;
        }
        state.wait += 1;
        let rate = state.rate.unwrap_or(base);
        if state.wait >= self.patience && rate > minimum {
            state.rate = Some((rate * self.factor).max(minimum));
            state.wait = 0;
        }
    }
}

/// Whether `value` is better than `best` by more than `min_delta`: lower for a loss, higher for anything else.
fn improves(monitor: &str, value: f64, best: Option<f64>, min_delta: f64) -> bool {
    match best {
        _ if value.is_nan() => false,
        None => true,
        Some(best) if monitor.ends_with("loss") => value + min_delta < best,
        Some(best) => value - min_delta > best,
    }
}
