//! Where the runs are that have not come to their end, and why they wait.

use std::collections::HashMap;
use std::path::Path;

use crate::analysis::Recorded;
use crate::claim::claimant;
use crate::engine::Record;
use crate::store::{Status, read_plan, run_folder};

/// Runs that are at one place.
pub struct Whereabouts {
    /// `process 7 on node3`, `slurm job 210`
    pub place: String,
    /// What they do there, or why they wait.
    pub state: String,
    /// Their ids, in the order of the sweep.
    pub runs: Vec<String>,
}

/// The unfinished runs of an experiment's folder, grouped, as its files tell it.
pub fn of(folder: &Path, recorded: &[Recorded]) -> Vec<Whereabouts> {
    let rows = recorded.iter().map(|run| (run.row.run.as_str(), &run.row));
    let rows: HashMap<_, _> = rows.collect();
    let record = Record::read(folder).unwrap_or_default();
    let mut submitted: HashMap<&str, &str> = HashMap::new();
    for job in &record.jobs {
        for run in job.tasks.values().flatten() {
            submitted.insert(run, &job.id);
        }
    }
    // `ray=http://…` without its address.
    let engine = record.engine.split('=').next().unwrap_or_default();
    let mut groups: Vec<Whereabouts> = Vec::new();
    let mut places: HashMap<(String, String), usize> = HashMap::new();
    for run in read_plan(folder).unwrap_or_default() {
        let row = rows.get(run.as_str());
        let ended = [Status::Finished, Status::Failed, Status::Paused];
        if row.is_some_and(|row| ended.contains(&row.status)) {
            continue;
        }
        let epochs = row.map_or(0, |row| row.epochs);
        let begun = match epochs {
            0 => "not begun".to_owned(),
            epochs => format!("interrupted after {epochs} of its epochs"),
        };
        let is_at = match (claimant(&run_folder(folder, &run)), submitted.get(&*run)) {
            (Some(process), _) => (process, "in progress".to_owned()),
            (None, Some(job)) => {
                let why = record.waiting.get(&run);
                let why = why.map_or(String::new(), |why| {
                    format!("; waiting when `runner submit` asked last: {why}")
                });
                (format!("{engine} job {job}"), format!("{begun}{why}"))
            }
            (None, None) => ("no process".to_owned(), begun),
        };
        let next = groups.len();
        let at = *places.entry(is_at.clone()).or_insert(next);
        if at == next {
            let (place, state) = is_at;
            groups.push(Whereabouts {
                place,
                state,
                runs: Vec::new(),
            });
        }
        groups[at].runs.push(run);
    }
    groups
}
