//! A quantity by epoch over the runs of a setting.

use crate::analysis::Sample;
use crate::store::EpochRow;

/// What the runs of a setting gave by epoch.
#[derive(Default)]
pub struct Curve {
    /// While all runs train: of their values.
    pub together: Vec<(usize, Sample)>,
    /// From where the first one has ended: each run that went further, by itself.
    pub alone: Vec<Alone>,
}

/// A run's own values.
pub struct Alone {
    pub run: String,
    pub values: Vec<(usize, f64)>,
}

/// The epochs of a run, and whether they count in the mean.
pub type OfRun<'a> = (&'a [EpochRow], bool);

impl Curve {
    /// A mean over fewer and fewer runs would jump where one ends; so it is taken only as far as all of them go. Values
    /// that are not finite end a run.
    pub fn of(runs: &[OfRun<'_>], value: &dyn Fn(&EpochRow) -> Option<f64>) -> Self {
        let own = |(rows, counts): &OfRun<'_>| {
            let values = rows.iter().map_while(|row| {
                let value = value(row).filter(|value| value.is_finite())?;
                Some((row.epoch.epoch, value))
            });
            let run = rows.first().map_or(String::new(), |row| row.run.clone());
            let values: Vec<(usize, f64)> = values.collect();
            (!values.is_empty()).then_some((Alone { run, values }, *counts))
        };
        let (counted, others): (Vec<_>, Vec<_>) =
            runs.iter().filter_map(own).partition(|(_, counts)| *counts);
        let ends = counted.iter().filter_map(|(own, _)| own.values.last());
        let end = ends.map(|(epoch, _)| *epoch).min().unwrap_or(0);
        let at = |epoch: usize| {
            let values = counted.iter().flat_map(|(own, _)| &own.values);
            let here = values.filter(move |(at, _)| *at == epoch);
            Some((epoch, Sample::of(here.map(|(_, value)| *value))?))
        };
        let together = (1..=end).filter_map(at).collect();
        let longer = counted.into_iter().map(|(own, _)| own.from(end));
        let alone = longer.chain(others.into_iter().map(|(own, _)| own));
        Curve {
            together,
            alone: alone.filter(|own| own.values.len() > 1).collect(),
        }
    }

    /// Every epoch with a value that is drawn.
    pub fn values(&self) -> impl Iterator<Item = (usize, f64)> {
        let means = self
            .together
            .iter()
            .map(|(epoch, sample)| (*epoch, sample.mean));
        means.chain(self.alone.iter().flat_map(|own| own.values.iter().copied()))
    }

    /// Mean ± standard deviation at every epoch of the mean.
    pub fn edges(&self) -> impl Iterator<Item = f64> {
        let samples = self.together.iter().map(|(_, sample)| sample);
        samples.flat_map(|s| {
            let edges = s.deviation.map(|d| [s.mean - d, s.mean + d]);
            edges.into_iter().flatten()
        })
    }

    pub fn is_empty(&self) -> bool {
        self.values().next().is_none()
    }
}

impl Alone {
    /// From this epoch, so that it continues where the mean ends.
    fn from(mut self, epoch: usize) -> Self {
        self.values.retain(|(at, _)| *at >= epoch);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixtures::{integers, sweep};

    #[test]
    fn runs_that_continue_alone_are_not_averaged_with_those_that_stopped() {
        let made = sweep(vec![integers("seed", 0..2)], 6);
        let (long, short) = (&made.epochs[..6], &made.epochs[6..9]);
        let loss = |row: &EpochRow| Some(row.epoch.training.loss);
        let curve = Curve::of(&[(long, true), (short, true)], &loss);
        let counts: Vec<usize> = curve.together.iter().map(|(_, sample)| sample.n).collect();
        assert_eq!(counts, [2, 2, 2]);
        let alone = &curve.alone[0];
        assert_eq!(
            (alone.run.as_str(), curve.alone.len()),
            (long[0].run.as_str(), 1)
        );
        let epochs: Vec<usize> = alone.values.iter().map(|(epoch, _)| *epoch).collect();
        assert_eq!(epochs, [3, 4, 5, 6]);
    }

    #[test]
    fn a_failed_run_is_drawn_and_not_averaged() {
        let made = sweep(vec![integers("seed", 0..2)], 4);
        let loss = |row: &EpochRow| Some(row.epoch.training.loss);
        let curve = Curve::of(
            &[(&made.epochs[..4], true), (&made.epochs[4..6], false)],
            &loss,
        );
        assert!(curve.together.iter().all(|(_, sample)| sample.n == 1));
        assert_eq!((curve.together.len(), curve.alone[0].values.len()), (4, 2));
    }
}
