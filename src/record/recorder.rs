//! Everything an experiment leaves: tables, charts, logs and specs, kept up to date while its runs go on.
//!
//! Several processes may record into one folder: a run is claimed by who does it, and the folder is locked while the
//! tables and charts are written with what others have written since.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::folder::{create, delete_runs, remove_checkpoints, run_folder, write};
use super::progress::Reporter;
use super::run_recorder::RunRecorder;
use super::{Axis, Done, Error, RunRow, Status, TableError, Tables, predictions, summary};
use crate::claim::{Attempt, Claim, Claims, Owner};
use crate::report;
use crate::spec::{AxisValue, Experiment};
use crate::sweep::{Plan, PlannedRun};
use crate::tracking::{RunTrackers, Trackers};

/// The report is made again at most this often while runs go on; always at the end.
const REPORT_EVERY: Duration = Duration::from_secs(10);
/// A report that takes long is made more seldom: the pause is so many times as long.
const REPORT_PAUSE: u32 = 10;

/// Records one experiment.
pub struct Recorder<'a> {
    name: String,
    folder: PathBuf,
    /// The ids of the planned runs, in order.
    order: Vec<String>,
    pub(super) reporter: &'a dyn Reporter,
    claims: Claims,
    trackers: Trackers,
    state: Mutex<State>,
}

/// What the runs that go on share.
pub(super) struct State {
    pub tables: Tables,
    /// When the report may be made again.
    report_due: Instant,
    /// The runs that finished here and whose predictions could not be written, and why.
    pub lost: Vec<(String, TableError)>,
    /// The runs that failed before this start.
    failed: HashMap<String, RunRow>,
    /// The runs that have ended here, and are to be given back once the tables are written.
    ended: Vec<(String, Claim)>,
}

/// What comes of wanting to do a run.
pub enum Begun<'r> {
    /// It is this process's.
    Here(Box<RunRecorder<'r>>),
    /// Another process does it.
    Elsewhere(Owner),
    /// There is nothing to be done.
    Done,
}

impl<'a> Recorder<'a> {
    /// Opens the experiment's folder in `results` and writes its spec, so that a folder that cannot be written is
    /// found before anything is trained. With `fresh`, what is there of these runs is deleted, which is said before.
    ///
    /// # Errors
    /// A folder that cannot be written, tables in it that are not ours, or runs to be deleted that another process does.
    pub fn open(
        experiment: &Experiment,
        plan: &Plan,
        results: &Path,
        fresh: bool,
        patience: f64,
        reporter: &'a dyn Reporter,
    ) -> Result<Self, Error> {
        let folder = results.join(&experiment.spec.name);
        create(&folder)?;
        let claims = Claims::new(patience);
        let lock = claims.lock(&folder).map_err(Error::io(&folder))?;
        let ids = plan.runs.iter().map(|planned| planned.run.id.clone());
        let order: Vec<String> = ids.collect();
        let mut tables = Tables::open(&folder, &axes(experiment), &order)?;
        if fresh {
            delete_runs(&folder, &order, &mut tables, &claims, reporter)?;
            tables.write()?;
            tables.give_back_all();
        }
        write(&folder.join("spec.toml"), &experiment.to_toml())?;
        drop(lock);
        let failed = tables.runs().iter().filter(|r| r.status == Status::Failed);
        let failed = failed.map(|row| (row.run.clone(), row.clone())).collect();
        let state = State {
            tables,
            report_due: Instant::now(),
            lost: Vec::new(),
            failed,
            ended: Vec::new(),
        };
        let recorder = Recorder {
            name: experiment.spec.name.clone(),
            folder,
            order,
            reporter,
            claims,
            trackers: Trackers::open(&experiment.spec.name, plan, patience),
            state: Mutex::new(state),
        };
        recorder.clear_finished()?;
        Ok(recorder)
    }

    /// Removes what a process that was killed after a run's last row has left, and says how many are finished.
    fn clear_finished(&self) -> Result<(), Error> {
        let state = self.state();
        let is_finished = |id: &&String| self.is_finished(&state.tables, id);
        let finished: Vec<&String> = self.order.iter().filter(is_finished).collect();
        for run in &finished {
            let run = run_folder(&self.folder, run);
            // Whoever still ends it removes them itself.
            if let Ok(Attempt::Held(_claim)) = self.claims.attempt(&run) {
                remove_checkpoints(&run)?;
            }
        }
        if !finished.is_empty() {
            let (count, all, name) = (finished.len(), self.order.len(), &self.name);
            self.reporter.note(&format!(
                "{name}: {count} of {all} runs are finished already (--fresh does them again)"
            ));
        }
        Ok(())
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn run_folder(&self, run: &str) -> PathBuf {
        run_folder(&self.folder, run)
    }

    /// A run's place in the sweep, from 1, and how many runs the sweep has.
    pub(super) fn place(&self, run: &str) -> (usize, usize) {
        let place = self.order.iter().position(|id| id == run);
        (place.map_or(0, |i| i + 1), self.order.len())
    }

    /// How many of the sweep's runs have come to an end.
    pub(super) fn ended(&self, state: &State) -> usize {
        let has_ended = |id: &&String| {
            let row = state.tables.run(id);
            row.is_some_and(|row| row.status != Status::Interrupted)
        };
        self.order.iter().filter(has_ended).count()
    }

    fn is_finished(&self, tables: &Tables, run: &str) -> bool {
        let row = tables.run(run);
        row.is_some_and(|row| row.status == Status::Finished)
            && self.run_folder(run).join("model.safetensors").is_file()
    }

    /// Whether a run failed since this start, in another process.
    fn failed_elsewhere(state: &State, run: &str) -> bool {
        let row = state.tables.run(run);
        row.is_some_and(|row| row.status == Status::Failed && state.failed.get(run) != Some(row))
    }

    /// Claims a run and makes its folder; what an earlier start left in the tables stays until training begins.
    ///
    /// # Errors
    /// A folder that cannot be read or written.
    pub fn begin(&self, planned: &PlannedRun) -> Result<Begun<'_>, Error> {
        let id = &planned.run.id;
        if self.is_finished(&self.state().tables, id) {
            return Ok(Begun::Done);
        }
        let folder = self.run_folder(id);
        create(&folder)?;
        let claim = match self.claims.attempt(&folder).map_err(Error::io(&folder))? {
            Attempt::Held(claim) => claim,
            Attempt::Taken(owner) => return Ok(Begun::Elsewhere(owner)),
        };
        for owner in claim.before() {
            let note = format!("{id} is taken over: {owner} is gone");
            self.reporter.note(&note);
        }
        let mut state = self.state();
        let lock = self.claims.lock(&self.folder);
        let _lock = lock.map_err(Error::io(&self.folder))?;
        state.tables.refresh()?;
        if self.is_finished(&state.tables, id) || Self::failed_elsewhere(&state, id) {
            return Ok(Begun::Done);
        }
        let model = folder.join("model.safetensors");
        if let Err(source) = fs::remove_file(&model)
            && source.kind() != io::ErrorKind::NotFound
        {
            return Err(Error::io(&model)(source));
        }
        write(&folder.join("spec.toml"), &planned.run.spec.to_toml())?;
        let run = RunRecorder::new(self, planned, folder, claim, state.tables.run(id))?;
        state.tables.set_run(run.row().clone());
        state.tables.write()?;
        Ok(Begun::Here(Box::new(run)))
    }

    /// The trackers of a run with this folder.
    pub(super) fn trackers(&self, planned: &PlannedRun, run_folder: &Path) -> RunTrackers {
        self.trackers.run(planned, &self.folder, run_folder)
    }

    /// Says what went wrong with trackers.
    pub(super) fn tell_trouble(&self) {
        for trouble in self.trackers.trouble() {
            self.reporter.warn(&trouble);
        }
    }

    /// Writes everything once more, and gives trackers a bounded time to take the rest.
    ///
    /// # Errors
    /// Records that could not be written.
    pub fn finish(mut self) -> Result<Done, Error> {
        let written = self.write(&mut self.state(), true);
        for trouble in self.trackers.finish(&self.folder) {
            self.reporter.warn(&trouble);
        }
        self.collect_predictions()?;
        written?;
        self.mark_elsewhere(&mut self.state());
        let state = self.state.into_inner();
        let state = state.unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = Error::lost(state.lost) {
            return Err(error);
        }
        let planned = |row: &&RunRow| self.order.contains(&row.run);
        let runs = state.tables.runs().iter();
        Ok(Done {
            runs: runs.filter(planned).cloned().collect(),
            planned: self.order.len(),
            summary: summary(&state.tables.results(&self.name)),
            folder: self.folder,
        })
    }

    /// Tells the runs that other processes do from those that are interrupted; the tables are not written any more.
    fn mark_elsewhere(&self, state: &mut State) {
        let is_elsewhere = |row: &&RunRow| {
            let owner = || self.claims.owner(&self.run_folder(&row.run));
            row.status == Status::Interrupted && owner().is_ok_and(|owner| owner.is_some())
        };
        let rows = state.tables.runs().iter().filter(is_elsewhere);
        for row in rows.cloned().collect::<Vec<_>>() {
            let status = Status::Elsewhere;
            state.tables.set_run(RunRow { status, ..row });
        }
    }

    /// Puts the predictions of all finished runs together.
    fn collect_predictions(&self) -> Result<(), Error> {
        let state = self.state();
        let lock = self.claims.lock(&self.folder);
        let _lock = lock.map_err(Error::io(&self.folder))?;
        let is_finished = |id: &&String| self.is_finished(&state.tables, id);
        predictions::collect(&self.folder, self.order.iter().filter(is_finished))?;
        Ok(())
    }

    /// Writes the tables, and the report where it is time; what fails is said and tried again later.
    pub(super) fn update(&self, state: &mut State) {
        if let Err(error) = self.write(state, false) {
            self.reporter
                .warn(&format!("{error}; training goes on, and it is tried again"));
        }
    }

    /// Writes the tables, and the report where it is time or the end.
    fn write(&self, state: &mut State, is_end: bool) -> Result<(), Error> {
        let lock = self.claims.lock(&self.folder);
        let _lock = lock.map_err(Error::io(&self.folder))?;
        state.tables.refresh()?;
        state.tables.write()?;
        for (run, claim) in std::mem::take(&mut state.ended) {
            state.tables.give_back(&run);
            // Until now, the run could have been gone on with.
            let is_finished = self.is_finished(&state.tables, &run);
            let removed = is_finished.then(|| remove_checkpoints(&self.run_folder(&run)));
            drop(claim);
            removed.transpose()?;
        }
        let start = Instant::now();
        if is_end || start >= state.report_due {
            let made = report::write(&self.folder);
            state.report_due = Instant::now() + REPORT_EVERY.max(start.elapsed() * REPORT_PAUSE);
            made?;
        }
        Ok(())
    }
}

impl State {
    /// Gives a run back once its rows are written.
    pub fn end(&mut self, run: &str, claim: Claim) {
        self.ended.push((run.to_owned(), claim));
    }
}

/// The swept keys with the values their runs have, in the sweep's order.
fn axes(experiment: &Experiment) -> Vec<Axis> {
    let axis = |(key, values): (String, Vec<AxisValue>)| Axis { key, values };
    experiment.axes().into_iter().map(axis).collect()
}
