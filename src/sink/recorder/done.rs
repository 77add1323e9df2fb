//! What an experiment has come to.

use std::fs;
use std::path::{Path, PathBuf};

use crate::foreign;
use crate::store::{RunRow, Status};

/// An experiment that goes no further for now.
#[derive(Clone, Debug)]
pub struct Done {
    /// Those that were started, now or before.
    pub(super) runs: Vec<RunRow>,
    /// How many runs there are to be.
    pub(super) planned: usize,
    pub(super) summary: String,
    pub(super) folder: PathBuf,
}

impl Done {
    /// Whether every run has its result, or is one that a search has left behind.
    pub fn is_complete(&self) -> bool {
        self.count(Status::Finished) + self.count(Status::Paused) == self.planned
    }

    /// Whether a run has failed.
    pub fn has_failures(&self) -> bool {
        self.count(Status::Failed) > 0
    }

    /// Why a run has no result.
    pub fn error(&self, run: &str) -> Option<&str> {
        let Some(row) = self.runs.iter().find(|row| row.run == run) else {
            return Some("it was not started");
        };
        match row.status {
            Status::Finished => None,
            Status::Elsewhere => Some("another process does it"),
            Status::Paused => Some("the search that it belongs to has left it behind"),
            _ => Some(row.error.as_deref().unwrap_or("it was interrupted")),
        }
    }

    /// Epochs that were done, now or before.
    pub fn epochs(&self) -> usize {
        self.runs.iter().map(|row| row.epochs).sum()
    }

    /// How many runs ended so.
    pub fn count(&self, status: Status) -> usize {
        self.runs.iter().filter(|row| row.status == status).count()
    }

    /// How many runs are still to be done, and what does them; nothing where none is.
    fn rest(&self) -> Option<String> {
        let parts = [
            (self.count(Status::Interrupted), "interrupted"),
            (self.count(Status::Elsewhere), "done by another process"),
            (self.planned - self.runs.len(), "not started"),
        ];
        let parts = parts.into_iter().filter(|(count, _)| *count > 0);
        let parts: Vec<String> = parts
            .map(|(count, what)| format!("{count} of {} runs {what}", self.planned))
            .collect();
        let how = "the same command, without --fresh, resumes";
        (!parts.is_empty()).then(|| format!("{}: {how}", parts.join(", ")))
    }
}

impl Done {
    /// The folder of the experiment's results.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Says something below the table of the runs.
    pub fn add(&mut self, text: &str) {
        self.summary = format!("{}\n\n{text}", self.summary.trim_end());
    }

    /// The runs, what is left to be done, and where everything is that was written.
    pub fn text(&self) -> String {
        let mut parts = vec![self.summary.clone()];
        parts.extend(self.rest());
        parts.extend(self.files());
        parts.retain(|part| !part.trim().is_empty());
        let parts: Vec<&str> = parts.iter().map(|part| part.trim_end()).collect();
        parts.join("\n\n")
    }

    /// What lies in the folder, a line for each kind.
    fn files(&self) -> Option<String> {
        let there = |files: &[&str]| -> Vec<String> {
            let there = files.iter().filter(|file| self.folder.join(file).is_file());
            there.map(|file| (*file).to_owned()).collect()
        };
        let mut report = there(&["report.html"]);
        if has_any(&self.folder.join("charts"), |path| {
            path.extension().is_some_and(|e| e == "svg")
        }) {
            report.push("charts/*.svg".into());
        }
        let is_model = |run: &Path| run.join("model.safetensors").is_file();
        let models = has_any(&self.folder.join("runs"), is_model);
        let models: Vec<String> = models
            .then(|| "runs/*/model.safetensors".to_owned())
            .into_iter()
            .collect();
        let kinds = [
            (
                "tables",
                there(&["metrics.parquet", "runs.parquet", "predictions.parquet"]),
            ),
            ("report", report),
            ("models", models),
        ];
        let folder = foreign::path(&self.folder);
        let lines = kinds.iter().filter(|(_, files)| !files.is_empty());
        let lines: Vec<String> = lines
            .map(|(kind, files)| format!("{kind}  {folder}/{}", files.join(", ")))
            .collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}

fn has_any(folder: &Path, is_wanted: impl Fn(&Path) -> bool) -> bool {
    let mut entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.any(|entry| is_wanted(&entry.path()))
}
