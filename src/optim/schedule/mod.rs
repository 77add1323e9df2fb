//! The learning rate at each step: a file per curve. To add one is to add a file and a row to the list.

mod constant;
mod cosine;
mod curve;
mod exponential;
mod plateau;
mod step;

pub use constant::CONSTANT;
pub use curve::{At, Curve, Kind, ScheduleState};

/// Every schedule, as specs name them.
pub static CURVES: [&Kind; 5] = [
    &constant::CONSTANT,
    &cosine::COSINE,
    &step::STEP,
    &exponential::EXPONENTIAL,
    &plateau::PLATEAU,
];

/// How long a run is.
#[derive(Clone, Copy, Debug)]
pub struct Length {
    pub epochs: usize,
    pub steps_per_epoch: usize,
}

/// How the learning rate changes over a run.
///
/// It rises linearly over the warm-up, to the base rate at the warm-up's last step; the curve begins after it and never
/// falls below the minimum.
#[derive(Debug)]
pub struct Schedule {
    curve: Box<dyn Curve>,
    base: f64,
    minimum: f64,
    /// Steps of the warm-up; a part of a step counts as one.
    warmup: u64,
    steps_per_epoch: f64,
    total: u64,
}

impl Schedule {
    /// From `base` along a curve, at least `minimum`, with `warmup_epochs` before it.
    pub fn new(
        curve: Box<dyn Curve>,
        base: f64,
        minimum: f64,
        warmup_epochs: f64,
        length: Length,
    ) -> Self {
        let steps_per_epoch = length.steps_per_epoch.max(1);
        Schedule {
            curve,
            base,
            minimum,
            warmup: (warmup_epochs * steps_per_epoch as f64).ceil() as u64,
            steps_per_epoch: steps_per_epoch as f64,
            total: steps_per_epoch as u64 * length.epochs as u64,
        }
    }

    /// The learning rate of update number `step` of the run, from 0.
    pub fn rate(&self, step: u64) -> f64 {
        if step < self.warmup {
            return self.base * (step + 1) as f64 / self.warmup as f64;
        }
        let step = (step - self.warmup) as f64;
        let steps = self.total.saturating_sub(self.warmup).max(1);
        let at = At {
            epochs: step / self.steps_per_epoch,
            part: (step / steps as f64).min(1.0),
        };
        let rate = self.curve.rate(at, self.base, self.minimum);
        // A base rate below the minimum stays what it is.
        rate.max(self.minimum.min(self.base))
    }

    /// The metric that [`Self::epoch_end`] takes, where the schedule watches one.
    pub fn monitor(&self) -> Option<&str> {
        self.curve.monitor()
    }

    /// Takes the value of the watched metric after an epoch; without effect on schedules that watch none.
    pub fn epoch_end(&mut self, value: f64) {
        self.curve.epoch_end(value, self.base, self.minimum);
    }

    /// What is remembered, to be given to [`Self::load_state`].
    pub fn state(&self) -> ScheduleState {
        self.curve.state()
    }

    /// Resumes from a saved state.
    pub fn load_state(&mut self, state: ScheduleState) {
        self.curve.load_state(state);
    }
}
