//! Who is told about the runs of a sweep.

use super::error::Error;
use super::executor::Finished;
use super::planned::PlannedRun;
use super::start::Download;
use crate::train::Observer;

/// Told when a run starts, after every batch and epoch, and when it ends.
pub trait Sink: Observer + Send {
    fn run_started(&mut self, run: &PlannedRun);
    /// The weights that the run starts from were downloaded, now or earlier.
    fn weights_downloaded(&mut self, _from: &Download) {}
    fn run_ended(&mut self, run: &PlannedRun, result: Result<&Finished, &Error>);
}
