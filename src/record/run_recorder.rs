//! What one run leaves: its rows and its log, while it is this process's.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Instant, SystemTime};

use serde_json::json;

use super::progress::RunStart;
use super::{EpochRow, Error, Recorder, RunLog, RunRow, Status, predictions};
use crate::claim::Claim;
use crate::machine;
use crate::sweep::{self, Finished, PlannedRun, Sink};
use crate::tracking::{End, Ending, RunTrackers};
use crate::train::{Batch, Begin, Epoch, Observer};

/// Records the run that goes on.
pub struct RunRecorder<'r> {
    recorder: &'r Recorder<'r>,
    folder: PathBuf,
    /// None once the run has ended.
    claim: Option<Claim>,
    lost: Arc<AtomicBool>,
    row: RunRow,
    log: RunLog,
    trackers: RunTrackers,
    start: Instant,
    /// When this start began; the row has the run's first where it is gone on with.
    started: SystemTime,
    /// Seconds that earlier starts took.
    before: f64,
}

impl<'r> RunRecorder<'r> {
    /// Begins with what an earlier start has come to.
    pub(super) fn new(
        recorder: &'r Recorder<'r>,
        planned: &PlannedRun,
        folder: PathBuf,
        claim: Claim,
        earlier: Option<&RunRow>,
    ) -> Result<Self, Error> {
        let run = &planned.run;
        let path = folder.join("log.jsonl");
        let log = RunLog::append_to(&path).map_err(Error::io(&path))?;
        let started = SystemTime::now();
        // Until the run ends this is what a killed process leaves.
        let row = RunRow {
            run: run.id.clone(),
            point: run.point.clone(),
            status: Status::Interrupted,
            error: None,
            epochs: earlier.map_or(0, |row| row.epochs),
            best_epoch: None,
            test: None,
            skipped_images: None,
            parameters: Some(planned.blueprint.parameter_count() as u64),
            trainable_parameters: Some(planned.blueprint.trainable_count() as u64),
            seconds: earlier.map_or(0.0, |row| row.seconds),
            device: run.spec.training.device.to_string(),
            spec: run.spec.to_json(),
            version: env!("CARGO_PKG_VERSION").into(),
            started: earlier.map_or(started, |row| row.started),
        };
        Ok(RunRecorder {
            recorder,
            trackers: recorder.trackers(planned, &folder),
            folder,
            lost: claim.lost(),
            claim: Some(claim),
            before: row.seconds,
            row,
            log,
            start: Instant::now(),
            started,
        })
    }

    pub(super) fn row(&self) -> &RunRow {
        &self.row
    }

    /// The run's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Set once another process has taken this one for dead, and the run over.
    pub fn lost(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.lost)
    }

    fn is_lost(&self) -> bool {
        self.claim.as_ref().is_none_or(Claim::is_lost)
    }

    fn seconds(&self) -> f64 {
        self.before + self.start.elapsed().as_secs_f64()
    }

    /// Tells the trackers how the run ended.
    fn track_end(&mut self) {
        let ending = match self.row.status {
            Status::Finished => Ending::Finished,
            Status::Failed => Ending::Failed,
            Status::Interrupted | Status::Elsewhere => Ending::Stopped,
        };
        self.trackers.ended(&End {
            ending,
            epochs: self.row.epochs,
            test: self.row.test.as_ref(),
            error: self.row.error.as_deref(),
        });
    }

    fn log(&mut self, event: &str, fields: serde_json::Value) {
        if let Err(error) = self.log.event(event, fields) {
            let run = &self.row.run;
            let reporter = self.recorder.reporter;
            reporter.warn(&format!("log.jsonl of {run}: {error}"));
        }
    }
}

impl Observer for RunRecorder<'_> {
    fn begin(&mut self, begin: &Begin<'_>) {
        let recorded = (self.row.epochs, self.row.started);
        if !begin.is_resumed() {
            self.before = 0.0;
            self.row.started = self.started;
        }
        self.row.epochs = begin.epochs.len();
        self.row.seconds = self.seconds();
        let (epochs, batches) = (begin.epochs.len(), begin.batches);
        if begin.is_resumed() {
            let run = &self.row.run;
            self.recorder.reporter.note(&format!(
                "{run} goes on after {epochs} epochs and {batches} batches"
            ));
        }
        let mut state = self.recorder.state();
        state.tables.remove_run(&self.row.run);
        for epoch in begin.epochs {
            state.tables.add_epoch(EpochRow::new(&self.row, epoch));
        }
        state.tables.set_run(self.row.clone());
        // The first step need not wait for what is written already.
        if recorded != (self.row.epochs, self.row.started) {
            self.recorder.update(&mut state);
        }
        drop(state);
        self.trackers.begin(begin.epochs);
        self.log("training", json!({ "epochs": epochs, "batches": batches }));
    }

    fn batch(&mut self, batch: &Batch) {
        self.recorder.reporter.batch_done(&self.row.run, batch);
    }

    fn epoch(&mut self, epoch: &Epoch) {
        self.recorder.reporter.epoch_done(&self.row.run, epoch);
        self.row.epochs = epoch.epoch;
        self.row.seconds = self.seconds();
        self.log("epoch", epoch_fields(epoch));
        if !self.is_lost() {
            let mut state = self.recorder.state();
            state.tables.add_epoch(EpochRow::new(&self.row, epoch));
            state.tables.set_run(self.row.clone());
            self.recorder.update(&mut state);
            drop(state);
            self.trackers.epoch(epoch);
        }
        self.recorder.tell_trouble();
    }
}

impl Sink for RunRecorder<'_> {
    fn run_started(&mut self, planned: &PlannedRun) {
        let run = &planned.run;
        let (index, total) = self.recorder.place(&run.id);
        let ended = self.recorder.ended(&self.recorder.state());
        self.recorder.reporter.run_started(&RunStart {
            index,
            total,
            ended,
            id: &run.id,
            point: &run.point,
            epochs: run.spec.training.epochs,
        });
        self.row.device.clone_from(&planned.device.name);
        self.trackers.started();
        self.log(
            "started",
            json!({
                "run": run.id,
                "device": planned.device.name,
                "machine": machine::describe(),
                "version": env!("CARGO_PKG_VERSION"),
            }),
        );
    }

    fn run_ended(&mut self, planned: &PlannedRun, result: Result<&Finished, &sweep::Error>) {
        match result {
            Ok(done) => self.log("finished", finished_fields(done)),
            Err(error) if error.is_interruption() => self.log("interrupted", json!({})),
            Err(error) => self.log("failed", json!({ "error": error.to_string() })),
        }
        self.row.seconds = self.seconds();
        match result {
            Ok(done) => {
                self.row.status = Status::Finished;
                self.row.epochs = done.outcome.epochs;
                self.row.best_epoch = Some(done.outcome.best_epoch);
                self.row.test.clone_from(&done.test);
                self.row.skipped_images = Some(done.skipped_images);
            }
            Err(error) if error.is_interruption() => self.row.status = Status::Interrupted,
            Err(error) => {
                self.row.status = Status::Failed;
                self.row.error = Some(error.to_string());
            }
        }
        let reporter = self.recorder.reporter;
        reporter.run_ended(&self.row);
        let mut state = self.recorder.state();
        let claim = self.claim.take().filter(|claim| !claim.is_lost());
        let is_ours = claim.is_some();
        match claim {
            Some(claim) => {
                if let Ok(done) = result {
                    let (run, classes) = (&self.row.run, &planned.classes);
                    let written = predictions::write(&self.folder, run, classes, &done.predictions);
                    if let Err(error) = written {
                        reporter.warn(&format!("{error}; training goes on"));
                        state.lost.push((run.clone(), error));
                    }
                }
                state.tables.set_run(self.row.clone());
                state.end(&self.row.run, claim);
            }
            // The rows are those of the process that has it now.
            None => {
                let run = &self.row.run;
                reporter.warn(&format!(
                    "another process took this one for dead, and {run} over; it goes on there"
                ));
                state.tables.give_back(run);
            }
        }
        self.recorder.update(&mut state);
        drop(state);
        if is_ours {
            self.track_end();
        }
        self.recorder.tell_trouble();
    }
}

fn finished_fields(done: &Finished) -> serde_json::Value {
    json!({
        "epochs": done.outcome.epochs,
        "best_epoch": done.outcome.best_epoch,
        "stopped_early": done.outcome.stopped_early,
        "test_loss": done.test.as_ref().map(|test| test.loss),
        "test_accuracy": done.test.as_ref().and_then(|test| test.accuracy),
        "skipped_images": done.skipped_images,
        "seconds": done.seconds,
    })
}

fn epoch_fields(epoch: &Epoch) -> serde_json::Value {
    let validation = epoch.validation.as_ref();
    json!({
        "epoch": epoch.epoch,
        "loss": epoch.training.loss,
        "accuracy": epoch.training.accuracy,
        "val_loss": validation.map(|v| v.loss),
        "val_accuracy": validation.and_then(|v| v.accuracy),
        "learning_rate": epoch.learning_rate,
        "seconds": epoch.seconds,
        "images_per_second": epoch.images_per_second,
    })
}
