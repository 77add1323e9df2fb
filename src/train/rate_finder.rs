//! The learning rate by a short run whose rate grows from step to step.
//!
//! L. Smith, "Cyclical Learning Rates for Training Neural Networks" (2017), 3.3; the steepest descent as the suggestion is
//! fastai's.

use super::error::Error;
use super::fit::Fit;
use super::place::Place;
use crate::data;
use crate::progress::Progress;
use crate::stop::Stop;

/// The rates at the first and at the last step.
const FROM: f64 = 1e-7;
const TO: f64 = 10.0;
/// So many steps give a curve; more are not needed.
const STEPS: usize = 100;
/// How much of the mean so far a loss keeps, as fastai's.
const SMOOTHING: f64 = 0.98;
/// A loss of so many times the least ends it.
const DIVERGED: f64 = 4.0;

/// What a step gave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tried {
    pub learning_rate: f64,
    /// A mean over the steps so far, of which older ones count less.
    pub loss: f64,
}

/// The curve and what it suggests.
#[derive(Clone, Debug, PartialEq)]
pub struct RateCurve {
    pub tried: Vec<Tried>,
    /// Where the loss falls the fastest; none where it never does.
    pub steepest: Option<f64>,
    /// A tenth of where it is least.
    pub tenth_of_least: Option<f64>,
}

impl Fit<'_> {
    /// Trains for about a hundred steps, or an epoch where that is more, with rates from 1e-7 to 10, until the loss is
    /// four times the least. The network is of no use afterwards.
    ///
    /// # Errors
    /// What the device reports; a stop.
    pub fn find_rate(&self, progress: &dyn Progress, stop: &Stop) -> Result<RateCurve, Error> {
        let (spec, training) = (self.spec, &self.spec.training);
        if self.train.is_empty() {
            return Err(Error::NoImages);
        }
        let mut optimizer = self.optimizer()?;
        let images = self.train.len();
        let all = training.steps(images).max(STEPS);
        progress.start("learning rates", Some(all as u64), false);
        let (mut tried, mut mean, mut least) = (Vec::new(), 0.0, f64::INFINITY);
        let mut step = 0;
        'epochs: for epoch in 1.. {
            let order = data::order(spec.seed, epoch as u64, images as u32, training.shuffle);
            for first in (0..order.len().div_ceil(training.batch_size)).step_by(training.accumulate)
            {
                stop.check()?;
                let rate = FROM * (TO / FROM).powf(step as f64 / (all - 1).max(1) as f64);
                let place = Place {
                    epoch,
                    batch: first + 1,
                    order: &order,
                    batch_size: training.batch_size,
                    accumulate: training.accumulate,
                };
                let loss = self.try_rate(place, (step as u64, rate), &mut optimizer, stop)?;
                step += 1;
                progress.advance(1);
                mean = SMOOTHING * mean + (1.0 - SMOOTHING) * loss;
                let smooth = mean / (1.0 - SMOOTHING.powi(step as i32));
                if !smooth.is_finite() {
                    break 'epochs;
                }
                tried.push(Tried {
                    learning_rate: rate,
                    loss: smooth,
                });
                least = least.min(smooth);
                if smooth > DIVERGED * least || step == all {
                    break 'epochs;
                }
            }
        }
        progress.finish();
        Ok(RateCurve::of(tried))
    }
}

impl RateCurve {
    fn of(tried: Vec<Tried>) -> Self {
        let before_rise = tried
            .iter()
            .enumerate()
            .min_by(|a, b| a.1.loss.total_cmp(&b.1.loss))
            .map_or(0, |(place, _)| place);
        // The last tenth of the curve is where it diverges, the first batches have little to be a mean of.
        let slope = |pair: &[Tried]| {
            let step = (pair[1].learning_rate / pair[0].learning_rate).ln();
            (pair[1].loss - pair[0].loss) / step
        };
        let falling = tried.windows(2).take(before_rise).skip(SKIPPED);
        let steepest = falling.min_by(|a, b| slope(a).total_cmp(&slope(b)));
        let steepest = steepest.filter(|pair| slope(pair) < 0.0);
        RateCurve {
            steepest: steepest.map(|pair| pair[0].learning_rate),
            tenth_of_least: (before_rise > SKIPPED)
                .then(|| tried[before_rise].learning_rate / 10.0),
            tried,
        }
    }
}

/// Steps at the beginning whose mean is of too few.
const SKIPPED: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_where_the_loss_falls_the_fastest() {
        // Flat, falling between 1e-3 and 1e-1, the fastest at 1e-2, then rising.
        let curve = (0..80).map(|i| {
            let rate = 1e-5 * 10f64.powf(i as f64 / 13.0);
            let fall = 1.0 / (1.0 + (rate / 1e-2).powi(2));
            let rise = (rate / 0.5).powi(2);
            Tried {
                learning_rate: rate,
                loss: 1.0 + fall + rise,
            }
        });
        let found = RateCurve::of(curve.collect());
        let steepest = found.steepest.unwrap();
        assert!((5e-3..2e-2).contains(&steepest), "{steepest}");
        let tenth = found.tenth_of_least.unwrap();
        assert!((5e-3..1e-2).contains(&tenth), "{tenth}");
    }

    #[test]
    fn a_loss_that_never_falls_suggests_nothing() {
        let curve = (0..30).map(|i| Tried {
            learning_rate: 1e-5 * 2f64.powi(i),
            loss: 1.0 + f64::from(i),
        });
        let found = RateCurve::of(curve.collect());
        assert_eq!((found.steepest, found.tenth_of_least), (None, None));
    }
}
