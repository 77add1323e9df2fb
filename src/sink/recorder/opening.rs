//! What is done once before all runs of an experiment.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

use super::experiment::{Recorder, State};
use super::fresh::delete_runs;
use crate::claim::{Attempt, Claim, Claims};
use crate::sink::error::Error;
use crate::sink::list::Sinks;
use crate::spec::{AxisValue, Experiment};
use crate::stop::Stop;
use crate::store::folder::{SPEC_FILE, create, write};
use crate::store::tables::own;
use crate::store::tidy::{has_leftovers, remove_checkpoints, tidy_experiment, tidy_run};
use crate::store::{Axis, Status, Tables, write_plan};
use crate::sweep::Plan;

/// Where and how an experiment is recorded.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    /// The folder that has a folder for each experiment.
    pub results: &'a Path,
    /// Whether what is there of the planned runs is deleted.
    pub fresh: bool,
    /// Whether this start has opened it before, so that what is there already is known.
    pub is_further: bool,
    /// Processes elsewhere have so many times a minute to show that they live.
    pub patience: f64,
    /// Other processes are not waited for any more once the work is to stop.
    pub stop: &'a Stop,
}

impl Recorder {
    /// Opens the experiment's folder for the runs of a plan, which may be some of its runs, and writes its spec, so that a
    /// folder that cannot be written is found before anything is trained. What is deleted is said before; damaged tables are rebuilt, which is said too.
    ///
    /// # Errors
    /// A folder that cannot be written, tables in it that are not ours, or runs to be deleted that another process does.
    pub fn open(
        experiment: &Experiment,
        plan: &Plan,
        how: Opening<'_>,
        sinks: &Sinks<'_>,
    ) -> Result<Self, Error> {
        let folder = how.results.join(&experiment.spec.name);
        create(&folder)?;
        let planned = plan.runs.iter().map(|planned| planned.run.id.clone());
        let wanted: Vec<String> = planned.collect();
        let ids = experiment.runs.iter().map(|run| run.id.clone());
        let (order, axes): (Vec<String>, _) = (ids.collect(), axes(experiment));
        let (claims, stop) = (Claims::new(how.patience), how.stop.clone());
        let state = State {
            tables: Tables::open(&folder, &axes, &order)?,
            is_written: false,
            tables_due: Instant::now(),
            lost: Vec::new(),
            failed: HashMap::new(),
            unwritten: Vec::new(),
            is_shared: false,
            said: HashSet::new(),
        };
        let recorder = Recorder {
            name: experiment.spec.name.clone(),
            files: Mutex::default(),
            state: Mutex::new(state),
            folder,
            order,
            places: wanted.iter().cloned().zip(0..).collect(),
            wanted,
            axes,
            save: experiment.spec.training.save,
            claims,
            stop,
        };
        while !recorder.begin_all(experiment, how.fresh, sinks)? {}
        recorder.clear_finished(how.is_further, sinks)?;
        Ok(recorder)
    }

    /// What is done once before all runs, with the folder locked; gives whether the lock was held until the end.
    fn begin_all(
        &self,
        experiment: &Experiment,
        fresh: bool,
        sinks: &Sinks<'_>,
    ) -> Result<bool, Error> {
        let lock = self.claims.lock(&self.folder, &self.stop);
        let lock = lock.map_err(Error::io(&self.folder))?;
        match self.begin_locked((experiment, fresh), &lock, sinks) {
            Err(_) if lock.token().is_lost() => Ok(false),
            begun => begun.map(|()| true),
        }
    }

    fn begin_locked(
        &self,
        (experiment, fresh): (&Experiment, bool),
        lock: &Claim,
        sinks: &Sinks<'_>,
    ) -> Result<(), Error> {
        tidy_experiment(&self.folder).map_err(Error::io(&self.folder))?;
        let state = &mut *self.state();
        state.tables.refresh()?;
        let is_damaged = self.tell_damage(state, sinks)?;
        if fresh {
            let (folder, claims) = (&self.folder, (&self.claims, &self.stop));
            delete_runs(folder, &self.wanted, &mut state.tables, claims, sinks)?;
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

    /// Removes what a process that was killed after a run's last row has left, and says how many are finished unless that
    /// is known.
    fn clear_finished(&self, is_known: bool, sinks: &Sinks<'_>) -> Result<(), Error> {
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
        let is_planned = |run: &&String| self.places.contains_key(*run);
        let count = finished.iter().filter(is_planned).count();
        if count > 0 && !is_known {
            let (all, name) = (self.wanted.len(), &self.name);
            let said = match (count, all) {
                (1, 1) => "the run is finished already (--fresh does it again)".into(),
                (1, _) => format!("1 of {all} runs is finished already (--fresh does it again)"),
                _ => {
                    format!("{count} of {all} runs are finished already (--fresh does them again)")
                }
            };
            sinks.note(&format!("{name}: {said}"));
        }
        Ok(())
    }
}

/// The swept keys with the values their runs have, in the sweep's order.
fn axes(experiment: &Experiment) -> Vec<Axis> {
    let axis = |(key, values): (String, Vec<AxisValue>)| Axis { key, values };
    experiment.axes().into_iter().map(axis).collect()
}
