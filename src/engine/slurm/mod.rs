//! Slurm: tasks are elements of array jobs.

mod script;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use super::error::Error;
use super::interface::{Ended, Ends, Engine, Kind, Living, NewJob, Stage};

pub const KIND: Kind = Kind {
    name: "slurm",
    open: |address| match address {
        None => Ok(Box::new(Slurm)),
        Some(_) => Err(Error::Address { engine: "slurm" }),
    },
};

/// A signal to the batch script so many seconds before the time limit.
const SIGNAL: &str = "--signal=B:USR1@120";

/// The Slurm whose commands are on the path.
struct Slurm;

impl Engine for Slurm {
    fn name(&self) -> &'static str {
        KIND.name
    }

    fn most_tasks(&self) -> Result<usize, Error> {
        let said = ask("scontrol", &["show", "config"])?;
        let value = said.lines().find_map(|line| {
            let (key, value) = line.split_once('=')?;
            (key.trim() == "MaxArraySize")
                .then(|| value.trim())?
                .parse()
                .ok()
        });
        // The largest index is one less, and the first is 0.
        value.filter(|most: &usize| *most > 0).ok_or(Error::Answer {
            program: "scontrol show config",
            said: "no MaxArraySize".into(),
        })
    }

    fn submit(&self, job: &NewJob<'_>) -> Result<String, Error> {
        let output = job.logs.join("%A_%a.log");
        let output = output.to_str().ok_or_else(|| Error::NotText {
            text: output.to_string_lossy().into_owned(),
        })?;
        let logs = job.logs.to_string_lossy();
        let output = output.replacen(&*logs, &logs.replace('%', "%%"), 1);
        let mut arguments = vec![
            "--parsable".to_owned(),
            format!("--job-name={}", job.name),
            format!("--array=0-{}", job.commands.len().saturating_sub(1)),
            "--requeue".into(),
            SIGNAL.into(),
            "--open-mode=append".into(),
            format!("--output={output}"),
        ];
        if !job.after.is_empty() {
            // Whatever becomes of them: a task does itself what it builds on and is not there.
            arguments.push(format!("--dependency=afterany:{}", job.after.join(":")));
        }
        arguments.extend_from_slice(job.options);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let said = tell("sbatch", &arguments, &script::script(job)?)?;
        // `id`, or `id;cluster`; warnings may stand before.
        let last = said.lines().last().unwrap_or_default();
        let id = last.split(';').next().unwrap_or_default().trim();
        match !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()) {
            true => Ok(id.to_owned()),
            false => Err(Error::Answer {
                program: "sbatch",
                said,
            }),
        }
    }

    fn living(&self, jobs: &[&str]) -> Result<Living, Error> {
        if jobs.is_empty() {
            return Ok(Living::new());
        }
        // All of one's own: asked for jobs that it has forgotten, it fails.
        let said = ask(
            "squeue",
            &["--noheader", "--me", "--array", "--format=%F %K %T %r"],
        )?;
        let task = |line: &str| {
            let mut words = line.splitn(4, ' ');
            let (job, number, state) = (words.next()?, words.next()?, words.next()?);
            let number = number.parse().ok()?;
            jobs.contains(&job)
                .then(|| ((job.to_owned(), number), stage(state, words.next())))
        };
        Ok(said.lines().filter_map(task).collect())
    }

    fn ends(&self, jobs: &[&str], _: &Path) -> Ends {
        // A site may keep no accounts.
        let jobs = format!("--jobs={}", jobs.join(","));
        let wanted = [
            "--noheader",
            "--parsable2",
            "--allocations",
            "--format=JobID,State",
            &jobs,
        ];
        let said = ask("sacct", &wanted).unwrap_or_default();
        let task = |line: &str| {
            let (id, state) = line.split_once('|')?;
            let (job, number) = id.split_once('_')?;
            let state = state.split_whitespace().next()?;
            let ended = Ended {
                how: state.to_owned(),
                is_failure: state == "FAILED",
            };
            Some(((job.to_owned(), number.parse().ok()?), ended))
        };
        said.lines().filter_map(task).collect()
    }

    fn cancel(&self, jobs: &[&str]) -> Result<(), Error> {
        match jobs {
            [] => Ok(()),
            jobs => ask("scancel", jobs).map(drop),
        }
    }
}

/// What a state of `squeue` means, with its reason (`man squeue`, "JOB STATE CODES" and "JOB REASON CODES").
fn stage(state: &str, reason: Option<&str>) -> Stage {
    let reason = reason.map(str::trim).filter(|reason| *reason != "None");
    match state {
        "PENDING" | "REQUEUED" | "REQUEUE_FED" | "REQUEUE_HOLD" | "SPECIAL_EXIT"
        | "RESV_DEL_HOLD" => Stage::Queued(
            reason
                .filter(|reason| !reason.is_empty())
                .map(str::to_owned),
        ),
        _ => Stage::Running,
    }
}

fn ask(program: &'static str, arguments: &[&str]) -> Result<String, Error> {
    tell(program, arguments, "")
}

/// What a command says to these arguments and this input.
fn tell(program: &'static str, arguments: &[&str], input: &str) -> Result<String, Error> {
    let missing = |source| Error::Missing {
        program,
        source,
        hint: "is this a machine from which jobs are submitted to Slurm?",
    };
    let mut command = Command::new(program);
    let command = command.args(arguments).stdin(Stdio::piped());
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(missing)?;
    // One that refuses its arguments does not read.
    if let Some(mut pipe) = child.stdin.take() {
        let _ = pipe.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().map_err(missing)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(Error::Refused {
            program: program.to_owned(),
            said: text(&[&output.stderr[..], &output.stdout].concat()),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_told_from_what_runs() {
        let why = |reason| stage("PENDING", reason);
        assert_eq!(
            why(Some("ReqNodeNotAvail, UnavailableNodes:n1")),
            Stage::Queued(Some("ReqNodeNotAvail, UnavailableNodes:n1".into()))
        );
        for nothing in [None, Some("None"), Some("")] {
            assert_eq!(why(nothing), Stage::Queued(None));
        }
        for state in ["RUNNING", "COMPLETING", "SUSPENDED", "CONFIGURING"] {
            assert_eq!(stage(state, Some("None")), Stage::Running, "{state}");
        }
    }
}
