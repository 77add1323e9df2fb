//! What the curve of a schedule is.

use std::fmt::Debug;

use serde::{Deserialize, Serialize};

use crate::choice::{Choice, Opt, Options, Range, Takes, Unset};

/// A schedule that a spec can choose.
#[derive(Debug)]
pub struct Kind {
    pub choice: Choice,
    /// Its curve with these options.
    pub curve: fn(&Options) -> Box<dyn Curve>,
}

/// The option of what a rate is multiplied by.
pub(super) const fn factor(default: f64) -> Opt {
    Opt {
        name: "factor",
        about: "the rate is multiplied by this at a drop, or over each epoch",
        takes: Takes::Real {
            unset: Unset::Default(default),
            range: Range::Inside,
        },
    }
}

/// Where a run is, behind the warm-up.
#[derive(Clone, Copy, Debug)]
pub struct At {
    /// Epochs done; a part of one counts.
    pub epochs: f64,
    /// The part of all steps that is done, from 0 to 1.
    pub part: f64,
}

/// How the learning rate changes once the warm-up is over, with its options.
pub trait Curve: Debug + Send {
    /// The rate, at first `base`; what is below `minimum` counts as that.
    fn rate(&self, at: At, base: f64, minimum: f64) -> f64;

    /// The metric that [`Curve::epoch_end`] takes, where it watches one.
    fn monitor(&self) -> Option<&str> {
        None
    }

    /// Takes the value of the watched metric after an epoch.
    fn epoch_end(&mut self, _value: f64, _base: f64, _minimum: f64) {}

    /// What is remembered, to be given to [`Curve::load_state`].
    fn state(&self) -> ScheduleState {
        ScheduleState::default()
    }

    /// Resumes from a saved state.
    fn load_state(&mut self, _state: ScheduleState) {}
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
