//! What Ray is asked to do.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::engine::error::Error;
use crate::engine::interface::NewJob;
use crate::text::{hex, shell_word};

/// Ray kills a job that it stops after so many seconds, by this variable of the job; the runner needs less for a checkpoint.
const STOP: (&str, &str) = ("RAY_JOB_STOP_WAIT_TIME_S", "30");
/// Threads are as many as the processors that Ray sets aside.
const THREADS: &str = "RAYON_NUM_THREADS";
/// Passed on where they are set here.
const PASSED_ON: [&str; 2] = ["RUNNER_CACHE", "RUNNER_PATIENCE"];
/// So much of an experiment's name is in an id.
const LONGEST_NAME: usize = 40;
const CPUS: &str = "entrypoint_num_cpus";

/// The id of the job that does these runs: the same for the same experiment and runs, so that Ray refuses a second one.
pub(super) fn id(job: &NewJob<'_>) -> String {
    let plain = |c: char| match c.is_ascii_alphanumeric() || c == '_' {
        true => c,
        false => '-',
    };
    let name: String = job.name.chars().take(LONGEST_NAME).map(plain).collect();
    let mut digest = Sha256::new();
    // The folder says which experiment of this name.
    digest.update(job.logs.to_string_lossy().as_bytes());
    for run in job.runs.iter().flatten() {
        digest.update([0]);
        digest.update(run.as_bytes());
    }
    format!("runner-{name}-{}", &hex(digest.finalize())[..12])
}

/// The request for a job of one task, without its id.
///
/// # Errors
/// An option that is not `KEY=VALUE` or that is not the user's, a folder whose name is not text.
pub(super) fn body(job: &NewJob<'_>) -> Result<Map<String, Value>, Error> {
    let folder = job.folder.to_str().ok_or_else(|| Error::NotText {
        text: job.folder.to_string_lossy().into_owned(),
    })?;
    let command = job.commands.join(" && ");
    let mut body = Map::new();
    // Signals are for the runner itself.
    let entrypoint = format!("cd {} && exec {command}", shell_word(folder));
    body.insert("entrypoint".into(), entrypoint.into());
    // Without any, Ray starts jobs on its head alone.
    body.insert(CPUS.into(), job.cpus.into());
    if job.gpus > 0 {
        body.insert("entrypoint_num_gpus".into(), job.gpus.into());
    }
    if job.memory > 0 {
        // Else Ray starts as many beside one another as there are processors, whatever they take.
        body.insert("entrypoint_memory".into(), job.memory.into());
    }
    let runs: Vec<&str> = job.runs.iter().flatten().map(String::as_str).collect();
    let metadata = json!({ "experiment": job.name, "runs": runs.join(",") });
    body.insert("metadata".into(), metadata);
    for option in job.options {
        let wrong = || Error::Option {
            option: option.clone(),
        };
        let (key, value) = option.split_once('=').ok_or_else(wrong)?;
        if ["entrypoint", "submission_id", "job_id"].contains(&key) || key.is_empty() {
            return Err(wrong());
        }
        let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
        body.insert(key.into(), value);
    }
    let cpus = body.get(CPUS).and_then(Value::as_f64).unwrap_or(1.0);
    let environment = body.entry("runtime_env").or_insert_with(|| json!({}));
    let Some(environment) = environment.as_object_mut() else {
        return Err(Error::Option {
            option: format!("runtime_env={environment}"),
        });
    };
    let variables = environment.entry("env_vars").or_insert_with(|| json!({}));
    if let Some(variables) = variables.as_object_mut() {
        let mut set = |name: &str, value: String| {
            variables.entry(name).or_insert(value.into());
        };
        set(STOP.0, STOP.1.into());
        set(THREADS, cpus.ceil().max(1.0).to_string());
        for name in PASSED_ON {
            if let Ok(value) = std::env::var(name) {
                set(name, value);
            }
        }
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn job<'a>(
        runs: &'a [Vec<String>],
        commands: &'a [String],
        options: &'a [String],
    ) -> NewJob<'a> {
        NewJob {
            name: "a/ü b",
            folder: Path::new("/my folder"),
            logs: Path::new("/my folder/results/e/ray"),
            commands,
            runs,
            after: &[],
            options,
            cpus: 2,
            gpus: 0,
            memory: 3 << 30,
        }
    }

    #[test]
    fn an_id_says_experiment_and_runs_in_letters_that_ray_has_files_for() {
        let runs = |names: &[&str]| vec![names.iter().map(|&name| name.to_owned()).collect()];
        let (one, other) = (runs(&["a", "b"]), runs(&["ab"]));
        let first = id(&job(&one, &[], &[]));
        assert_eq!(first, id(&job(&one, &["x".into()], &[])));
        assert_ne!(first, id(&job(&other, &[], &[])));
        assert!(first.starts_with("runner-a---b-"), "{first}");
    }

    #[test]
    fn options_are_fields_of_the_request_and_leave_time_for_a_checkpoint() {
        let options = [
            "entrypoint_num_cpus=3.5",
            "entrypoint_num_gpus=1",
            "runtime_env={\"working_dir\":\"s3://x\",\"env_vars\":{\"A\":\"b\"}}",
            "entrypoint_label_selector={\"gpu\":\"h100\"}",
        ];
        let options = options.map(str::to_owned);
        let (runs, commands) = ([vec!["a".to_owned()]], ["runner e --only a".to_owned()]);
        let body = body(&job(&runs, &commands, &options)).unwrap();
        assert_eq!(
            body["entrypoint"],
            "cd '/my folder' && exec runner e --only a"
        );
        assert_eq!(
            (&body["entrypoint_num_cpus"], &body["entrypoint_num_gpus"]),
            (&json!(3.5), &json!(1))
        );
        assert_eq!(body["entrypoint_memory"], json!(3_u64 << 30));
        assert_eq!(body["entrypoint_label_selector"]["gpu"], "h100");
        let environment = &body["runtime_env"];
        assert_eq!(environment["working_dir"], "s3://x");
        let variables = &environment["env_vars"];
        assert_eq!(
            (&variables["A"], &variables[STOP.0], &variables[THREADS]),
            (&json!("b"), &json!("30"), &json!("4"))
        );
    }

    #[test]
    fn an_option_that_is_no_field_of_a_request_is_a_mistake() {
        for wrong in ["x", "submission_id=a", "=1", "runtime_env=3"] {
            let options = [wrong.to_owned()];
            let refused = body(&job(&[], &[], &options)).unwrap_err();
            assert!(refused.is_usage(), "{wrong}");
        }
    }
}
