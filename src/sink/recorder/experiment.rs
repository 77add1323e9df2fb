//! Everything an experiment leaves: tables, charts, logs and specs, kept up to date while its runs are in progress.
//!
//! Several processes may record into one folder: a run is claimed by who does it and written into its own folder, whose
//! rows are the truth. The experiment's tables, predictions and report are made from the runs' folders, under a lock on
//! the experiment's (see [`super::upkeep`]).

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::done::Done;
use super::summary::{WIDTH, summary};
use super::unwritten::Unwritten;
use crate::claim::{Claims, Token};
use crate::run::PlannedRun;
use crate::sink::error::Error;
use crate::sink::page::Page;
use crate::sink::progress::Reporter;
use crate::stop::Stop;
use crate::store::folder::MODEL_FILE;
use crate::store::{Axis, RunRow, Status, TableError, Tables, run_folder};
use crate::sweep::Plan;
use crate::terminal::{self, Stream};
use crate::tracking::{RunTrackers, Trackers};

/// Records one experiment.
pub struct Recorder<'a> {
    pub(super) name: String,
    pub(super) folder: PathBuf,
    /// The ids of the planned runs, in order.
    pub(super) order: Vec<String>,
    pub(super) axes: Vec<Axis>,
    pub(super) reporter: &'a dyn Reporter,
    pub(super) page: &'a dyn Page,
    pub(super) claims: Claims,
    pub(super) stop: Stop,
    pub(super) trackers: Trackers,
    pub(super) state: Mutex<State>,
}

/// What the runs in progress share.
pub(super) struct State {
    pub tables: Tables,
    /// Whether the tables were written since this start.
    pub is_written: bool,
    /// When the tables may be written again.
    pub tables_due: Instant,
    /// When the report may be made again.
    pub report_due: Instant,
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

impl Recorder<'_> {
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

    /// Whether a run with this row has its model. A model that cannot be looked at is not one that is missing.
    pub(super) fn is_finished(&self, row: &RunRow) -> Result<bool, Error> {
        if row.status != Status::Finished {
            return Ok(false);
        }
        let model = self.run_folder(&row.run).join(MODEL_FILE);
        match fs::metadata(&model) {
            Ok(about) => Ok(about.is_file()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(Error::io(&model)(error)),
        }
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

    /// The trackers of a run with this folder.
    pub(super) fn trackers(
        &self,
        planned: &PlannedRun,
        run_folder: &Path,
        token: &Token,
    ) -> RunTrackers {
        self.trackers
            .run(planned, (&self.folder, run_folder), token)
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
        let written = self.write_end(&mut self.state());
        for trouble in self.trackers.finish(&self.folder) {
            self.reporter.warn(&trouble);
        }
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
            summary: summary(&state.tables.results(&self.name), terminal_width()),
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
}

/// As wide as tables on the terminal may be.
fn terminal_width() -> usize {
    terminal::width(Stream::Out).map_or(WIDTH, |columns| columns.min(WIDTH))
}
