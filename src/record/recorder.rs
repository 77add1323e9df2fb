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

use super::deaths::Start;
use super::folder::{
    MODEL_FILE, SPEC_FILE, create, delete_runs, has_leftovers, remove_checkpoints, run_folder,
    tidy_experiment, tidy_run, write,
};
use super::present::write_plan;
use super::progress::Reporter;
use super::run_recorder::RunRecorder;
use super::summary::{WIDTH, summary};
use super::tables::own::{self, OwnRows};
use super::upkeep::Unwritten;
use super::{Axis, Done, Error, Page, RunRow, Status, TableError, Tables};
use crate::claim::{Attempt, Claim, Claims, Owner, Token};
use crate::spec::{AxisValue, Experiment};
use crate::stop::Stop;
use crate::sweep::{Plan, PlannedRun};
use crate::terminal::{self, Stream};
use crate::tracking::{RunTrackers, Trackers};

/// Records one experiment.
pub struct Recorder<'a> {
    name: String,
    pub(super) folder: PathBuf,
    /// The ids of the planned runs, in order.
    order: Vec<String>,
    pub(super) axes: Vec<Axis>,
    pub(super) reporter: &'a dyn Reporter,
    pub(super) page: &'a dyn Page,
    pub(super) claims: Claims,
    pub(super) stop: Stop,
    trackers: Trackers,
    state: Mutex<State>,
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
    failed: HashMap<String, RunRow>,
    /// The runs that have ended here, and whose rows could not be written into their folders yet.
    pub unwritten: Vec<Unwritten>,
    /// Whether another process was seen to do runs of the experiment.
    pub is_shared: bool,
    /// What has been said of damaged files.
    pub said: HashSet<String>,
}

/// Where and how an experiment is recorded.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    /// The folder that has a folder for each experiment.
    pub results: &'a Path,
    /// Whether what is there of the planned runs is deleted.
    pub fresh: bool,
    /// Processes elsewhere have so many times a minute to show that they live; trackers' servers as many times the usual
    /// time to answer.
    pub patience: f64,
    /// Shows the results as they come in.
    pub page: &'a dyn Page,
    /// Other processes are not waited for any more once the work is to stop.
    pub stop: &'a Stop,
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
    /// Opens the experiment's folder and writes its spec, so that a folder that cannot be written is found before anything
    /// is trained. What is deleted is said before; damaged tables are rebuilt, which is said too.
    ///
    /// # Errors
    /// A folder that cannot be written, tables in it that are not ours, or runs to be deleted that another process does.
    pub fn open(
        experiment: &Experiment,
        plan: &Plan,
        how: Opening<'a>,
        reporter: &'a dyn Reporter,
    ) -> Result<Self, Error> {
        let folder = how.results.join(&experiment.spec.name);
        create(&folder)?;
        let ids = plan.runs.iter().map(|planned| planned.run.id.clone());
        let (order, axes): (Vec<String>, _) = (ids.collect(), axes(experiment));
        let (claims, stop) = (Claims::new(how.patience), how.stop.clone());
        let state = State {
            tables: Tables::open(&folder, &axes, &order)?,
            is_written: false,
            tables_due: Instant::now(),
            report_due: Instant::now(),
            lost: Vec::new(),
            failed: HashMap::new(),
            unwritten: Vec::new(),
            is_shared: false,
            said: HashSet::new(),
        };
        let recorder = Recorder {
            name: experiment.spec.name.clone(),
            trackers: Trackers::open(&experiment.spec.name, plan, how.patience),
            state: Mutex::new(state),
            folder,
            order,
            axes,
            reporter,
            page: how.page,
            claims,
            stop,
        };
        while !recorder.begin_all(experiment, how.fresh)? {}
        recorder.clear_finished()?;
        Ok(recorder)
    }

    /// What is done once before all runs, with the folder locked; gives whether the lock was held until the end.
    fn begin_all(&self, experiment: &Experiment, fresh: bool) -> Result<bool, Error> {
        let lock = self.claims.lock(&self.folder, &self.stop);
        let lock = lock.map_err(Error::io(&self.folder))?;
        match self.begin_locked(experiment, fresh, &lock) {
            Err(_) if lock.token().is_lost() => Ok(false),
            begun => begun.map(|()| true),
        }
    }

    fn begin_locked(
        &self,
        experiment: &Experiment,
        fresh: bool,
        lock: &Claim,
    ) -> Result<(), Error> {
        tidy_experiment(&self.folder).map_err(Error::io(&self.folder))?;
        let state = &mut *self.state();
        state.tables.refresh()?;
        let is_damaged = self.tell_damage(state)?;
        if fresh {
            let (folder, claims) = (&self.folder, (&self.claims, &self.stop));
            delete_runs(
                folder,
                &self.order,
                &mut state.tables,
                claims,
                self.reporter,
            )?;
        }
        if is_damaged || fresh {
            state.tables.write_claimed(lock.token())?;
            state.tables.give_back_all();
        }
        self.record_earlier(&state.tables)?;
        write(
            &self.folder.join(SPEC_FILE),
            &experiment.to_toml(),
            lock.token(),
        )?;
        write_plan(&self.folder, &self.order, lock.token())?;
        let rows = state.tables.runs().iter();
        let failed = rows.filter(|row| row.status == Status::Failed);
        state.failed = failed.map(|row| (row.run.clone(), row.clone())).collect();
        Ok(())
    }

    /// Gives the runs of earlier versions, whose rows stand in the tables only, rows in their own folders.
    fn record_earlier(&self, tables: &Tables) -> Result<(), Error> {
        for (row, epochs) in tables.unrecorded() {
            let folder = self.run_folder(&row.run);
            if !folder.is_dir() {
                continue;
            }
            let attempt = self.claims.attempt(&folder).map_err(Error::io(&folder))?;
            let Attempt::Held(claim) = attempt else {
                continue;
            };
            let token = claim.token();
            let written = own::write_epochs(&folder, &self.axes, &epochs, token)
                .and_then(|()| own::write_row(&folder, &self.axes, row, None, token));
            if !token.is_lost() {
                written?;
            }
        }
        Ok(())
    }

    /// Removes what a process that was killed after a run's last row has left, and says how many are finished.
    fn clear_finished(&self) -> Result<(), Error> {
        let finished = self.finished(&self.state().tables)?;
        for run in &finished {
            let run = self.run_folder(run);
            if !has_leftovers(&run) {
                continue;
            }
            // Whoever still ends it removes them itself.
            if let Ok(Attempt::Held(_claim)) = self.claims.attempt(&run) {
                tidy_run(&run).map_err(Error::io(&run))?;
                remove_checkpoints(&run)?;
            }
        }
        let is_planned = |run: &&String| self.order.contains(run);
        let count = finished.iter().filter(is_planned).count();
        if count > 0 {
            let (all, name) = (self.order.len(), &self.name);
            let said = match (count, all) {
                (1, 1) => "the run is finished already (--fresh does it again)".into(),
                (1, _) => format!("1 of {all} runs is finished already (--fresh does it again)"),
                _ => {
                    format!("{count} of {all} runs are finished already (--fresh does them again)")
                }
            };
            self.reporter.note(&format!("{name}: {said}"));
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
    fn is_finished(&self, row: &RunRow) -> Result<bool, Error> {
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

    /// Whether there is nothing to be done of a run with these rows: it is finished, it is not begun any more, or it failed
    /// since this start, in another process.
    fn is_done(&self, rows: &OwnRows) -> Result<bool, Error> {
        let row = &rows.row;
        let has_failed = || {
            let is_new = self.state().failed.get(&row.run) != Some(row);
            row.status == Status::Failed && (is_new || Start::is_given_up(rows.start.as_deref()))
        };
        Ok(self.is_finished(row)? || has_failed())
    }

    /// Claims a run and makes its folder; what an earlier start has written of it stays until training begins.
    ///
    /// # Errors
    /// A folder that cannot be read or written.
    pub fn begin(&self, planned: &PlannedRun) -> Result<Begun<'_>, Error> {
        let id = &planned.run.id;
        let known = self.state().tables.run(id).cloned();
        if known.is_some_and(|row| self.is_finished(&row).unwrap_or(false)) {
            return Ok(Begun::Done);
        }
        let folder = self.run_folder(id);
        create(&folder)?;
        let claim = match self.claims.attempt(&folder).map_err(Error::io(&folder))? {
            Attempt::Held(claim) => claim,
            Attempt::Taken(owner) => {
                self.state().is_shared = true;
                return Ok(Begun::Elsewhere(owner));
            }
        };
        for owner in claim.before() {
            let note = format!("{id} is taken over: {owner} is gone");
            self.reporter.note(&note);
        }
        let token = claim.token().clone();
        match self.begin_claimed(planned, folder, claim) {
            Err(_) if token.is_lost() => Ok(Begun::Elsewhere(Owner::another())),
            begun => begun,
        }
    }

    fn begin_claimed(
        &self,
        planned: &PlannedRun,
        folder: PathBuf,
        claim: Claim,
    ) -> Result<Begun<'_>, Error> {
        tidy_run(&folder).map_err(Error::io(&folder))?;
        let earlier = self.earlier(&planned.run.id, &folder)?;
        if let Some(earlier) = &earlier
            && self.is_done(earlier)?
        {
            return Ok(Begun::Done);
        }
        let start = earlier.as_ref().and_then(|rows| rows.start.as_deref());
        let start = Start::after(&folder, start);
        let reason = start.reason();
        let spec = folder.join(SPEC_FILE);
        write(&spec, &planned.run.spec.to_toml(), claim.token())?;
        let run = RunRecorder::new(self, planned, folder, claim, earlier, start)?;
        if let Some(reason) = reason {
            run.give_up(reason)?;
            return Ok(Begun::Done);
        }
        let state = &mut *self.state();
        state.tables.set_run(run.row().clone());
        self.update(state);
        Ok(Begun::Here(Box::new(run)))
    }

    /// What earlier starts have written of a run, which is claimed: in its folder, else in the tables.
    fn earlier(&self, run: &str, folder: &Path) -> Result<Option<OwnRows>, Error> {
        match own::read(folder, &self.axes) {
            Ok(Some(rows)) => return Ok(Some(rows)),
            Err(error) if error.damage().is_none() => return Err(error.into()),
            _ => {}
        }
        let state = self.state();
        let row = state.tables.run(run).cloned();
        Ok(row.map(|row| OwnRows {
            epochs: state.tables.epochs_of(run),
            row,
            start: None,
        }))
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

/// The swept keys with the values their runs have, in the sweep's order.
fn axes(experiment: &Experiment) -> Vec<Axis> {
    let axis = |(key, values): (String, Vec<AxisValue>)| Axis { key, values };
    experiment.axes().into_iter().map(axis).collect()
}
