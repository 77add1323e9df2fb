//! What is written of what happens in a run.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use super::event::{Status, Summary};
use super::file::EventFile;
use crate::foreign;
use crate::sink::{Event, Run};
use crate::store;
use crate::tracking::epochs::{back_from, unix_seconds};
use crate::tracking::names;
use crate::tracking::tracker::{Kind, Tracked, Tracker};
use crate::tracking::trouble::Trouble;
use crate::train::Epoch;

/// `tensorboard = true`.
pub(in crate::tracking) const KIND: Kind = Kind {
    is_wanted: |tracking| tracking.tensorboard,
    open: |tracked, trouble| Box::new(TensorBoard::open(tracked, trouble)),
};

/// The folder of event files, in the folder of an experiment's results; each run has a folder in it.
const FOLDER: &str = "tensorboard";

/// Writes the event files of an experiment's runs.
struct TensorBoard {
    folder: PathBuf,
    /// Of the runs that train, by their ids; without those that could not be written.
    files: Mutex<HashMap<String, EventFile>>,
    trouble: Trouble,
}

impl TensorBoard {
    fn open(tracked: &Tracked<'_>, trouble: Trouble) -> Self {
        TensorBoard {
            folder: tracked.folder.join(FOLDER),
            files: Mutex::default(),
            trouble,
        }
    }

    fn files(&self) -> MutexGuard<'_, HashMap<String, EventFile>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a new file in place of an earlier start's, so that no epoch is there twice.
    fn begin(&self, run: &Run<'_>, epochs: &[Epoch]) -> io::Result<()> {
        let now = SystemTime::now();
        let id = &run.row.run;
        let mut file = EventFile::create(&self.folder.join(id), now, &run.token)?;
        let planned = &run.planned.run;
        // A reader that follows the earlier file forgets what that said.
        let text = format!("```toml\n{}```", planned.spec.to_toml());
        file.add(now, 0, Summary::text("spec", &text))?;
        if !planned.point.is_empty() {
            let start = unix_seconds(now);
            file.add(now, 0, Summary::session_start(&planned.point, start))?;
        }
        for (time, epoch) in back_from(now, epochs) {
            let scalars = names::of_epoch(epoch, &run.planned.classes);
            file.add(time, epoch.epoch, Summary::scalars(&scalars))?;
        }
        self.files().insert(id.clone(), file);
        Ok(())
    }

    fn epoch(&self, run: &Run<'_>, epoch: &Epoch) -> io::Result<()> {
        let scalars = names::of_epoch(epoch, &run.planned.classes);
        let now = SystemTime::now();
        match self.files().get_mut(&run.row.run) {
            Some(file) => file.add(now, epoch.epoch, Summary::scalars(&scalars)),
            None => Ok(()),
        }
    }

    fn end(&self, run: &Run<'_>) -> io::Result<()> {
        let Some(mut file) = self.files().remove(&run.row.run) else {
            return Ok(());
        };
        let (now, epochs) = (SystemTime::now(), run.row.epochs);
        if let Some(test) = &run.row.test {
            let scalars = names::of_test(test, &run.planned.classes);
            file.add(now, epochs, Summary::scalars(&scalars))?;
        }
        if !run.row.point.is_empty() {
            let status = match run.row.status {
                store::Status::Finished => Status::Success,
                _ => Status::Failure,
            };
            let summary = Summary::session_end(status, unix_seconds(now));
            file.add(now, epochs, summary)?;
        }
        Ok(())
    }

    /// Writes no more of a run.
    fn give_up(&self, run: &Run<'_>, error: &io::Error) {
        self.files().remove(&run.row.run);
        let folder = self.folder.join(&run.row.run);
        let folder = foreign::path(&folder);
        self.trouble.note(|| {
            format!("TensorBoard: {folder} cannot be written: {error}; training continues")
        });
    }
}

impl Tracker for TensorBoard {
    fn event(&self, event: &Event<'_>) {
        let (run, written) = match *event {
            Event::Training(run, begin) => (run, self.begin(run, begin.epochs)),
            Event::Epoch(run, epoch) => (run, self.epoch(run, epoch)),
            Event::Ended(run, _) => (run, self.end(run)),
            _ => return,
        };
        if let Err(error) = written
            && !run.token.is_lost()
        {
            self.give_up(run, &error);
        }
    }
}
