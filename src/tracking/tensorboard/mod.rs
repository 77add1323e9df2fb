//! Event files as TensorBoard reads them: `tensorboard --logdir results/<name>/tensorboard`.

mod event;
mod wire;

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::trouble::Trouble;
use super::{End, Ending, Tracker, back_from, names, unix_seconds};
use crate::claim::Token;
use crate::foreign;
use crate::run::PlannedRun;
use crate::spec::Run;
use crate::train::Epoch;
use event::{Event, Status, Summary};
use wire::record;

/// The event file of one run.
pub(super) struct EventFile {
    folder: PathBuf,
    run: Run,
    classes: Vec<String>,
    /// None before training begins, and once it could not be written.
    file: Option<File>,
    /// Shows that the run is still this process's.
    token: Token,
    trouble: Trouble,
}

impl EventFile {
    /// To be written into `folder`, once training begins.
    pub fn new(folder: PathBuf, planned: &PlannedRun, token: Token, trouble: Trouble) -> Self {
        EventFile {
            folder,
            run: planned.run.clone(),
            classes: planned.classes.to_vec(),
            file: None,
            token,
            trouble,
        }
    }

    /// Adds what happened at a step, and gives up where that cannot be written.
    fn add(&mut self, time: SystemTime, step: usize, summary: Summary) {
        let Some(file) = &mut self.file else { return };
        let event = Event::summary(unix_seconds(time), step, summary);
        // In one piece, so that a reader sees the whole record.
        let result = file.write_all(&record(&event.into_bytes()));
        if let Err(error) = result {
            self.give_up(&error);
        }
    }

    fn give_up(&mut self, error: &io::Error) {
        self.file = None;
        let folder = foreign::path(&self.folder);
        self.trouble.note(|| {
            format!("TensorBoard: {folder} cannot be written: {error}; training continues")
        });
    }

    fn add_epoch(&mut self, time: SystemTime, epoch: &Epoch) {
        let scalars = names::of_epoch(epoch, &self.classes);
        self.add(time, epoch.epoch, Summary::scalars(&scalars));
    }
}

impl Tracker for EventFile {
    /// Begins a new file in place of an earlier start's, so that no epoch is there twice.
    fn begin(&mut self, epochs: &[Epoch]) {
        let now = SystemTime::now();
        match create(&self.folder, now, &self.token) {
            Err(_) if self.token.is_lost() => return,
            Ok(file) => self.file = Some(file),
            Err(error) => return self.give_up(&error),
        }
        // A reader that follows the earlier file forgets what that said.
        let text = format!("```toml\n{}```", self.run.spec.to_toml());
        self.add(now, 0, Summary::text("spec", &text));
        if !self.run.point.is_empty() {
            let start = unix_seconds(now);
            self.add(now, 0, Summary::session_start(&self.run.point, start));
        }
        for (time, epoch) in back_from(now, epochs) {
            self.add_epoch(time, epoch);
        }
    }

    fn epoch(&mut self, epoch: &Epoch) {
        self.add_epoch(SystemTime::now(), epoch);
    }

    fn ended(&mut self, end: &End<'_>) {
        let now = SystemTime::now();
        if let Some(test) = end.test {
            let scalars = names::of_test(test, &self.classes);
            self.add(now, end.epochs, Summary::scalars(&scalars));
        }
        if !self.run.point.is_empty() {
            let status = match end.ending {
                Ending::Finished => Status::Success,
                Ending::Failed | Ending::Stopped => Status::Failure,
            };
            let summary = Summary::session_end(status, unix_seconds(now));
            self.add(now, end.epochs, summary);
        }
    }
}

/// A new file in a folder, in place of those that were there; it begins with what every event file begins with.
fn create(folder: &Path, now: SystemTime, token: &Token) -> io::Result<File> {
    fs::create_dir_all(folder)?;
    let earlier: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<_>>()?;
    // TensorBoard goes through the files of a folder by their names.
    let seconds = unix_seconds(now);
    let name = format!("events.out.tfevents.{seconds:017.6}.runner");
    let path = folder.join(name);
    let mut file = File::create_new(&path)?;
    // Who takes the run over finds this file, or this finds out: what is removed is older than that.
    if let Err(error) = token.check() {
        let _ = fs::remove_file(&path);
        return Err(error);
    }
    for file in earlier {
        match fs::remove_file(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    let first = [Event::version(seconds), Event::start(seconds)];
    let first = first.map(|event| record(&event.into_bytes()));
    file.write_all(&first.concat())?;
    Ok(file)
}
