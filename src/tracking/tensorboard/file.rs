//! A file of events.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::event::{Event, Summary};
use super::wire::record;
use crate::claim::Token;
use crate::tracking::epochs::unix_seconds;

/// A file that is open.
pub(super) struct EventFile(File);

impl EventFile {
    /// Adds what happened at a step.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn add(&mut self, time: SystemTime, step: usize, summary: Summary) -> io::Result<()> {
        let event = Event::summary(unix_seconds(time), step, summary);
        // In one piece, so that a reader sees the whole record.
        self.0.write_all(&record(&event.into_bytes()))
    }

    /// A new file in a folder, in place of those that were there; it begins with what every event file begins with.
    ///
    /// # Errors
    /// A folder that cannot be written, and a run that another process has taken over.
    pub fn create(folder: &Path, now: SystemTime, token: &Token) -> io::Result<Self> {
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
        Ok(EventFile(file))
    }
}
