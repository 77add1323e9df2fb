//! A run is begun by the process that claims it first.

use std::path::{Path, PathBuf};

use super::experiment::Recorder;
use super::run::RunRecorder;
use crate::claim::{Attempt, Claim, Owner};
use crate::run::PlannedRun;
use crate::sink::error::Error;
use crate::store::Status;
use crate::store::deaths::Start;
use crate::store::folder::{SPEC_FILE, create, tidy_run, write};
use crate::store::tables::own::{self, OwnRows};

/// What comes of wanting to do a run.
pub enum Begun<'r> {
    /// It is this process's.
    Here(Box<RunRecorder<'r>>),
    /// Another process does it.
    Elsewhere(Owner),
    /// There is nothing to be done.
    Done,
}

impl Recorder<'_> {
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
}
