//! Everything an experiment leaves: tables, charts, logs and specs, kept up to date while its runs go on.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use serde_json::json;

use super::folder::{create, delete_runs, remove_checkpoints, run_folder, write};
use super::progress::{Reporter, RunStart};
use super::{Axis, Done, EpochRow, Error, RunLog, RunRow, Status, Tables, predictions, summary};
use crate::machine;
use crate::report;
use crate::spec::{AxisValue, Experiment};
use crate::sweep::{self, About, Finished, Plan, PlannedRun, Sink};
use crate::train::{Batch, Begin, Epoch, Observer};

/// Charts are drawn again at most this often while a run goes on; always when it ends.
const CHARTS_EVERY: Duration = Duration::from_secs(10);

/// Records one experiment.
pub struct Recorder<'a> {
    name: String,
    folder: PathBuf,
    /// The ids of the planned runs, in order.
    order: Vec<String>,
    tables: Tables,
    reporter: &'a dyn Reporter,
    current: Option<Current>,
    charts_drawn: Instant,
    /// The last write that failed; tried again with the next event, told at the end.
    trouble: Option<Error>,
}

/// The run that goes on.
struct Current {
    row: RunRow,
    log: RunLog,
    start: Instant,
    /// When this start began; the row has the run's first where it is gone on with.
    started: SystemTime,
    /// Seconds that earlier starts took.
    before: f64,
}

impl Current {
    fn seconds(&self) -> f64 {
        self.before + self.start.elapsed().as_secs_f64()
    }
}

impl<'a> Recorder<'a> {
    /// Opens the experiment's folder in `results` and writes its spec, so that a folder that cannot be written is
    /// found before anything is trained. With `fresh`, what is there of these runs is deleted, which is said before.
    ///
    /// # Errors
    /// A folder that cannot be written, or tables in it that are not ours.
    pub fn open(
        experiment: &Experiment,
        plan: &Plan,
        results: &Path,
        fresh: bool,
        reporter: &'a dyn Reporter,
    ) -> Result<Self, Error> {
        let folder = results.join(&experiment.spec.name);
        create(&folder)?;
        let order: Vec<String> = plan
            .runs
            .iter()
            .map(|planned| planned.run.id.clone())
            .collect();
        let mut tables = Tables::open(&folder, &axes(experiment), &order)?;
        if fresh {
            delete_runs(&folder, &order, &mut tables, reporter)?;
            tables.write()?;
        }
        write(&folder.join("spec.toml"), &experiment.to_toml())?;
        let recorder = Recorder {
            name: experiment.spec.name.clone(),
            folder,
            order,
            tables,
            reporter,
            current: None,
            charts_drawn: Instant::now(),
            trouble: None,
        };
        let finished: Vec<&String> = recorder
            .order
            .iter()
            .filter(|id| recorder.has(id))
            .collect();
        for run in &finished {
            // Killed between its last row and this.
            remove_checkpoints(&run_folder(&recorder.folder, run))?;
        }
        if !finished.is_empty() {
            let (count, all, name) = (finished.len(), recorder.order.len(), &recorder.name);
            reporter.note(&format!(
                "{name}: {count} of {all} runs are finished already (--fresh does them again)"
            ));
        }
        Ok(recorder)
    }

    /// Whether a run is finished.
    pub fn has(&self, run: &str) -> bool {
        let finished = self
            .tables
            .run(run)
            .is_some_and(|row| row.status == Status::Finished);
        finished
            && run_folder(&self.folder, run)
                .join("model.safetensors")
                .is_file()
    }

    /// Makes a run's folder; what an earlier start left in the tables stays until training begins.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn begin(&mut self, planned: &PlannedRun) -> Result<PathBuf, Error> {
        let run = &planned.run;
        let folder = run_folder(&self.folder, &run.id);
        create(&folder)?;
        let model = folder.join("model.safetensors");
        if let Err(source) = fs::remove_file(&model)
            && source.kind() != io::ErrorKind::NotFound
        {
            return Err(Error::Io {
                path: model,
                source,
            });
        }
        write(&folder.join("spec.toml"), &run.spec.to_toml())?;
        let path = folder.join("log.jsonl");
        let log = RunLog::append_to(&path).map_err(|source| Error::Io { path, source })?;
        let (started, earlier) = (SystemTime::now(), self.tables.run(&run.id));
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
        self.tables.set_run(row.clone());
        self.tables.write()?;
        self.current = Some(Current {
            before: row.seconds,
            row,
            log,
            start: Instant::now(),
            started,
        });
        Ok(folder)
    }

    /// Writes everything once more.
    ///
    /// # Errors
    /// Records that could not be written.
    pub fn finish(mut self) -> Result<Done, Error> {
        self.update();
        self.draw();
        let finished = self.order.iter().filter(|id| self.has(id));
        predictions::collect(&self.folder, finished)?;
        if let Some(error) = self.trouble {
            return Err(error);
        }
        let planned = |row: &&RunRow| self.order.contains(&row.run);
        Ok(Done {
            runs: self.tables.runs().iter().filter(planned).cloned().collect(),
            planned: self.order.len(),
            summary: summary(&self.tables.results(&self.name)),
            folder: self.folder,
        })
    }

    /// Writes the tables; what fails is said and tried again later.
    fn update(&mut self) {
        let result = self.tables.write().map_err(Error::from);
        self.note(result);
    }

    fn draw(&mut self) {
        let report = report::write(&self.folder);
        self.charts_drawn = Instant::now();
        self.note(report.map(|_| ()).map_err(Error::from));
    }

    fn note(&mut self, result: Result<(), Error>) {
        if let Err(error) = &result {
            self.reporter
                .warn(&format!("{error}; training goes on, and it is tried again"));
        }
        self.trouble = result.err();
    }

    fn log(&mut self, event: &str, fields: serde_json::Value) {
        if let Some(current) = &mut self.current
            && let Err(error) = current.log.event(event, fields)
        {
            self.reporter
                .warn(&format!("log.jsonl of {}: {error}", current.row.run));
        }
    }
}

impl Observer for Recorder<'_> {
    fn begin(&mut self, begin: &Begin<'_>) {
        let Some(current) = &mut self.current else {
            return;
        };
        let recorded = (current.row.epochs, current.row.started);
        if !begin.is_resumed() {
            current.before = 0.0;
            current.row.started = current.started;
        }
        current.row.epochs = begin.epochs.len();
        current.row.seconds = current.seconds();
        let row = current.row.clone();
        self.tables.remove_run(&row.run);
        for epoch in begin.epochs {
            self.tables.add_epoch(EpochRow::new(&row, epoch));
        }
        let (epochs, batches) = (row.epochs, begin.batches);
        if begin.is_resumed() {
            let run = &row.run;
            self.reporter.note(&format!(
                "{run} goes on after {epochs} epochs and {batches} batches"
            ));
        }
        let is_recorded = recorded == (row.epochs, row.started);
        self.tables.set_run(row);
        // The first step need not wait for what `begin` has written already.
        if !is_recorded {
            self.update();
        }
        self.log("training", json!({ "epochs": epochs, "batches": batches }));
    }

    fn batch(&mut self, batch: &Batch) {
        self.reporter.batch_done(batch);
    }

    fn epoch(&mut self, epoch: &Epoch) {
        self.reporter.epoch_done(epoch);
        let Some(current) = &mut self.current else {
            return;
        };
        current.row.epochs = epoch.epoch;
        current.row.seconds = current.seconds();
        let row = current.row.clone();
        self.tables.add_epoch(EpochRow::new(&row, epoch));
        self.tables.set_run(row);
        self.log("epoch", epoch_fields(epoch));
        self.update();
        if self.charts_drawn.elapsed() >= CHARTS_EVERY {
            self.draw();
        }
    }
}

impl Sink for Recorder<'_> {
    fn run_started(&mut self, planned: &PlannedRun, about: &About) {
        let run = &planned.run;
        self.reporter.run_started(&RunStart {
            index: self
                .order
                .iter()
                .position(|id| *id == run.id)
                .map_or(0, |i| i + 1),
            total: self.order.len(),
            id: &run.id,
            point: &run.point,
            epochs: run.spec.training.epochs,
        });
        if let Some(current) = &mut self.current {
            current.row.device.clone_from(&about.device);
        }
        self.log(
            "started",
            json!({
                "run": run.id,
                "device": about.device,
                "machine": machine::describe(),
                "version": env!("CARGO_PKG_VERSION"),
            }),
        );
    }

    fn run_ended(&mut self, planned: &PlannedRun, result: Result<&Finished, &sweep::Error>) {
        match result {
            Ok(done) => self.log(
                "finished",
                json!({
                    "epochs": done.outcome.epochs,
                    "best_epoch": done.outcome.best_epoch,
                    "stopped_early": done.outcome.stopped_early,
                    "test_loss": done.test.as_ref().map(|test| test.loss),
                    "test_accuracy": done.test.as_ref().and_then(|test| test.accuracy),
                    "skipped_images": done.skipped_images,
                    "seconds": done.seconds,
                }),
            ),
            Err(error) if error.is_interruption() => self.log("interrupted", json!({})),
            Err(error) => self.log("failed", json!({ "error": error.to_string() })),
        }
        let Some(current) = self.current.take() else {
            return;
        };
        let seconds = current.seconds();
        let mut row = current.row;
        row.seconds = seconds;
        match result {
            Ok(done) => {
                row.status = Status::Finished;
                row.epochs = done.outcome.epochs;
                row.best_epoch = Some(done.outcome.best_epoch);
                row.test.clone_from(&done.test);
                row.skipped_images = Some(done.skipped_images);
            }
            Err(error) if error.is_interruption() => row.status = Status::Interrupted,
            Err(error) => {
                row.status = Status::Failed;
                row.error = Some(error.to_string());
            }
        }
        self.reporter.run_ended(&row);
        let run = run_folder(&self.folder, &row.run);
        if let Ok(done) = result {
            let written = predictions::write(&run, &row.run, &planned.classes, &done.predictions);
            self.note(written.map_err(Error::from));
        }
        self.tables.set_run(row);
        self.update();
        // While the result is not on disk, the run can be gone on with.
        if result.is_ok() && self.trouble.is_none() {
            let removed = remove_checkpoints(&run);
            self.note(removed);
        }
        self.draw();
    }
}

/// The swept keys with the values their runs have, in the sweep's order.
fn axes(experiment: &Experiment) -> Vec<Axis> {
    let axis = |(key, values): (String, Vec<AxisValue>)| Axis { key, values };
    experiment.axes().into_iter().map(axis).collect()
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
