//! What is said of jobs.

use crate::engine::Engine;
use crate::text::counted;

/// So many jobs are named one by one.
const FEW: usize = 3;

/// What was submitted of an experiment: jobs, each with how many runs and tasks it has.
pub(super) fn submitted(
    experiment: &str,
    engine: &dyn Engine,
    jobs: &[(String, usize, usize)],
) -> String {
    let lines = match jobs.len() > FEW {
        true => vec![jobs],
        false => jobs.chunks(1).collect(),
    };
    let line = |jobs: &[(String, usize, usize)]| {
        let ids: Vec<&str> = jobs.iter().map(|(id, ..)| id.as_str()).collect();
        format!(
            "{experiment}: {} in {} submitted: {}\n",
            counted(jobs.iter().map(|(_, runs, _)| runs).sum(), "run"),
            counted(jobs.iter().map(|(.., tasks)| tasks).sum(), "task"),
            named(engine, &ids)
        )
    };
    lines.into_iter().map(line).collect()
}

/// `slurm job 7`, or how many they are and between which.
pub(super) fn named(engine: &dyn Engine, ids: &[&str]) -> String {
    let name = engine.name();
    match ids {
        [id] => format!("{name} job {id}"),
        [first, .., last] if ids.len() > FEW => {
            format!("{} {name} jobs, {first} to {last}", ids.len())
        }
        ids => format!("{name} jobs {}", ids.join(", ")),
    }
}
