//! Whoever shows what happens.

use crate::progress::Progress;
use crate::spec::AxisValue;
use crate::store::RunRow;
use crate::train::{Batch, Epoch};

/// How much is told; each level tells what the one before it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Errors: failed runs.
    Quiet,
    /// Warnings, and how far the runs and downloads are.
    #[default]
    Normal,
    /// Details.
    Verbose,
}

/// A run that begins.
#[derive(Clone, Copy, Debug)]
pub struct RunStart<'a> {
    /// Its place in the sweep, from 1.
    pub index: usize,
    /// How many runs the sweep has.
    pub total: usize,
    /// How many of them have come to an end.
    pub ended: usize,
    /// The run's id.
    pub id: &'a str,
    /// The swept keys with this run's values.
    pub point: &'a [(String, AxisValue)],
    /// The epochs it may take.
    pub epochs: usize,
}

/// Told what happens; one for the whole experiment, also for downloads and decoding as a [`Progress`].
///
/// Several runs may be in progress at a time, which are told apart by their ids.
pub trait Reporter: Progress + Send + Sync {
    /// The runs that are to be done, and the multiply-accumulates that each takes.
    fn planned(&self, work: &[(String, f64)]);
    /// A run begins.
    fn run_started(&self, run: &RunStart);
    /// Whether the run with this id takes what its frozen part gives from memory or the cache: its images are fast.
    fn trains_on_features(&self, run: &str, does: bool);
    /// A batch of the run with this id is done.
    fn batch_done(&self, run: &str, batch: &Batch);
    /// An epoch of the run with this id is done.
    fn epoch_done(&self, run: &str, epoch: &Epoch);
    /// The run is over, well or not.
    fn run_ended(&self, row: &RunRow);
    /// Something went other than wished, and what is done about it.
    fn warn(&self, message: &str);
    /// Something worth knowing.
    fn note(&self, message: &str);
    /// Takes what is live off the terminal, before the summary is printed.
    fn close(&self);
}
