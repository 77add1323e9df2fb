//! What the recorder does as it is told of its runs.

use std::fs;

use super::experiment::Recorder;
use super::files::{Files, lock};
use super::unwritten::Unwritten;
use crate::run::{self, Finished};
use crate::sink::event::{Event, Run};
use crate::sink::list::{Failure, Sink, Sinks};
use crate::spec::Save;
use crate::store::folder::{NOT_KEPT_FILE, say_not_kept};
use crate::store::{self, EpochRow, log, predictions};
use crate::train::{Begin, Epoch};

impl Sink for Recorder {
    fn event(&self, event: &Event<'_>, sinks: &Sinks<'_>) -> Result<(), Failure> {
        let Some(run) = event.run() else {
            return Ok(());
        };
        let id = &run.row.run;
        let Some(files) = self.files(id) else {
            return Ok(());
        };
        let files = &mut *lock(&files);
        match *event {
            Event::Started(..) => files.log(id, log::started(run.planned), sinks),
            Event::Weights(_, from) => files.log(id, log::weights(&run.row, from), sinks),
            Event::Divided(_, data) => files.set_splits(data, sinks),
            Event::Training(_, begin) => self.training(run, &begin, files, sinks),
            Event::Epoch(_, epoch) => self.epoch(run, epoch, files, sinks),
            Event::Ended(_, result) => self.end(run, result, files, sinks),
            _ => {}
        }
        Ok(())
    }
}

impl Recorder {
    fn training(&self, run: &Run<'_>, begin: &Begin<'_>, files: &mut Files, sinks: &Sinks<'_>) {
        let row = &run.row;
        let done = begin.epochs.iter();
        files.set_epochs(done.map(|epoch| EpochRow::new(row, epoch)).collect());
        let mut state = self.state();
        state.tables.remove_run(&row.run);
        for epoch in &files.epochs {
            state.tables.add_epoch(epoch.clone());
        }
        state.tables.set_run(row.clone());
        // The first step need not wait for what is written already.
        if !files.is_as_begun(row) {
            files.write_rows(row, sinks);
            self.update(&mut state, sinks);
        }
        drop(state);
        files.log(&row.run, log::training(begin), sinks);
    }

    fn epoch(&self, run: &Run<'_>, epoch: &Epoch, files: &mut Files, sinks: &Sinks<'_>) {
        files.log(&run.row.run, log::epoch(epoch), sinks);
        if files.is_lost() {
            return;
        }
        let row = EpochRow::new(&run.row, epoch);
        files.epochs.push(row.clone());
        files.write_rows(&run.row, sinks);
        let mut state = self.state();
        state.tables.add_epoch(row);
        state.tables.set_run(run.row.clone());
        self.update(&mut state, sinks);
    }

    fn end(
        &self,
        run: &Run<'_>,
        result: Result<&Finished, &run::Error>,
        files: &mut Files,
        sinks: &Sinks<'_>,
    ) {
        let id = &run.row.run;
        files.log(id, log::ended(result), sinks);
        files.write_splits(sinks);
        let ended = files.end(&run.row);
        let is_kept = ended.is_some_and(|ended| self.write_last(run, result, ended, sinks));
        if !is_kept {
            // The rows are those of the process that has it now.
            sinks.warn(&format!(
                "another process took {id} over while this one was paused; it continues there"
            ));
            self.state().tables.give_back(id);
        }
        self.update(&mut self.state(), sinks);
        self.forget(id);
    }

    /// Writes how the run ended and gives it back; gives whether it was still this process's.
    fn write_last(
        &self,
        run: &Run<'_>,
        result: Result<&Finished, &run::Error>,
        ended: Unwritten,
        sinks: &Sinks<'_>,
    ) -> bool {
        let (id, token) = (&run.row.run, &run.token);
        let mut state = self.state();
        if let Ok(done) = result {
            let classes = &run.planned.classes;
            let written = predictions::write(&run.folder, id, classes, &done.predictions, token);
            if let Err(error) = written
                && !token.is_lost()
            {
                sinks.warn(&format!("{error}; training continues"));
                state.lost.push((id.clone(), error));
            }
        }
        if result.is_ok()
            && let Err(error) = say_whether_kept(run)
            && !token.is_lost()
        {
            sinks.warn(&format!("{error}; training continues"));
        }
        match ended.write(&self.axes) {
            _ if token.is_lost() => return false,
            Ok(()) => {
                state.tables.set_run(run.row.clone());
                state.tables.give_back_written(id, token);
            }
            Err(error) => {
                sinks.warn(&format!("{error}; it is tried again"));
                state.tables.set_run(run.row.clone());
                state.unwritten.push(ended);
            }
        }
        true
    }
}

/// Says in a finished run's folder that its model is not kept, where that is so, and nothing of the kind where it is.
fn say_whether_kept(run: &Run<'_>) -> Result<(), store::Error> {
    let save = run.planned.run.spec.training.save;
    if save == Save::None {
        return say_not_kept(&run.folder, save, &run.token);
    }
    // Of an earlier start; one that stays says nothing as long as there is a model.
    let _ = fs::remove_file(run.folder.join(NOT_KEPT_FILE));
    Ok(())
}
