//! Everything an experiment leaves: tables, charts, logs and specs, kept up to date while its runs are in progress.
//!
//! Several processes may record into one folder: a run is claimed by who does it and written into its own folder, whose
//! rows are the truth. The experiment's tables, predictions and report are made from the runs' folders, under a lock on
//! the experiment's (see [`super::upkeep`]).

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::done::Done;
use super::files::{Files, Shared};
use super::summary::{WIDTH, summary};
use super::unwritten::Unwritten;
use crate::claim::Claims;
use crate::run::PlannedRun;
use crate::sink::error::Error;
use crate::sink::event::{Event, Place};
use crate::sink::list::Sinks;
use crate::spec::Save;
use crate::stop::Stop;
use crate::store::folder::is_whole;
use crate::store::{Axis, RunRow, Status, TableError, Tables, leave_tables, run_folder};
use crate::sweep::Plan;
use crate::terminal::{self, Stream};

/// Records one experiment.
pub struct Recorder {
    pub(super) name: String,
    pub(super) folder: PathBuf,
    /// The ids of the planned runs, in order.
    pub(super) order: Vec<String>,
    /// The ids of those that are to be done here, in order; often all.
    pub(super) wanted: Vec<String>,
    /// Where each of these is among them.
    pub(super) places: HashMap<String, usize>,
    pub(super) axes: Vec<Axis>,
    /// Of which runs the model is kept.
    pub(super) save: Save,
    pub(super) claims: Claims,
    pub(super) stop: Stop,
    /// Of the runs in progress, by their ids.
    pub(super) files: Mutex<HashMap<String, Shared>>,
    pub(super) state: Mutex<State>,
}

/// What the runs in progress share.
pub(super) struct State {
    pub tables: Tables,
    /// Whether the tables were written since this start.
    pub is_written: bool,
    /// When the tables may be written again.
    pub tables_due: Instant,
    /// The runs that finished here and whose predictions could not be written, and why.
    pub lost: Vec<(String, TableError)>,
    /// The runs that failed before this start.
    pub failed: HashMap<String, RunRow>,
    /// The runs that have ended here, and whose rows could not be written into their folders yet.
    pub unwritten: Vec<Unwritten>,
    /// Whether another process was seen to do runs of the experiment.
    pub is_shared: bool,
    /// What has been said of damaged files.
    pub said: HashSet<String>,
}

impl Recorder {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The folder of the experiment's results.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn run_folder(&self, run: &str) -> PathBuf {
        run_folder(&self.folder, run)
    }

    fn all_files(&self) -> MutexGuard<'_, HashMap<String, Shared>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The files of a run in progress.
    pub(super) fn files(&self, run: &str) -> Option<Shared> {
        self.all_files().get(run).cloned()
    }

    /// A run is in progress from now on.
    pub(super) fn keep(&self, run: &str, files: Files) {
        let files = Arc::new(Mutex::new(files));
        self.all_files().insert(run.to_owned(), files);
    }

    /// A run is not in progress any more.
    pub(super) fn forget(&self, run: &str) {
        self.all_files().remove(run);
    }

    /// Where in the sweep a run is.
    pub(super) fn place(&self, run: &str) -> Place {
        Place {
            index: self.places.get(run).map_or(0, |i| i + 1),
            total: self.wanted.len(),
            ended: self.ended(&self.state()),
        }
    }

    /// How many of the runs that are to be done here have come to an end.
    fn ended(&self, state: &State) -> usize {
        // Every run that begins asks; looking all others up would take thousands of runs most of their time.
        let is_all = self.wanted.len() == self.order.len();
        let has_ended = |row: &&RunRow| {
            row.status != Status::Interrupted && (is_all || self.places.contains_key(&row.run))
        };
        state.tables.of_sweep().iter().filter(has_ended).count()
    }

    /// The finished runs, those of earlier forms of the sweep too, in the order of the tables.
    pub(super) fn finished(&self, tables: &Tables) -> Result<Vec<String>, Error> {
        let mut finished = Vec::new();
        for row in tables.runs() {
            if self.is_finished(row)? {
                finished.push(row.run.clone());
            }
        }
        Ok(finished)
    }

    /// Whether a run with this row has its model, or is to have none. A model that cannot be looked at is not one that is missing.
    pub(super) fn is_finished(&self, row: &RunRow) -> Result<bool, Error> {
        if row.status != Status::Finished {
            return Ok(false);
        }
        Ok(is_whole(&self.run_folder(&row.run), self.save)?)
    }

    /// The runs of a plan that have not finished, as far as the tables say.
    pub fn waiting<'p>(&self, plan: &'p Plan) -> Vec<&'p PlannedRun> {
        let state = self.state();
        let is_finished = |planned: &&PlannedRun| {
            let row = state.tables.run(&planned.run.id);
            row.is_some_and(|row| row.status == Status::Finished)
        };
        let runs = plan.runs.iter();
        runs.filter(|planned| !is_finished(planned)).collect()
    }

    /// Writes everything once more, and tells the sinks that it is over.
    ///
    /// # Errors
    /// Records that could not be written.
    pub fn finish(&self, sinks: &Sinks<'_>) -> Result<Done, Error> {
        let written = self.write_end(&mut self.state(), sinks);
        sinks.tell(&Event::Over(&self.folder));
        written?;
        let state = &mut *self.state();
        let is_shared = self.mark_elsewhere(state);
        if let Some(error) = Error::lost(std::mem::take(&mut state.lost)) {
            return Err(error);
        }
        let planned = |row: &&RunRow| self.places.contains_key(&row.run);
        let mut results = state.tables.results();
        results.runs.retain(planned);
        let runs = state.tables.runs().iter();
        let done = Done {
            runs: runs.filter(planned).cloned().collect(),
            planned: self.wanted.len(),
            summary: summary(&results, terminal_width()),
            folder: self.folder.clone(),
        };
        if !is_shared {
            leave_tables(std::mem::take(&mut state.tables));
        }
        Ok(done)
    }

    /// Tells the runs that other processes do from those that are interrupted; the tables are not written any more. Gives
    /// whether there are any.
    fn mark_elsewhere(&self, state: &mut State) -> bool {
        let is_elsewhere = |row: &&RunRow| {
            let owner = || self.claims.owner(&self.run_folder(&row.run));
            row.status == Status::Interrupted && owner().is_ok_and(|owner| owner.is_some())
        };
        let rows = state.tables.runs().iter().filter(is_elsewhere);
        let rows: Vec<RunRow> = rows.cloned().collect();
        let are_there = !rows.is_empty();
        for row in rows {
            let status = Status::Elsewhere;
            state.tables.set_run(RunRow { status, ..row });
        }
        are_there
    }
}

/// As wide as tables on the terminal may be.
fn terminal_width() -> usize {
    terminal::width(Stream::Out).map_or(WIDTH, |columns| columns.min(WIDTH))
}
