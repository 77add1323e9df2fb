//! `log.jsonl`: what happened in a run, one JSON object a line.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::time::SystemTime;

use serde_json::{Map, Value, json};

use super::rows::RunRow;
use super::time::rfc3339;
use crate::atomic::NewFile;
use crate::claim::Token;
use crate::data;
use crate::datasets::{REPOSITORY, REVISION};
use crate::foreign;
use crate::last_words::{self, Prepared};
use crate::machine;
use crate::metric::Metrics;
use crate::run::{self, Download, Finished, PlannedRun};
use crate::train::{Begin, Epoch};

/// Appends events to a run's log; each is on disk's way before the call returns.
pub struct RunLog {
    /// Before the file, which it needs.
    _last_words: Prepared,
    file: File,
    token: Token,
}

impl RunLog {
    /// Opens the log at `path`, as long as the claim on the run is held; its folder must be there.
    ///
    /// What is there is copied into a new file, so that a process which had the run before and was only paused appends to
    /// no file that anybody reads. A line cut short by a kill is left out, so that every line is a JSON object.
    ///
    /// # Errors
    /// When the file cannot be opened, read or written, and a run that another process has taken over.
    pub fn append_to(path: &Path, token: &Token) -> io::Result<Self> {
        let mut text = match fs::read(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            text => text?,
        };
        let whole = text.iter().rposition(|&b| b == b'\n').map_or(0, |n| n + 1);
        text.truncate(whole);
        let mut new = NewFile::create(path, token)?;
        new.write_all(&text)?;
        let file = new.flushed()?.try_clone()?;
        match text.is_empty() {
            true => new.commit_empty(path)?,
            false => new.commit(path)?,
        }
        Ok(RunLog {
            _last_words: last_words::prepare(&file),
            file,
            token: token.clone(),
        })
    }

    /// Appends `{"time": now, "event": event, ...fields}` as one line.
    ///
    /// `fields` is a JSON object; a number that is NaN or infinite becomes null, as JSON has none.
    ///
    /// # Errors
    /// When the line cannot be written, and a run that another process has taken over.
    pub fn event(&mut self, event: &str, fields: Value) -> io::Result<()> {
        self.event_at(SystemTime::now(), event, fields)
    }

    fn event_at(&mut self, time: SystemTime, event: &str, fields: Value) -> io::Result<()> {
        let mut object = Map::new();
        object.insert("time".into(), rfc3339(time).into());
        object.insert("event".into(), event.into());
        match fields {
            Value::Object(fields) => object.extend(fields),
            Value::Null => {}
            other => drop(object.insert("value".into(), other)),
        }
        let line = format!("{}\n", foreign::json(&Value::Object(object).to_string()));
        self.token.check()?;
        self.file.write_all(line.as_bytes())?;
        self.file.flush()
    }
}

/// Whether the last word of a run's log, in its folder, is that its process ended itself.
pub(crate) fn ends_itself(folder: &Path) -> bool {
    let text = fs::read(folder.join("log.jsonl")).unwrap_or_default();
    let last = text.trim_ascii_end().rsplit(|&b| b == b'\n').next();
    let last = last.and_then(|line| serde_json::from_slice::<Value>(line).ok());
    last.is_some_and(|line| {
        line.get("event")
            .is_some_and(|event| event == last_words::EVENT)
    })
}

/// What the log says of something that happens in a run: the event's name, and its fields.
type Line = (&'static str, Value);

/// What it says of a run that begins.
pub(crate) fn started(planned: &PlannedRun) -> Line {
    let dataset = &planned.run.spec.dataset;
    let dataset = data::hub_commit(dataset).map(|commit| {
        let (repository, revision) = (
            dataset.options.text(&REPOSITORY),
            dataset.options.text(&REVISION),
        );
        json!({ "repository": repository, "revision": revision, "commit": commit })
    });
    let fields = json!({
        "run": planned.run.id,
        "device": planned.device.name,
        "machine": machine::describe(),
        "version": env!("CARGO_PKG_VERSION"),
        "dataset": dataset,
    });
    ("started", fields)
}

/// What it says of the weights that a run starts from.
pub(crate) fn weights(row: &RunRow, from: &Download) -> Line {
    let contents = row.contents.as_ref();
    let fields = json!({
        "repository": from.repository,
        "revision": from.revision,
        "commit": from.commit,
        "contents": contents.and_then(|contents| contents.get("backbone.weights")),
    });
    ("weights", fields)
}

/// What it says of training that begins or is resumed.
pub(crate) fn training(begin: &Begin<'_>) -> Line {
    let (epochs, batches) = (begin.epochs.len(), begin.batches);
    ("training", json!({ "epochs": epochs, "batches": batches }))
}

/// What it says of an epoch.
pub(crate) fn epoch(epoch: &Epoch) -> Line {
    let validation = epoch.validation.as_ref();
    let fields = json!({
        "epoch": epoch.epoch,
        "loss": epoch.training.loss,
        "accuracy": epoch.training.accuracy(),
        "val_loss": validation.map(|v| v.loss),
        "val_accuracy": validation.and_then(Metrics::accuracy),
        "learning_rate": epoch.learning_rate,
        "seconds": epoch.seconds,
        "images_per_second": epoch.images_per_second,
    });
    ("epoch", fields)
}

/// What it says of a run that is over.
pub(crate) fn ended(result: Result<&Finished, &run::Error>) -> Line {
    match result {
        Ok(done) => ("finished", finished(done)),
        Err(error) if error.is_interruption() => ("interrupted", json!({})),
        Err(error) => failed(&error.to_string()),
    }
}

/// What it says of a run that failed.
pub(crate) fn failed(why: &str) -> Line {
    ("failed", json!({ "error": why }))
}

fn finished(done: &Finished) -> Value {
    json!({
        "epochs": done.outcome.epochs,
        "best_epoch": done.outcome.best_epoch,
        "stopped_early": done.outcome.stopped_early,
        "test_loss": done.test.as_ref().map(|test| test.loss),
        "test_accuracy": done.test.as_ref().and_then(Metrics::accuracy),
        "skipped_images": done.skipped_images,
        "seconds": done.seconds,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::time::from_unix_micros;
    use serde_json::json;

    #[test]
    fn events_are_lines_of_json_with_time_and_name_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        let at = from_unix_micros(1_709_251_199_123_000);
        let mut log = RunLog::append_to(&path, &Token::unclaimed()).unwrap();
        log.event_at(
            at,
            "epoch",
            json!({"epoch": 1, "loss": 0.5, "val_loss": f64::NAN}),
        )
        .unwrap();
        drop(log);
        let mut log = RunLog::append_to(&path, &Token::unclaimed()).unwrap();
        log.event_at(at, "warning", json!("a\nb")).unwrap();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "{\"time\":\"2024-02-29T23:59:59.123Z\",\"event\":\"epoch\",\"epoch\":1,\"loss\":0.5,\"val_loss\":null}\n\
             {\"time\":\"2024-02-29T23:59:59.123Z\",\"event\":\"warning\",\"value\":\"a\\nb\"}\n"
        );
    }

    #[test]
    fn a_line_cut_short_by_a_kill_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        std::fs::write(&path, "{\"event\":\"started\"}\n{\"event\":\"epo").unwrap();
        RunLog::append_to(&path, &Token::unclaimed())
            .unwrap()
            .event("finished", Value::Null)
            .unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let events: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(events.len(), 2);
        assert_eq!(events[1]["event"], "finished");
    }
}
