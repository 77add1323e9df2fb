//! A run is begun by the process that claims it first.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::experiment::Recorder;
use super::files::Files;
use super::running::Running;
use crate::claim::{Attempt, Claim, Owner};
use crate::run::PlannedRun;
use crate::sink::error::Error;
use crate::sink::event::Run;
use crate::sink::list::Sinks;
use crate::store::deaths::Start;
use crate::store::folder::{SPEC_FILE, create, write};
use crate::store::tables::own::{self, OwnRows};
use crate::store::tidy::tidy_run;
use crate::store::{RunRow, Status, log};

/// What comes of wanting to do a run.
pub enum Begun<'r> {
    /// It is this process's.
    Here(Box<Running<'r>>),
    /// Another process does it.
    Elsewhere(Owner),
    /// There is nothing to be done.
    Done,
}

impl Recorder {
    /// Whether there is nothing to be done of a run with these rows: it is finished, it has come to where it is held, it is
    /// not begun any more, or it failed since this start, in another process.
    fn is_done(&self, rows: &OwnRows, until: Option<usize>) -> Result<bool, Error> {
        let row = &rows.row;
        let is_held =
            row.status == Status::Paused && until.is_some_and(|until| row.epochs >= until);
        let has_failed = || {
            let is_new = self.state().failed.get(&row.run) != Some(row);
            row.status == Status::Failed && (is_new || Start::is_given_up(rows.start.as_deref()))
        };
        Ok(self.is_finished(row)? || is_held || has_failed())
    }

    /// Claims a run and makes its folder; what an earlier start has written of it stays until training begins.
    ///
    /// # Errors
    /// A folder that cannot be read or written.
    pub fn begin<'r>(
        &'r self,
        planned: &'r PlannedRun,
        sinks: &'r Sinks<'r>,
    ) -> Result<Begun<'r>, Error> {
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
            sinks.note(&note);
        }
        let token = claim.token().clone();
        match self.begin_claimed(planned, (folder, claim), sinks) {
            Err(_) if token.is_lost() => Ok(Begun::Elsewhere(Owner::another())),
            begun => begun,
        }
    }

    fn begin_claimed<'r>(
        &'r self,
        planned: &'r PlannedRun,
        (folder, claim): (PathBuf, Claim),
        sinks: &'r Sinks<'r>,
    ) -> Result<Begun<'r>, Error> {
        tidy_run(&folder).map_err(Error::io(&folder))?;
        let earlier = self.earlier(&planned.run.id, &folder)?;
        if let Some(earlier) = &earlier
            && self.is_done(earlier, planned.until)?
        {
            return Ok(Begun::Done);
        }
        let start = earlier.as_ref().and_then(|rows| rows.start.as_deref());
        let start = Start::after(&folder, start);
        let reason = start.reason();
        let spec = folder.join(SPEC_FILE);
        write(&spec, &planned.run.spec.to_toml(), claim.token())?;
        let started = SystemTime::now();
        let (earlier, epochs) = match earlier {
            Some(earlier) => (Some(earlier.row), earlier.epochs),
            None => (None, Vec::new()),
        };
        let mut run = Run {
            planned,
            folder: folder.clone(),
            token: claim.token().clone(),
            row: begun(planned, earlier.as_ref(), started),
        };
        let files = Files::begin(folder, claim, start, (&run.row, epochs), &self.axes)?;
        if let Some(reason) = reason {
            self.give_up(&mut run.row, reason, files, sinks)?;
            return Ok(Begun::Done);
        }
        self.keep(&run.row.run, files);
        let state = &mut *self.state();
        state.tables.set_run(run.row.clone());
        self.update(state, sinks);
        let running = Running::new(self, sinks, run, started);
        Ok(Begun::Here(Box::new(running)))
    }

    /// Records that a run is not begun any more, and why.
    ///
    /// # Errors
    /// A folder that cannot be written.
    fn give_up(
        &self,
        row: &mut RunRow,
        reason: String,
        mut files: Files,
        sinks: &Sinks<'_>,
    ) -> Result<(), Error> {
        sinks.warn(&format!("{} is not started again: {reason}", row.run));
        files.log(&row.run, log::failed(&reason), sinks);
        row.status = Status::Failed;
        row.error = Some(reason);
        files.give_up(row)?;
        let mut state = self.state();
        state.tables.set_run(row.clone());
        state.tables.give_back(&row.run);
        Ok(())
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
}

/// The row of a run that begins at `started`, with what an earlier start has come to. Until the run ends this is what a
/// killed process leaves.
fn begun(planned: &PlannedRun, earlier: Option<&RunRow>, started: SystemTime) -> RunRow {
    let run = &planned.run;
    RunRow {
        run: run.id.clone(),
        point: run.point.clone(),
        status: Status::Interrupted,
        error: None,
        epochs: earlier.map_or(0, |row| row.epochs),
        best_epoch: None,
        validation: None,
        test: None,
        skipped_images: None,
        parameters: Some(planned.blueprint.parameter_count() as u64),
        trainable_parameters: Some(planned.blueprint.trainable_count() as u64),
        seconds: earlier.map_or(0.0, |row| row.seconds),
        device: run.spec.training.device.to_string(),
        spec: run.spec.to_json().into(),
        contents: Some(run.contents.clone()),
        version: env!("CARGO_PKG_VERSION").into(),
        started: earlier.map_or(started, |row| row.started),
    }
}
