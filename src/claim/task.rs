//! Which start of a batch system's task this process is. A task that is started again begins when its process before has
//! ended, on whatever machine that was.

use std::sync::OnceLock;

/// How the line begins that says it in a claim.
const LINE: &str = "task ";

/// A start of a task, written `task <system>:<cluster>:<job> <restart>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Task {
    name: String,
    /// How often it was started before.
    restart: u64,
}

impl Task {
    /// That of this process, looked up once; none outside of batch systems.
    pub fn own() -> Option<&'static Task> {
        static OWN: OnceLock<Option<Task>> = OnceLock::new();
        OWN.get_or_init(|| Task::of_slurm(&|name| std::env::var(name).ok()))
            .as_ref()
    }

    /// Slurm's; each task of an array has a job id of its own, which it keeps when it is queued again (`man sbatch`,
    /// "OUTPUT ENVIRONMENT VARIABLES").
    fn of_slurm(variable: &dyn Fn(&str) -> Option<String>) -> Option<Task> {
        let job: u64 = variable("SLURM_JOB_ID")?.parse().ok()?;
        let cluster = variable("SLURM_CLUSTER_NAME").unwrap_or_default();
        let restart = variable("SLURM_RESTART_COUNT").and_then(|count| count.parse().ok());
        Some(Task {
            name: format!("slurm:{cluster}:{job}"),
            restart: restart.unwrap_or(0),
        })
    }

    /// As it stands in a claim.
    pub fn to_line(&self) -> String {
        format!("{LINE}{} {}", self.name, self.restart)
    }

    /// Whether a claim with this text is that of an earlier start of the same task.
    pub fn follows(&self, claim: &str) -> bool {
        let start = |line: &str| {
            let (name, restart) = line.strip_prefix(LINE)?.rsplit_once(' ')?;
            (name == self.name).then(|| restart.parse().ok())?
        };
        let earlier: Option<u64> = claim.lines().find_map(start);
        earlier.is_some_and(|earlier| earlier < self.restart)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(job: &'static str, restart: Option<&'static str>) -> Option<Task> {
        Task::of_slurm(&move |name| match name {
            "SLURM_JOB_ID" => Some(job.to_owned()),
            "SLURM_RESTART_COUNT" => restart.map(str::to_owned),
            _ => None,
        })
    }

    #[test]
    fn only_a_later_start_of_the_same_task_follows() {
        let first = task("7", None).unwrap();
        let claim = format!("process 3 on far\n{}\n", first.to_line());
        assert!(task("7", Some("1")).unwrap().follows(&claim));
        assert!(!first.follows(&claim));
        assert!(!task("8", Some("1")).unwrap().follows(&claim));
        assert!(!task("7", Some("1")).unwrap().follows("process 3 on far\n"));
        assert_eq!(task("", None), None);
    }
}
