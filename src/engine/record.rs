//! `engine.json`: what was submitted of an experiment.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::Error;
use super::interface::Task;
use crate::atomic::write_atomically;

/// The record's file in an experiment's folder.
const FILE: &str = "engine.json";

/// What was submitted of an experiment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The engine, as `--engine` names it.
    pub engine: String,
    /// The SHA-256 of the resolved spec that was submitted last.
    pub spec: String,
    /// From the oldest; those of which the engine has nothing any more are left out.
    pub jobs: Vec<Job>,
    /// How many tasks of a run have failed, by its id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub failures: BTreeMap<String, usize>,
    /// Why runs were waiting when the engine was asked last, by their ids, in its own words.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub waiting: BTreeMap<String, String>,
}

/// A job of an engine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// As the engine calls it.
    pub id: String,
    /// When, in UTC.
    pub submitted: String,
    /// The SHA-256 of the resolved spec.
    pub spec: String,
    /// The ids of the runs of each task, by the task's number.
    pub tasks: BTreeMap<usize, Vec<String>>,
}

impl Record {
    /// The record in an experiment's folder; an empty one where nothing was submitted.
    ///
    /// # Errors
    /// One that cannot be read.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let path = Record::path(folder);
        let bytes = match std::fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Record::default()),
            Err(source) => return Err(Error::File { path, source }),
            Ok(bytes) => bytes,
        };
        serde_json::from_slice(&bytes).map_err(|error| Error::Record {
            path,
            why: error.to_string(),
        })
    }

    /// # Errors
    /// A folder that cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), Error> {
        let path = Record::path(folder);
        let mut bytes = serde_json::to_vec_pretty(self).map_err(|error| Error::Record {
            path: path.clone(),
            why: error.to_string(),
        })?;
        bytes.push(b'\n');
        write_atomically(&path, &bytes).map_err(|source| Error::File { path, source })
    }

    /// Where it lies in an experiment's folder.
    pub fn path(folder: &Path) -> PathBuf {
        folder.join(FILE)
    }

    /// The ids of the jobs.
    pub fn ids(&self) -> Vec<&str> {
        self.jobs.iter().map(|job| job.id.as_str()).collect()
    }

    /// Every task with its runs, from the oldest.
    pub fn tasks(&self) -> impl Iterator<Item = (Task, &[String])> {
        self.jobs.iter().flat_map(|job| {
            let tasks = job.tasks.iter();
            tasks.map(|(number, runs)| ((job.id.clone(), *number), runs.as_slice()))
        })
    }
}
