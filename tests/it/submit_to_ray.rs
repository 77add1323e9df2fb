//! Runs handed to a server that answers as Ray's does; `tests/ray.py` has the real one.
#![cfg(unix)]

use std::fs;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::common::server::{Answer, Request, Server};
use crate::common::survival::Experiment;
use crate::common::{SMALL, runner, said};

const TOKEN: &str = "ray_Aladdin_open_sesame";

/// The requests for jobs, each with its job's status.
type Jobs = Arc<Mutex<Vec<(Value, &'static str)>>>;

struct Ray {
    server: Server,
    jobs: Jobs,
}

impl Ray {
    fn new() -> Self {
        let jobs = Jobs::default();
        let known = jobs.clone();
        let server = Server::start(move |request| answer(request, &mut known.lock().unwrap()));
        Ray { server, jobs }
    }

    fn submit(&self, experiment: &Experiment, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_runner"));
        command
            .current_dir(experiment.folder())
            .args(["submit", "e.toml"]);
        command.arg(format!("--engine=ray={}", self.server.url("")));
        for (name, value) in experiment.command().get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        command
            .args(words)
            .env("RAY_AUTH_TOKEN", TOKEN)
            .output()
            .unwrap()
    }

    /// What is said by `submit` that goes well.
    fn says(&self, experiment: &Experiment, words: &[&str]) -> String {
        let output = self.submit(experiment, words);
        let text = said(&output);
        assert!(output.status.success(), "{text}");
        text
    }

    fn ids(&self) -> Vec<String> {
        let jobs = self.jobs.lock().unwrap();
        let id = |(job, _): &(Value, _)| job["submission_id"].as_str().unwrap().to_owned();
        jobs.iter().map(id).collect()
    }

    fn all_are(&self, status: &'static str) {
        self.jobs
            .lock()
            .unwrap()
            .iter_mut()
            .for_each(|job| job.1 = status);
    }
}

/// As Ray 2.60 answers.
fn answer(request: &Request, jobs: &mut Vec<(Value, &'static str)>) -> Answer {
    let refused =
        |text: &str| Answer::whole(text.as_bytes()).with("Content-Type: text/plain; charset=utf-8");
    let details = |(job, status): &(Value, &str)| {
        let exit = (*status == "FAILED").then_some(-9);
        json!({ "submission_id": job["submission_id"], "status": status, "driver_exit_code": exit, "error_type": null })
    };
    let find = |id: &str| jobs.iter().position(|(job, _)| job["submission_id"] == id);
    let what = request.path.strip_prefix("/api/jobs/").unwrap();
    match (&*request.method, what.split_once('/').unwrap_or((what, ""))) {
        ("POST", ("", "")) => {
            let job: Value = serde_json::from_slice(&request.body).unwrap();
            let id = job["submission_id"].as_str().unwrap();
            if job.get("partition").is_some() {
                let why = "Traceback:\n  File \"x\"\nTypeError: unexpected keyword argument 'partition'\n";
                return refused(why).answering("400 Bad Request");
            }
            if find(id).is_some() {
                return refused("Traceback:\nValueError: it already exists.\n.")
                    .answering("500 Internal Server Error");
            }
            jobs.push((job, "PENDING"));
            Answer::whole(b"{}")
        }
        ("GET", ("", "")) => Answer::whole(
            Value::from_iter(jobs.iter().map(details))
                .to_string()
                .as_bytes(),
        ),
        ("GET", (_, "logs")) => {
            Answer::whole(json!({ "logs": "it was killed" }).to_string().as_bytes())
        }
        (method, (id, _)) => match find(id) {
            None => refused("Job does not exist").answering("404 Not Found"),
            Some(at) if method == "POST" => {
                jobs[at].1 = "STOPPED";
                Answer::whole(b"{\"stopped\": true}")
            }
            Some(at) => Answer::whole(details(&jobs[at]).to_string().as_bytes()),
        },
    }
}

fn sweep() -> Experiment {
    Experiment::new(&format!("{SMALL}\n[sweep.axes]\nseed = [0, 1]\n"))
}

#[test]
fn a_task_is_a_job_that_is_submitted_once_and_does_its_runs() {
    let (experiment, ray) = (sweep(), Ray::new());
    let each = ["--runs-per-task", "1"];
    let text = ray.says(
        &experiment,
        &[&each[..], &["--jobs", "2", "--", "entrypoint_num_gpus=1"]].concat(),
    );
    assert!(
        text.contains("e: 1 run in 1 task submitted: ray job runner-e-"),
        "{text}"
    );
    let ids = ray.ids();
    // Known to Ray, not submitted twice, though there is no record of it.
    fs::remove_file(experiment.results().join("engine.json")).unwrap();
    ray.says(&experiment, &each);
    assert_eq!(ray.ids(), ids);
    assert!(
        ray.says(&experiment, &each)
            .contains("e: 2 runs: 2 queued\n")
    );

    let jobs = ray.jobs.lock().unwrap().clone();
    assert_eq!(
        (
            &jobs[0].0["entrypoint_num_cpus"],
            &jobs[0].0["entrypoint_num_gpus"]
        ),
        (&json!(2), &json!(1))
    );
    // What `runner check` says of it, once for each of the runs side by side that the task has.
    let mut checked = runner(experiment.folder());
    let checked = checked.args(["check", "e.toml"]).output();
    let memory = jobs[0].0["entrypoint_memory"].as_u64().unwrap();
    let mib = format!(
        "memory                 {:.0} MiB",
        memory as f64 / f64::from(1 << 20)
    );
    let checked = said(&checked.unwrap());
    assert!(checked.contains(&mib), "{mib} in {checked}");
    for (job, _) in &jobs {
        let mut shell = Command::new("sh");
        for (name, value) in experiment.command().get_envs() {
            shell.env(name, value.unwrap_or_default());
        }
        let output = shell
            .args(["-c", job["entrypoint"].as_str().unwrap()])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", said(&output));
    }
    ray.all_are("SUCCEEDED");
    assert!(ray.says(&experiment, &[]).contains("e: 2 runs: 2 done\n"));
    let bearer = format!("Bearer {TOKEN}");
    let requests = ray.server.requests();
    assert!(
        requests
            .iter()
            .all(|request| request.header("authorization") == Some(&*bearer))
    );
}

#[test]
fn what_fails_is_submitted_again_three_times_and_what_is_stopped_as_often_as_wanted() {
    let (experiment, ray) = (sweep(), Ray::new());
    let text = ray.says(&experiment, &[]);
    assert!(text.contains("2 not submitted yet"), "{text}");
    let text = ray.says(&experiment, &["--cancel"]);
    assert!(text.contains("e: cancelled ray job runner-e-"), "{text}");
    assert!(ray.says(&experiment, &[]).contains("2 lost (STOPPED)"));
    for _ in 0..3 {
        ray.all_are("FAILED");
        let text = ray.says(&experiment, &[]);
        assert!(text.contains("2 lost (FAILED, exit status -9)"), "{text}");
        assert!(text.contains("2 runs in 1 task submitted"), "{text}");
    }
    ray.all_are("FAILED");
    for _ in 0..2 {
        let text = ray.says(&experiment, &[]);
        assert!(
            text.contains("2 given up") && text.contains("failed 4 times"),
            "{text}"
        );
    }
    assert_eq!(ray.ids().len(), 5);
    let logs = experiment.results().join("ray");
    let log = fs::read_to_string(logs.join(format!("{}.log", ray.ids()[4])));
    assert_eq!(log.unwrap(), "it was killed");
    // Who names a run has it submitted all the same.
    assert!(
        ray.says(&experiment, &["--only", "seed=0"])
            .contains("1 run in 1 task submitted")
    );
}

#[test]
fn another_address_is_another_engine() {
    let (experiment, ray, other) = (sweep(), Ray::new(), Ray::new());
    ray.says(&experiment, &[]);
    let output = other.submit(&experiment, &[]);
    let text = said(&output);
    assert!(
        text.contains(&ray.server.url("")) && text.contains("--cancel them"),
        "{text}"
    );
    assert!(other.ids().is_empty());
}

#[test]
fn what_ray_refuses_is_shown_and_no_token() {
    let (experiment, ray) = (sweep(), Ray::new());
    let output = ray.submit(&experiment, &["--", "partition=gpu"]);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("400 Bad Request: TypeError: unexpected keyword argument 'partition'"),
        "{text}"
    );
    for (engine, says) in [
        ("ray", "it needs an address; --engine ray=http://HEAD:8265"),
        ("ray=head:8265", "begins with http://"),
        ("ray=http://me:pw@head:8265", "read from RAY_AUTH_TOKEN"),
        (
            "ray=http://head.example:8265",
            "use https, or set RUNNER_TOKENS_OVER_HTTP=1",
        ),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_runner"));
        command
            .current_dir(experiment.folder())
            .args(["submit", "e.toml", "--engine", engine]);
        let output = command.env("RAY_AUTH_TOKEN", TOKEN).output().unwrap();
        let text = said(&output);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(says) && !text.contains(TOKEN), "{text}");
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_runner"));
    command.current_dir(experiment.folder()).args([
        "submit",
        "e.toml",
        "--engine",
        "ray=http://127.0.0.1:9",
    ]);
    let output = command.output().unwrap();
    assert!(
        said(&output).contains("Ray at http://127.0.0.1:9: it refuses connections"),
        "{}",
        said(&output)
    );
}
