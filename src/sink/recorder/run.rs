//! What one run leaves: its rows and its log, while it is this process's.

use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use serde_json::json;

use super::experiment::Recorder;
use super::unwritten::Unwritten;
use crate::claim::{Claim, Token};
use crate::machine;
use crate::run::{self, Download, Finished, PlannedRun, Sink};
use crate::sink::error::Error;
use crate::sink::progress::RunStart;
use crate::store::deaths::Start;
use crate::store::tables::own::{self, OwnRows};
use crate::store::{EpochRow, RunLog, RunRow, Status, TableError, log, predictions};
use crate::text::counted;
use crate::tracking::{End, Ending, RunTrackers};
use crate::train::{Batch, Begin, Epoch, Observer};

/// Records the run in progress.
pub struct RunRecorder<'r> {
    recorder: &'r Recorder<'r>,
    folder: PathBuf,
    /// None once the run has ended.
    claim: Option<Claim>,
    token: Token,
    row: RunRow,
    epochs: Vec<EpochRow>,
    log: RunLog,
    /// What is to be known of this start should the process die.
    how: Start,
    trackers: RunTrackers,
    start: Instant,
    /// When this start began; the row has the run's first where it is resumed.
    started: SystemTime,
    /// Seconds that earlier starts took.
    before: f64,
}

impl<'r> RunRecorder<'r> {
    /// Begins with what an earlier start has come to, and writes that the run has begun.
    pub(super) fn new(
        recorder: &'r Recorder<'r>,
        planned: &PlannedRun,
        folder: PathBuf,
        claim: Claim,
        earlier: Option<OwnRows>,
        how: Start,
    ) -> Result<Self, Error> {
        let run = &planned.run;
        let path = folder.join("log.jsonl");
        let log = RunLog::append_to(&path, claim.token()).map_err(Error::io(&path))?;
        let started = SystemTime::now();
        let (earlier, epochs) = match earlier {
            Some(earlier) => (Some(earlier.row), earlier.epochs),
            None => (None, Vec::new()),
        };
        // Until the run ends this is what a killed process leaves.
        let row = RunRow {
            run: run.id.clone(),
            point: run.point.clone(),
            status: Status::Interrupted,
            error: None,
            epochs: earlier.as_ref().map_or(0, |row| row.epochs),
            best_epoch: None,
            validation: None,
            test: None,
            skipped_images: None,
            parameters: Some(planned.blueprint.parameter_count() as u64),
            trainable_parameters: Some(planned.blueprint.trainable_count() as u64),
            seconds: earlier.as_ref().map_or(0.0, |row| row.seconds),
            device: run.spec.training.device.to_string(),
            spec: run.spec.to_json(),
            contents: Some(run.contents.clone()),
            version: env!("CARGO_PKG_VERSION").into(),
            started: earlier.map_or(started, |row| row.started),
        };
        let run = RunRecorder {
            recorder,
            trackers: recorder.trackers(planned, &folder, claim.token()),
            folder,
            token: claim.token().clone(),
            claim: Some(claim),
            before: row.seconds,
            row,
            epochs,
            log,
            how,
            start: Instant::now(),
            started,
        };
        run.write_row()?;
        Ok(run)
    }

    pub(super) fn row(&self) -> &RunRow {
        &self.row
    }

    /// The run's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Shows whether the run is still this process's.
    pub fn token(&self) -> &Token {
        &self.token
    }

    /// Whether another process has taken this one for dead, and the run over.
    fn is_lost(&self) -> bool {
        let _ = self.token.check();
        self.token.is_lost()
    }

    fn write_row(&self) -> Result<(), TableError> {
        own::write_row(
            &self.folder,
            &self.recorder.axes,
            &self.row,
            Some(&self.how.to_text()),
            &self.token,
        )
    }

    /// Writes the run's rows into its folder; what fails is said, and tried again after the next epoch.
    fn write_rows(&self) {
        let epochs =
            own::write_epochs(&self.folder, &self.recorder.axes, &self.epochs, &self.token);
        if let Err(error) = epochs.and_then(|()| self.write_row())
            && !self.token.is_lost()
        {
            let reporter = self.recorder.reporter;
            reporter.warn(&format!(
                "{error}; training continues, and the write is retried"
            ));
        }
    }

    /// Records that the run is not begun any more, and why.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub(super) fn give_up(mut self, reason: String) -> Result<(), Error> {
        let run = self.row.run.clone();
        self.recorder
            .reporter
            .warn(&format!("{run} is not started again: {reason}"));
        self.log("failed", json!({ "error": reason }));
        self.row.status = Status::Failed;
        self.row.error = Some(reason);
        self.how = self.how.given_up();
        self.write_row()?;
        let mut state = self.recorder.state();
        state.tables.set_run(self.row);
        state.tables.give_back(&run);
        Ok(())
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
        if let Err(error) = self.log.event(event, fields)
            && !self.token.is_lost()
        {
            let run = &self.row.run;
            let reporter = self.recorder.reporter;
            reporter.warn(&format!("log.jsonl of {run}: {error}"));
        }
    }
}

impl Observer for RunRecorder<'_> {
    fn begin(&mut self, begin: &Begin<'_>) {
        if begin.from_features {
            self.recorder.reporter.trains_on_features(&self.row.run);
        }
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
                "{run} resumes after {} and {}",
                counted(epochs, "epoch"),
                counted(batches, "batch")
            ));
        }
        let done = begin.epochs.iter();
        self.epochs = done.map(|epoch| EpochRow::new(&self.row, epoch)).collect();
        let mut state = self.recorder.state();
        state.tables.remove_run(&self.row.run);
        for epoch in &self.epochs {
            state.tables.add_epoch(epoch.clone());
        }
        state.tables.set_run(self.row.clone());
        // The first step need not wait for what is written already.
        if recorded != (self.row.epochs, self.row.started) {
            self.write_rows();
            self.recorder.update(&mut state);
        }
        drop(state);
        if !self.is_lost() {
            self.trackers.begin(begin.epochs);
        }
        self.log("training", json!({ "epochs": epochs, "batches": batches }));
    }

    fn batch(&mut self, batch: &Batch) {
        self.recorder.reporter.batch_done(&self.row.run, batch);
    }

    fn epoch(&mut self, epoch: &Epoch) {
        self.recorder.reporter.epoch_done(&self.row.run, epoch);
        self.row.epochs = epoch.epoch;
        self.row.seconds = self.seconds();
        self.log("epoch", log::epoch_fields(epoch));
        if !self.is_lost() {
            let row = EpochRow::new(&self.row, epoch);
            self.epochs.push(row.clone());
            self.write_rows();
            let mut state = self.recorder.state();
            state.tables.add_epoch(row);
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

    fn weights_downloaded(&mut self, from: &Download) {
        let digest = self.row.contents.as_ref();
        let digest = digest.and_then(|contents| contents.get("backbone.weights"));
        self.log(
            "weights",
            json!({
                "repository": from.repository,
                "revision": from.revision,
                "commit": from.commit,
                "contents": digest,
            }),
        );
    }

    fn run_ended(&mut self, planned: &PlannedRun, result: Result<&Finished, &run::Error>) {
        match result {
            Ok(done) => self.log("finished", log::finished_fields(done)),
            Err(error) if error.is_interruption() => self.log("interrupted", json!({})),
            Err(error) => self.log("failed", json!({ "error": error.to_string() })),
        }
        self.row.seconds = self.seconds();
        match result {
            Ok(done) => {
                self.row.status = Status::Finished;
                self.row.epochs = done.outcome.epochs;
                self.row.best_epoch = done.outcome.best_epoch;
                self.row.validation.clone_from(&done.outcome.validation);
                self.row.test.clone_from(&done.test);
                self.row.skipped_images = Some(done.skipped_images);
            }
            Err(error) if error.is_interruption() => self.row.status = Status::Interrupted,
            Err(error) => {
                self.row.status = Status::Failed;
                self.row.error = Some(error.to_string());
            }
        }
        let claim = self.claim.take().filter(|_| !self.is_lost());
        if claim.is_none() {
            self.row.status = Status::Elsewhere;
            self.row.error = None;
        }
        self.recorder.reporter.run_ended(&self.row);
        let is_kept = claim.is_some_and(|claim| self.end(planned, claim, result));
        if !is_kept {
            // The rows are those of the process that has it now.
            let run = &self.row.run;
            self.recorder.reporter.warn(&format!(
                "another process took {run} over while this one was paused; it continues there"
            ));
            self.recorder.state().tables.give_back(run);
        }
        self.recorder.update(&mut self.recorder.state());
        if is_kept {
            self.track_end();
        }
        self.recorder.tell_trouble();
    }
}

impl RunRecorder<'_> {
    /// Writes how the run ended and gives it back; gives whether it was still this process's.
    fn end(
        &mut self,
        planned: &PlannedRun,
        claim: Claim,
        result: Result<&Finished, &run::Error>,
    ) -> bool {
        let (run, reporter) = (&self.row.run, self.recorder.reporter);
        let mut state = self.recorder.state();
        if let Ok(done) = result {
            let (classes, token) = (&planned.classes, claim.token());
            let written = predictions::write(&self.folder, run, classes, &done.predictions, token);
            if let Err(error) = written
                && !token.is_lost()
            {
                reporter.warn(&format!("{error}; training continues"));
                state.lost.push((run.clone(), error));
            }
        }
        let ended = Unwritten {
            rows: OwnRows {
                row: self.row.clone(),
                epochs: std::mem::take(&mut self.epochs),
                start: None,
            },
            folder: self.folder.clone(),
            claim,
        };
        match ended.write(&self.recorder.axes) {
            _ if self.token.is_lost() => return false,
            Ok(()) => {
                state.tables.set_run(self.row.clone());
                state.tables.give_back(run);
            }
            Err(error) => {
                reporter.warn(&format!("{error}; it is tried again"));
                state.tables.set_run(self.row.clone());
                state.unwritten.push(ended);
            }
        }
        true
    }
}
