//! What an engine is.

use std::collections::HashMap;
use std::path::Path;

use super::error::Error;

/// Opens an engine at an address, where it has one.
pub(super) type Open = fn(Option<&str>) -> Result<Box<dyn Engine>, Error>;

/// An engine that can be chosen.
pub struct Kind {
    /// As it is named on the command line.
    pub name: &'static str,
    /// The engine at an address, which stands behind `=` on the command line.
    pub(super) open: Open,
}

/// What starts tasks.
pub trait Engine {
    /// Its name in the list, in messages and of the folder of its logs.
    fn name(&self) -> &'static str;

    /// As `--engine` names this one, its address with it.
    fn label(&self) -> String {
        self.name().to_owned()
    }

    /// How often a run is submitted again whose task has failed; as often as wanted where the engine itself starts tasks
    /// again.
    fn most_failures(&self) -> Option<usize> {
        None
    }

    /// How many tasks a job may have.
    ///
    /// # Errors
    /// An engine that does not answer.
    fn most_tasks(&self) -> Result<usize, Error>;

    /// Has the tasks of a job queued; gives the job's id.
    ///
    /// # Errors
    /// What the engine says where it refuses.
    fn submit(&self, job: &NewJob<'_>) -> Result<String, Error>;

    /// The tasks that the engine still has, of these jobs.
    ///
    /// # Errors
    /// An engine that does not answer.
    fn living(&self, jobs: &[&str]) -> Result<Living, Error>;

    /// How tasks ended that the engine has no more; nothing where it does not know. What they said is kept in the folder
    /// of logs, where the engine has it.
    fn ends(&self, jobs: &[&str], logs: &Path) -> Ends;

    /// Stops jobs; tasks that run leave checkpoints.
    ///
    /// # Errors
    /// What the engine says where it refuses.
    fn cancel(&self, jobs: &[&str]) -> Result<(), Error>;
}

/// A task: its job's id, and which of the job's.
pub type Task = (String, usize);

/// How tasks ended.
pub type Ends = HashMap<Task, Ended>;

/// How a task ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// In the engine's own words.
    pub how: String,
    /// Whether it was started, and failed; not where somebody stopped it.
    pub is_failure: bool,
}

/// The tasks that an engine has.
pub type Living = HashMap<Task, Stage>;

/// How far a task is that an engine has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Why it waits, in the engine's own words, where it says so.
    Queued(Option<String>),
    Running,
}

/// A job to be submitted.
pub struct NewJob<'a> {
    /// For people.
    pub name: &'a str,
    /// The folder in which commands are started.
    pub folder: &'a Path,
    /// Where what the tasks say is kept; it is there.
    pub logs: &'a Path,
    /// A task each, as a shell takes it.
    pub commands: &'a [String],
    /// The ids of the runs of each task.
    pub runs: &'a [Vec<String>],
    /// Jobs that are to end before.
    pub after: &'a [String],
    /// Passed to the engine as they are.
    pub options: &'a [String],
    /// Processors of a task, where the options say nothing else and the engine sets any aside.
    pub cpus: usize,
    /// GPUs of a task, likewise.
    pub gpus: usize,
    /// Bytes of memory that a task takes, likewise.
    pub memory: u64,
}
