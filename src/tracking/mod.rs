//! Trackers that people already have, which log the runs beside what is recorded anyway.
//!
//! A tracker changes nothing about a run: one that fails is said once, and training continues.

mod mlflow;
mod names;
mod tensorboard;
mod trouble;

use std::path::Path;
use std::time::{Duration, SystemTime};

use self::mlflow::Mlflow;
use self::tensorboard::EventFile;
use self::trouble::Trouble;
use crate::claim::Token;
use crate::metric::Metrics;
use crate::run::PlannedRun;
use crate::sweep::Plan;
use crate::train::Epoch;

/// The folder of TensorBoard's event files, in the folder of an experiment's results; each run has a folder in it.
pub const TENSORBOARD_FOLDER: &str = "tensorboard";

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Finished,
    Failed,
    /// Stopped by the user; it can be resumed.
    Stopped,
}

/// A run that has ended.
#[derive(Clone, Copy, Debug)]
pub struct End<'a> {
    pub ending: Ending,
    /// Epochs done.
    pub epochs: usize,
    /// Absent where the run did not come to its end, or has no test images.
    pub test: Option<&'a Metrics>,
    /// Why it failed.
    pub error: Option<&'a str>,
}

/// Told of one run, in this order. None of these fails or waits for a server.
trait Tracker: Send {
    /// The run is begun here, anew or after an earlier start.
    fn started(&mut self) {}
    /// Training resumes after these epochs.
    fn begin(&mut self, epochs: &[Epoch]);
    /// One more epoch is done.
    fn epoch(&mut self, epoch: &Epoch);
    /// The run is over.
    fn ended(&mut self, end: &End<'_>);
}

/// The trackers of an experiment.
pub struct Trackers {
    mlflow: Option<Mlflow>,
    tensorboard: Trouble,
}

impl Trackers {
    /// Those that the specs of the plan name, for the experiment `name`. Servers have `patience` times the usual time to
    /// answer.
    pub fn open(name: &str, plan: &Plan, patience: f64) -> Self {
        let address = |planned: &PlannedRun| planned.run.spec.tracking.mlflow.clone();
        let address = plan.runs.iter().find_map(address);
        Trackers {
            mlflow: address.map(|address| Mlflow::start(name, &address, patience)),
            tensorboard: Trouble::default(),
        }
    }

    /// The trackers of one run of the experiment in `folder`, as long as `token` is valid; the run's own files are in
    /// `run_folder`.
    pub fn run(
        &self,
        planned: &PlannedRun,
        (folder, run_folder): (&Path, &Path),
        token: &Token,
    ) -> RunTrackers {
        let tracking = &planned.run.spec.tracking;
        let mut trackers: Vec<Box<dyn Tracker>> = Vec::new();
        if tracking.tensorboard {
            let own = folder.join(TENSORBOARD_FOLDER).join(&planned.run.id);
            let file = EventFile::new(own, planned, token.clone(), self.tensorboard.clone());
            trackers.push(Box::new(file));
        }
        if let Some(mlflow) = &self.mlflow
            && tracking.mlflow.is_some()
        {
            trackers.push(Box::new(mlflow.run(planned, run_folder)));
        }
        RunTrackers(trackers)
    }

    /// What went wrong since the last call; each tracker's trouble is given once.
    pub fn trouble(&self) -> Vec<String> {
        let mlflow = self.mlflow.as_ref().map(Mlflow::trouble);
        let troubles = mlflow.into_iter().chain([&self.tensorboard]);
        troubles.filter_map(Trouble::take).collect()
    }

    /// Tells of the charts of the experiment in `folder` and waits, for a bounded time, until all is told; gives what went
    /// wrong and was not given yet.
    pub fn finish(&mut self, folder: &Path) -> Vec<String> {
        if let Some(mlflow) = &mut self.mlflow {
            mlflow.finish(folder.join("charts"));
        }
        self.trouble()
    }
}

/// The trackers of one run.
pub struct RunTrackers(Vec<Box<dyn Tracker>>);

impl RunTrackers {
    /// The run is begun here.
    pub fn started(&mut self) {
        self.0.iter_mut().for_each(|tracker| tracker.started());
    }

    /// Training resumes after `epochs`.
    pub fn begin(&mut self, epochs: &[Epoch]) {
        self.0.iter_mut().for_each(|tracker| tracker.begin(epochs));
    }

    /// One more epoch is done.
    pub fn epoch(&mut self, epoch: &Epoch) {
        self.0.iter_mut().for_each(|tracker| tracker.epoch(epoch));
    }

    /// The run is over.
    pub fn ended(&mut self, end: &End<'_>) {
        self.0.iter_mut().for_each(|tracker| tracker.ended(end));
    }
}

/// Epochs of an earlier start with when they ended, had they come one after the other until `now`.
fn back_from(now: SystemTime, epochs: &[Epoch]) -> impl Iterator<Item = (SystemTime, &Epoch)> {
    let mut left: f64 = epochs.iter().map(|epoch| epoch.seconds).sum();
    epochs.iter().map(move |epoch| {
        left -= epoch.seconds;
        let ago = Duration::try_from_secs_f64(left.max(0.0)).unwrap_or_default();
        (now.checked_sub(ago).unwrap_or(now), epoch)
    })
}

/// Seconds since 1970.
fn unix_seconds(time: SystemTime) -> f64 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}
