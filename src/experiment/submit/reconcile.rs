//! What has become of runs that were submitted: the runs' folders tell what is done, the engine what it still has.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;

use crate::engine::{Engine, Error, Record, Stage, Task};
use crate::spec::Save;
use crate::store::folder::is_whole;
use crate::store::tables::own;
use crate::store::{RunRow, Status, run_folder};
use crate::text::counted;

/// Where a run is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Done,
    Running,
    /// Why, where the engine says so.
    Queued(Option<String>),
    /// Recorded as failed; no task has it any more.
    Failed,
    /// Its task ended without it; how, where the engine knows.
    Lost(Option<String>),
    /// Its tasks failed too often.
    GivenUp,
    /// It was never submitted.
    New,
}

impl Place {
    fn text(&self) -> String {
        match self {
            Place::Done => "done".into(),
            Place::Running => "running".into(),
            Place::Queued(None) => "queued".into(),
            Place::Queued(Some(why)) => format!("queued ({why})"),
            Place::Failed => "failed before".into(),
            Place::Lost(None) => "lost".into(),
            Place::Lost(Some(how)) => format!("lost ({how})"),
            Place::GivenUp => "given up".into(),
            Place::New => "not submitted yet".into(),
        }
    }

    fn is_left(&self) -> bool {
        matches!(self, Place::Failed | Place::Lost(_) | Place::New)
    }
}

/// The runs that are asked for, and where each is.
pub(super) struct Runs {
    places: BTreeMap<String, Place>,
    /// How many tasks of a run have failed so far.
    failures: BTreeMap<String, usize>,
    /// The jobs of which the engine still has tasks.
    jobs: HashSet<String>,
}

impl Runs {
    /// Those of an experiment's folder; `logs` is where what failed tasks said is kept.
    pub fn of(
        (folder, logs): (&Path, &Path),
        (wanted, save): (&BTreeSet<String>, Save),
        record: &Record,
        engine: &dyn Engine,
    ) -> Result<Self, Error> {
        let living = engine.living(&record.ids())?;
        let ended: HashSet<&str> = record
            .tasks()
            .filter(|(task, _)| !living.contains_key(task))
            .flat_map(|(_, runs)| runs)
            .map(String::as_str)
            .collect();
        let mut tasks: HashMap<&str, Vec<Task>> = HashMap::new();
        for (task, runs) in record.tasks() {
            for run in runs {
                tasks.entry(run).or_default().push(task.clone());
            }
        }
        let mut places = BTreeMap::new();
        let mut failures = record.failures.clone();
        let mut ends = None;
        for run in wanted {
            let row = row(folder, run);
            let of_run = tasks.get(run.as_str());
            let stages = of_run
                .into_iter()
                .flatten()
                .filter_map(|task| living.get(task));
            let stages: Vec<&Stage> = stages.collect();
            let queued = stages.iter().find_map(|stage| match stage {
                Stage::Queued(why) => Some(why.clone()),
                Stage::Running => None,
            });
            let place = match (row, queued) {
                (Some(row), _) if is_finished(folder, &row, save) => Place::Done,
                _ if stages.contains(&&Stage::Running) => Place::Running,
                (_, Some(why)) => Place::Queued(why),
                (row, None) => {
                    let is_failed = row.is_some_and(|row| row.status == Status::Failed);
                    let last = of_run.and_then(|tasks| tasks.last());
                    let end = last.and_then(|task| {
                        let ends = ends.get_or_insert_with(|| engine.ends(&record.ids(), logs));
                        ends.get(task)
                    });
                    if end.is_some_and(|end| end.is_failure) {
                        *failures.entry(run.clone()).or_default() += 1;
                    }
                    let failed = failures.get(run).copied().unwrap_or_default();
                    match engine.most_failures() {
                        Some(most) if failed > most => Place::GivenUp,
                        _ if is_failed => Place::Failed,
                        _ if ended.contains(run.as_str()) => {
                            Place::Lost(end.map(|end| end.how.clone()))
                        }
                        _ => Place::New,
                    }
                }
            };
            places.insert(run.clone(), place);
        }
        let jobs = living.into_keys().map(|(job, _)| job).collect();
        Ok(Runs {
            places,
            failures,
            jobs,
        })
    }

    /// Why runs wait, by their ids, where the engine says so.
    pub fn waiting(&self) -> BTreeMap<String, String> {
        let why = |(run, place): (&String, &Place)| match place {
            Place::Queued(Some(why)) => Some((run.clone(), why.clone())),
            _ => None,
        };
        self.places.iter().filter_map(why).collect()
    }

    /// How many tasks of a run have failed so far, by its id.
    pub fn failures(&self) -> &BTreeMap<String, usize> {
        &self.failures
    }

    /// The runs whose tasks failed too often.
    pub fn given_up(&self) -> Vec<&str> {
        let given_up = self.places.iter();
        let given_up = given_up.filter(|(_, place)| **place == Place::GivenUp);
        given_up.map(|(run, _)| run.as_str()).collect()
    }

    /// The runs that no task of the engine will do.
    pub fn left(&self) -> BTreeSet<String> {
        let left = self.places.iter().filter(|(_, place)| place.is_left());
        left.map(|(run, _)| run.clone()).collect()
    }

    /// The jobs of which the engine still has tasks.
    pub fn jobs(&self) -> &HashSet<String> {
        &self.jobs
    }

    /// `24 runs: 20 done, 1 running, 3 lost (TIMEOUT)`
    pub fn text(&self) -> String {
        let mut counts: BTreeMap<&Place, usize> = BTreeMap::new();
        for place in self.places.values() {
            *counts.entry(place).or_default() += 1;
        }
        let counts = counts
            .iter()
            .map(|(place, count)| format!("{count} {}", place.text()));
        let counts: Vec<String> = counts.collect();
        format!(
            "{}: {}",
            counted(self.places.len(), "run"),
            counts.join(", ")
        )
    }
}

/// The row in a run's folder; none where there is none that can be read.
fn row(experiment: &Path, run: &str) -> Option<RunRow> {
    let rows = own::read(&run_folder(experiment, run), &[]);
    Some(rows.ok()??.row)
}

fn is_finished(experiment: &Path, row: &RunRow, save: Save) -> bool {
    row.status == Status::Finished
        && is_whole(&run_folder(experiment, &row.run), save).unwrap_or(false)
}

/// Whether a run has come to its end and has its model, or is to have none.
pub(super) fn is_done(experiment: &Path, run: &str, save: Save) -> bool {
    row(experiment, run).is_some_and(|row| is_finished(experiment, &row, save))
}
