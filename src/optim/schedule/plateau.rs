//! A drop when a metric no longer improves, as Keras's `ReduceLROnPlateau`.

use super::curve::{At, Curve, Kind, ScheduleState, factor};
use crate::choice::{Choice, LARGEST, MOST, Opt, Options, Range, Takes, Unset};
use crate::metric::lower_is_better;

pub static PLATEAU: Kind = Kind {
    choice: Choice {
        name: "plateau",
        options: &[FACTOR, MONITOR, PATIENCE, MIN_DELTA],
    },
    curve: |options| Box::new(Plateau::new(options)),
};

const FACTOR: Opt = factor(0.1);

const MONITOR: Opt = Opt {
    name: "monitor",
    about: "what is watched",
    takes: Takes::Monitor {
        default: "val_loss",
    },
};

const PATIENCE: Opt = Opt {
    name: "patience",
    about: "epochs without improvement before a drop",
    takes: Takes::Count {
        unset: Unset::Default(10),
        range: Range::Whole(1, MOST),
    },
};

const MIN_DELTA: Opt = Opt {
    name: "min_delta",
    about: "what counts as an improvement",
    takes: Takes::Real {
        unset: Unset::Default(1e-4),
        range: Range::NotNegative(LARGEST),
    },
};

#[derive(Debug)]
struct Plateau {
    monitor: String,
    factor: f64,
    patience: usize,
    min_delta: f64,
    state: ScheduleState,
}

impl Plateau {
    fn new(options: &Options) -> Self {
        Plateau {
            monitor: options.text(&MONITOR),
            factor: options.real(&FACTOR),
            patience: options.count(&PATIENCE),
            min_delta: options.real(&MIN_DELTA),
            state: ScheduleState::default(),
        }
    }

    /// Whether `value` is better than the best by more than `min_delta`.
    fn improves(&self, value: f64) -> bool {
        match self.state.best {
            _ if value.is_nan() => false,
            None => true,
            Some(best) if lower_is_better(&self.monitor) => value + self.min_delta < best,
            Some(best) => value - self.min_delta > best,
        }
    }
}

impl Curve for Plateau {
    fn rate(&self, _: At, base: f64, _: f64) -> f64 {
        self.state.rate.unwrap_or(base)
    }

    fn monitor(&self) -> Option<&str> {
        Some(&self.monitor)
    }

    fn epoch_end(&mut self, value: f64, base: f64, minimum: f64) {
        if self.improves(value) {
            self.state.best = Some(value);
            self.state.wait = 0;
            return;
        }
        self.state.wait += 1;
        let rate = self.state.rate.unwrap_or(base);
        if self.state.wait >= self.patience && rate > minimum {
            self.state.rate = Some((rate * self.factor).max(minimum));
            self.state.wait = 0;
        }
    }

    fn state(&self) -> ScheduleState {
        self.state
    }

    fn load_state(&mut self, state: ScheduleState) {
        self.state = state;
    }
}
