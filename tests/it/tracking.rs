//! Trackers: what they are told, and that one that fails hurts nothing.
#![cfg(unix)]

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Output;

use crate::common::server::{Answer, Request, Server};
use crate::common::survival::{Experiment, assert_same, column};
use crate::common::{SMALL, said};

const TOKEN: &str = "mlf_dontTellAnybody";

/// An experiment of two runs, told to the MLflow server at `address`.
fn told_to(address: &str) -> Experiment {
    let spec = SMALL.replace("epochs = 1", "epochs = 2");
    Experiment::new(&format!(
        "{spec}\n[tracking]\nmlflow = \"{address}\"\n[sweep.axes]\nseed = [0, 1]\n"
    ))
}

fn run(experiment: &Experiment) -> Output {
    let mut command = experiment.command();
    command
        .env("RUNNER_PATIENCE", "0.05")
        .env("MLFLOW_TRACKING_TOKEN", TOKEN)
        .env_remove("MLFLOW_TRACKING_USERNAME");
    command.output().unwrap()
}

/// Runs it to a good end and gives what was said.
fn finishes(experiment: &Experiment) -> String {
    let output = run(experiment);
    let said = said(&output);
    assert!(output.status.success(), "{said}");
    assert_eq!(column(experiment, "status"), ["finished"; 2], "{said}");
    assert!(!said.contains("panicked"), "{said}");
    said
}

/// Fails unless the server's trouble is said once, with `why`.
fn assert_said_once(said: &str, why: &str) {
    let told: Vec<&str> = said.lines().filter(|l| l.contains("MLflow")).collect();
    assert_eq!(told.len(), 1, "{said}");
    assert!(
        told[0].contains(why) && told[0].contains("training continues"),
        "{said}"
    );
}

#[test]
fn a_tracker_that_is_down_is_said_once() {
    // Nobody listens there any more.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let experiment = told_to(&format!("http://127.0.0.1:{port}"));
    assert_said_once(&finishes(&experiment), "refuses connections");
}

#[test]
fn a_tracker_that_is_silent_is_said_once() {
    let server = Server::start(|_| Answer::silence());
    let experiment = told_to(&server.url(""));
    assert_said_once(&finishes(&experiment), "no answer in time");
    assert!(!server.requests().is_empty());
}

#[test]
fn a_tracker_that_fails_is_said_once() {
    let server = Server::start(|_| Answer::status("500 Internal Server Error"));
    let experiment = told_to(&server.url(""));
    assert_said_once(&finishes(&experiment), "500");
    assert!(!server.requests().is_empty());
}

#[test]
fn something_else_that_answers_is_said_once() {
    let server = Server::start(|_| Answer::whole(b"<html>hello</html>"));
    let experiment = told_to(&server.url("/base/"));
    assert_said_once(&finishes(&experiment), "not MLflow's");
    let paths = server.requests().into_iter().map(|r| r.path);
    assert!(
        paths
            .into_iter()
            .all(|path| path.starts_with("/base/api/2.0/"))
    );
}

/// As an MLflow server that takes everything but files answers.
fn taking(request: &Request) -> Answer {
    let path = request.path.split('?').next().unwrap_or_default();
    Answer::whole(match path.rsplit('/').next().unwrap_or_default() {
        "get-by-name" => br#"{"experiment": {"experiment_id": "3"}}"#,
        "create" => {
            br#"{"run": {"info": {"run_id": "r", "artifact_uri": "mlflow-artifacts:/3/r/artifacts"}}}"#
        }
        _ => b"{}",
    })
}

#[test]
fn a_tracker_that_works_is_not_mentioned() {
    let server = Server::start(taking);
    let experiment = told_to(&server.url(""));
    let said = finishes(&experiment);
    assert!(!said.contains("MLflow"), "{said}");
    let paths: Vec<String> = server.requests().into_iter().map(|r| r.path).collect();
    let count = |end: &str| paths.iter().filter(|path| path.ends_with(end)).count();
    assert_eq!(
        (count("runs/create"), count("runs/update")),
        (2, 2),
        "{paths:?}"
    );
    assert_eq!(count("/artifacts/3/r/artifacts/model.safetensors"), 2);
    assert_eq!(count("/artifacts/3/r/artifacts/charts/curves.svg"), 2);
}

#[test]
fn the_token_is_told_to_the_tracker_and_written_nowhere() {
    // A refusal, from a server that repeats what it was sent.
    let refusal = format!(r#"{{"error_code": "PERMISSION_DENIED", "message": "not {TOKEN}"}}"#);
    let server = Server::start(move |_| {
        let body = refusal.as_bytes();
        Answer::whole(body).answering("403 Forbidden")
    });
    let experiment = told_to(&server.url(""));
    let said = finishes(&experiment);
    assert_said_once(&said, "MLFLOW_TRACKING_TOKEN");
    let bearer = format!("Bearer {TOKEN}");
    for request in server.requests() {
        assert_eq!(request.header("authorization"), Some(&*bearer));
    }
    assert!(!said.contains(TOKEN));
    for path in all_files(experiment.folder()) {
        let bytes = fs::read(&path).unwrap();
        let is_there = bytes.windows(TOKEN.len()).any(|at| at == TOKEN.as_bytes());
        assert!(!is_there, "the token is in {}", path.display());
    }
}

#[test]
fn a_token_that_a_server_repeats_is_shown_in_no_form() {
    let base64 = "bWxmX2RvbnRUZWxsQW55Ym9keQ==";
    for (status, text) in [
        ("400 Bad Request", format!("no such token: {TOKEN}")),
        ("404 Not Found", format!("Bearer {}", TOKEN.to_uppercase())),
        ("409 Conflict", format!("{}{}", "x".repeat(190), TOKEN)),
        (
            "500 Internal Server Error",
            format!("Authorization {base64}"),
        ),
        ("503 Service Unavailable", TOKEN.replace('_', "%5F")),
    ] {
        let body = serde_json::json!({ "error_code": "X", "message": text }).to_string();
        let server = Server::start(move |_| {
            let body = body.as_bytes();
            Answer::whole(body).answering(status)
        });
        let experiment = told_to(&server.url(""));
        let said = finishes(&experiment);
        assert_said_once(&said, &status[..3]);
        for piece in [
            TOKEN,
            &TOKEN.to_uppercase(),
            base64,
            "dontTell",
            "%5FdontTell",
        ] {
            assert!(!said.contains(piece), "{said}");
        }
    }
}

#[test]
fn a_token_that_a_redirect_repeats_is_shown_nowhere() {
    let server = Server::start(|_| Answer::redirect(&format!("http://{TOKEN}.example/{TOKEN}")));
    let experiment = told_to(&server.url(""));
    assert!(!finishes(&experiment).contains(TOKEN));
}

#[test]
fn a_token_goes_over_plain_http_to_this_machine_only() {
    // A name for this machine that does not say so.
    let server = Server::start(taking);
    let port = server.url("").rsplit(':').next().unwrap().to_owned();
    let address = format!("http://127.0.0.1.nip.example:{port}");
    let experiment = told_to(&address);
    let said = finishes(&experiment);
    assert!(
        said.contains("not sent, as the address is plain http"),
        "{said}"
    );
    assert!(said.contains("RUNNER_TOKENS_OVER_HTTP=1"), "{said}");
}

#[test]
fn a_password_in_the_address_is_refused_before_it_is_kept() {
    let experiment = told_to("http://user:word@localhost:5000");
    let output = run(&experiment);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("MLFLOW_TRACKING_PASSWORD"), "{said}");
    assert!(!experiment.results().exists());
}

/// The event files of all runs.
fn event_files(experiment: &Experiment) -> Vec<PathBuf> {
    let files = all_files(&experiment.results().join("tensorboard"));
    assert!(
        files
            .iter()
            .all(|f| f.to_string_lossy().contains("tfevents"))
    );
    files
}

#[test]
fn event_files_change_nothing_and_a_killed_run_resumes_in_one_file() {
    let spec = SMALL.replace("epochs = 1", "epochs = 3");
    let (plain, _) = Experiment::uninterrupted(&spec);
    let spec = format!("{spec}\n[tracking]\ntensorboard = true\n");
    let (whole, _) = Experiment::uninterrupted(&spec);
    let experiment = Experiment::new(&spec);
    experiment.die_at("checkpoint:2:renamed");
    assert_eq!(event_files(&experiment).len(), 1);
    assert!(experiment.finish().contains("resumes after"));
    let files = event_files(&experiment);
    assert_eq!(files.len(), 1, "{files:?}");
    let bytes = fs::read(&files[0]).unwrap();
    // A record each: version, start, spec, three epochs, test.
    assert_eq!(records(&bytes), 7);
    let model = |e: &Experiment| fs::read(e.runs()[0].join("model.safetensors")).unwrap();
    assert!(model(&experiment) == model(&plain));
    for experiment in [&experiment, &whole] {
        fs::remove_dir_all(experiment.results().join("tensorboard")).unwrap();
    }
    assert_same(&experiment, &whole);
}

/// A run that is recorded as finished is not begun again, so that its test must be in the event file by then.
#[test]
fn event_files_have_the_test_of_a_run_that_is_killed_as_it_is_recorded() {
    let spec = format!("{SMALL}\n[tracking]\ntensorboard = true\n");
    let experiment = Experiment::new(&spec);
    // Its row and the experiment's are written when it begins and after the epoch, then its own once it has ended.
    experiment.die_at("runs.parquet:5:renamed");
    experiment.finish();
    let bytes = fs::read(&event_files(&experiment)[0]).unwrap();
    // A record each: version, start, spec, the epoch, test.
    assert_eq!(records(&bytes), 5);
}

#[test]
fn event_files_that_cannot_be_written_are_said_once() {
    let spec = SMALL.replace("epochs = 1", "epochs = 2");
    let experiment = Experiment::new(&format!("{spec}\n[tracking]\ntensorboard = true\n"));
    fs::create_dir_all(experiment.results()).unwrap();
    fs::write(experiment.results().join("tensorboard"), "in the way").unwrap();
    let said = experiment.finish();
    assert_eq!(said.matches("TensorBoard: ").count(), 1, "{said}");
    assert_eq!(column(&experiment, "status"), ["finished"]);
}

/// How many records an event file has; all of it must be records.
fn records(bytes: &[u8]) -> usize {
    let Some((length, _)) = bytes.split_first_chunk::<8>() else {
        assert!(bytes.is_empty());
        return 0;
    };
    let length = usize::try_from(u64::from_le_bytes(*length)).unwrap();
    1 + records(&bytes[8 + 4 + length + 4..])
}

fn all_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(all_files(&path)),
            false => files.push(path),
        }
    }
    files
}
