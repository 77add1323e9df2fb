//! Every number of a spec, with what it may be.
//!
//! The bounds from above are far beyond what anybody trains with, and low enough that sizes computed of them stay within
//! 64 bits.

use std::fmt;

use super::Check;
use crate::spec::types::Spec;
use crate::spec::values::Units;
use crate::text::thousands;

/// The side of an image, in pixels.
const MOST_PIXELS: usize = 16_384;
/// Images of a dataset; their indices have 32 bits.
const MOST_IMAGES: usize = 1_000_000_000;
/// Epochs, images of a batch, outputs of a layer.
const MOST: usize = 1_000_000;
/// Factors and thresholds.
const LARGEST: f64 = 1e6;
/// Of a learning rate: weights have 32 bits.
const LARGEST_RATE: f64 = f32::MAX as f64;
/// Of a deviation that values are divided by.
const SMALLEST: f64 = 1e-12;
/// Of the part of an image that is seen.
const SMALLEST_CROP: f64 = 0.05;
const MINUTES_OF_A_YEAR: f64 = 365.0 * 24.0 * 60.0;

/// What a number may be; bounds are included unless said otherwise.
#[derive(Clone, Copy, Debug)]
enum Range {
    Whole(usize, usize),
    /// In [0, 1).
    Part,
    /// In (0, 1).
    Inside,
    Positive(f64),
    NotNegative(f64),
    Within(f64, f64),
}

impl Range {
    fn contains(self, number: Number) -> bool {
        match (self, number) {
            (Range::Whole(least, most), Number::Whole(n)) => (least..=most).contains(&n),
            (Range::Whole(..), Number::Real(_)) => false,
            (range, Number::Whole(n)) => range.contains(Number::Real(n as f64)),
            (Range::Part, Number::Real(x)) => (0.0..1.0).contains(&x),
            (Range::Inside, Number::Real(x)) => x > 0.0 && x < 1.0,
            (Range::Positive(most), Number::Real(x)) => x > 0.0 && x <= most,
            (Range::NotNegative(most), Number::Real(x)) => (0.0..=most).contains(&x),
            (Range::Within(least, most), Number::Real(x)) => (least..=most).contains(&x),
        }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Range::Whole(least, most) => {
                write!(f, "at least {least} and at most {}", thousands(most))
            }
            Range::Part => f.write_str("at least 0 and less than 1"),
            Range::Inside => f.write_str("greater than 0 and less than 1"),
            Range::Positive(most) => {
                write!(
                    f,
                    "a finite number greater than 0, at most {}",
                    Number::Real(most)
                )
            }
            Range::NotNegative(most) => {
                write!(
                    f,
                    "a finite number, 0 or more, at most {}",
                    Number::Real(most)
                )
            }
            Range::Within(least, most) => {
                write!(
                    f,
                    "a finite number, at least {least:?} and at most {most:?}"
                )
            }
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Number {
    Whole(usize),
    Real(f64),
}

impl From<usize> for Number {
    fn from(n: usize) -> Self {
        Number::Whole(n)
    }
}

impl From<f64> for Number {
    fn from(x: f64) -> Self {
        Number::Real(x)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Whole(n) => write!(f, "{n}"),
            // Very large and very small ones with an exponent.
            Number::Real(x) if x.fract() == 0.0 && x.abs() < 1e15 => write!(f, "{x}"),
            Number::Real(x) => write!(f, "{x:?}"),
        }
    }
}

/// Refuses numbers that are not in their range.
pub(super) fn check(spec: &Spec, check: &mut Check) {
    let mut numbers = Numbers(check);
    let seed = usize::try_from(spec.seed).unwrap_or(usize::MAX);
    numbers.within("seed", seed, Range::Whole(0, i64::MAX as usize));
    images(spec, &mut numbers);
    network(spec, &mut numbers);
    optimizer(spec, &mut numbers);
    training(spec, &mut numbers);
}

struct Numbers<'a>(&'a mut Check);

impl Numbers<'_> {
    fn within(&mut self, key: &str, number: impl Into<Number>, range: Range) {
        let number = number.into();
        if !range.contains(number) {
            let message = format!("`{key}` must be {range}, not {number}");
            self.0.problem(key, message);
        }
    }

    /// [`Self::within`], where the key is set.
    fn set(&mut self, key: &str, number: Option<impl Into<Number>>, range: Range) {
        if let Some(number) = number {
            self.within(key, number, range);
        }
    }
}

fn images(spec: &Spec, numbers: &mut Numbers) {
    let limit = Range::Whole(1, MOST_IMAGES);
    for (key, part) in [
        ("dataset.validation_split", spec.dataset.validation_split),
        ("dataset.test_split", spec.dataset.test_split),
    ] {
        numbers.within(key, part, Range::Part);
    }
    numbers.set("dataset.train_limit", spec.dataset.train_limit, limit);
    numbers.set("dataset.test_limit", spec.dataset.test_limit, limit);
    for (name, values, range) in [
        (
            "mean",
            &spec.normalization.mean,
            Range::Within(-LARGEST, LARGEST),
        ),
        (
            "std",
            &spec.normalization.std,
            Range::Within(SMALLEST, LARGEST),
        ),
    ] {
        for (at, value) in values.iter().flatten().enumerate() {
            numbers.within(&format!("normalization.{name}.{at}"), *value, range);
        }
    }
    numbers.set(
        "resize.crop",
        spec.resize.crop,
        Range::Within(SMALLEST_CROP, 1.0),
    );
    let padding = spec.augmentation.random_crop_padding;
    let range = Range::Whole(0, MOST_PIXELS);
    numbers.within("augmentation.random_crop_padding", padding, range);
}

fn network(spec: &Spec, numbers: &mut Numbers) {
    let size = spec.backbone.input_size;
    numbers.within("backbone.input_size", size, Range::Whole(1, MOST_PIXELS));
    numbers.within("backbone.drop_path", spec.backbone.drop_path, Range::Part);
    for (at, layer) in spec.head.iter().enumerate() {
        let key = |option: &str| format!("head.{at}.{option}");
        if let Some(Units::Count(units)) = layer.units {
            numbers.within(&key("units"), units, Range::Whole(1, MOST));
        }
        numbers.set(&key("rate"), layer.rate, Range::Part);
        numbers.set(&key("momentum"), layer.momentum, Range::Part);
        numbers.set(&key("epsilon"), layer.epsilon, Range::Positive(LARGEST));
    }
}

fn optimizer(spec: &Spec, numbers: &mut Numbers) {
    let optimizer = &spec.optimizer;
    for (option, number, range) in [
        (
            "learning_rate",
            optimizer.learning_rate(),
            Range::Positive(LARGEST_RATE),
        ),
        (
            "weight_decay",
            optimizer.weight_decay(),
            Range::NotNegative(LARGEST),
        ),
        ("momentum", optimizer.momentum(), Range::Part),
        ("beta_1", optimizer.beta_1(), Range::Part),
        ("beta_2", optimizer.beta_2(), Range::Part),
        ("rho", optimizer.rho(), Range::Part),
        ("epsilon", optimizer.epsilon(), Range::Positive(LARGEST)),
    ] {
        numbers.within(&format!("optimizer.{option}"), number, range);
    }
    let schedule = &optimizer.schedule;
    let key = |option: &str| format!("optimizer.schedule.{option}");
    let epochs = Range::NotNegative(MOST as f64);
    numbers.within(&key("warmup_epochs"), schedule.warmup_epochs, epochs);
    numbers.within(
        &key("minimum"),
        schedule.minimum,
        Range::NotNegative(LARGEST),
    );
    numbers.within(&key("factor"), schedule.factor(), Range::Inside);
    numbers.within(
        &key("min_delta"),
        schedule.min_delta(),
        Range::NotNegative(LARGEST),
    );
    let count = Range::Whole(1, MOST);
    numbers.set(&key("step_epochs"), schedule.step_epochs, count);
    numbers.set(&key("patience"), schedule.patience, count);
}

fn training(spec: &Spec, numbers: &mut Numbers) {
    let training = &spec.training;
    let count = Range::Whole(1, MOST);
    numbers.within("training.epochs", training.epochs, count);
    numbers.within("training.batch_size", training.batch_size, count);
    numbers.within(
        "training.label_smoothing",
        training.label_smoothing,
        Range::Part,
    );
    numbers.within(
        "training.checkpoint_minutes",
        training.checkpoint_minutes,
        Range::NotNegative(MINUTES_OF_A_YEAR),
    );
    if let Some(stopping) = &training.early_stopping {
        let key = |option: &str| format!("training.early_stopping.{option}");
        numbers.within(&key("patience"), stopping.patience, Range::Whole(0, MOST));
        let range = Range::NotNegative(LARGEST);
        numbers.within(&key("min_delta"), stopping.min_delta, range);
    }
}
