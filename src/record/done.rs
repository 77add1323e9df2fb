//! What an experiment has come to.

use std::fmt;
use std::path::PathBuf;

use super::{RunRow, Status};

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
    /// Whether every run has its result.
    pub fn is_complete(&self) -> bool {
        self.count(Status::Finished) == self.planned
    }

    /// Why a run has no result.
    pub fn error(&self, run: &str) -> Option<&str> {
        let Some(row) = self.runs.iter().find(|row| row.run == run) else {
            return Some("it was not started");
        };
        match row.status {
            Status::Finished => None,
            Status::Elsewhere => Some("another process does it"),
            _ => Some(row.error.as_deref().unwrap_or("it was interrupted")),
        }
    }

    fn count(&self, status: Status) -> usize {
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
        let how = "the same command, without --fresh, goes on from there";
        (!parts.is_empty()).then(|| format!("{}: {how}", parts.join(", ")))
    }
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let folder = self.folder.display();
        writeln!(f, "{}", self.summary.trim_end())?;
        if let Some(rest) = self.rest() {
            writeln!(f, "\n{rest}")?;
        }
        writeln!(
            f,
            "\ntables  {folder}/metrics.parquet, runs.parquet, predictions.parquet"
        )?;
        writeln!(f, "report  {folder}/report.html, charts/*.svg")?;
        write!(f, "models  {folder}/runs/*/model.safetensors")
    }
}
