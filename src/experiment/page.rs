//! The report, made again as results come in.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::mistakes;
use crate::report;
use crate::sink::{Event, Failure, Sink, Sinks, Written};
use crate::stop::Stop;
use crate::store::{METRICS_FILE, RUNS_FILE};

/// It is made again at most this often while runs are in progress; always at the end.
const EVERY: Duration = Duration::from_secs(10);
/// A report that takes long is made more seldom: the pause is so many times as long.
const PAUSE: u32 = 30;

/// Makes the report.
pub(super) struct Page {
    stop: Stop,
    /// Whether what takes long is made at the end: a search is not over before its last round.
    is_last_round: bool,
    /// When it may be made again; none before it was.
    due: Mutex<Option<Instant>>,
}

impl Sink for Page {
    fn event(&self, event: &Event<'_>, _sinks: &Sinks<'_>) -> Result<(), Failure> {
        match event {
            Event::Tables(written) => self.update(written),
            _ => Ok(()),
        }
    }
}

impl Page {
    /// One that was not made yet; a wish to stop has it leave out what takes long.
    pub fn new(stop: &Stop, is_last_round: bool) -> Self {
        Page {
            stop: stop.clone(),
            is_last_round,
            due: Mutex::default(),
        }
    }

    fn update(&self, written: &Written<'_>) -> Result<(), Failure> {
        let folder = written.folder;
        let is_made =
            || written.is_known && report::is_newer_than(folder, &[RUNS_FILE, METRICS_FILE]);
        let has_more = written.is_last && self.is_last_round && mistakes::draw(folder, &self.stop);
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let start = Instant::now();
        let is_due = due.is_none_or(|due| start >= due);
        if !is_due && !has_more && (!written.is_last || is_made()) {
            return Ok(());
        }
        let made = report::write_results(folder);
        // Before the first epoch there is nothing to show.
        if !made.as_ref().is_ok_and(Vec::is_empty) {
            let pause = EVERY.max(start.elapsed() * PAUSE);
            *due = Some(Instant::now() + pause);
        }
        made?;
        Ok(())
    }
}
