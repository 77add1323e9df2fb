//! Access tokens are told to nobody but the endpoint they are for.

use std::fs;

use super::{TAG, all_files, weights_file};
use crate::common::server::{Answer, Server};
use crate::common::{SMALL, runner, said, write};

const SECRET: &str = "hf_dontTellAnybody";

/// Everything the program says and leaves, of an experiment whose weights come from `hub`.
fn traces(hub: &Server, token: &str, more: &[&str]) -> Vec<(String, Vec<u8>)> {
    let tmp = tempfile::tempdir().unwrap();
    let spec = SMALL.replace("squeezenet1_1", "vgg11");
    write(tmp.path(), "small.toml", &spec);
    let output = runner(tmp.path())
        .args(["small.toml", "-v"])
        .args([
            "--set",
            "sweep.axes.\"backbone.weights\"=[\"imagenet\", \"random\"]",
        ])
        .args(more)
        .env("HF_ENDPOINT", hub.url(""))
        .env("HF_TOKEN", token)
        .env("RUNNER_PATIENCE", "0.01")
        .assert()
        .code(1)
        .get_output()
        .clone();
    let mut traces = vec![("what was said".to_owned(), said(&output).into_bytes())];
    for path in all_files(tmp.path()) {
        let bytes = fs::read(&path).unwrap();
        traces.push((path.display().to_string(), bytes));
    }
    traces
}

fn assert_nowhere(secret: &str, traces: &[(String, Vec<u8>)]) {
    for (place, bytes) in traces {
        let is_there = bytes
            .windows(secret.len())
            .any(|at| at == secret.as_bytes());
        assert!(!is_there, "the token is in {place}");
    }
}

#[test]
fn the_token_goes_to_the_endpoint_and_not_along_redirects_and_is_written_nowhere() {
    let file = weights_file(3);
    let other = Server::start(move |r| Answer::file(r, &file, TAG));
    let elsewhere = other.url("/signed");
    let hub = Server::start(move |_| Answer::redirect(&elsewhere));
    let traces = traces(&hub, SECRET, &[]);
    assert!(traces.len() > 8, "{}", traces.len());
    assert_nowhere(SECRET, &traces);
    let bearer = format!("Bearer {SECRET}");
    assert!(!hub.requests().is_empty() && !other.requests().is_empty());
    for request in hub.requests() {
        assert_eq!(request.header("authorization"), Some(&*bearer));
    }
    for request in other.requests() {
        assert!(!format!("{request:?}").contains(SECRET), "{request:?}");
    }
}

#[test]
fn a_refused_token_is_not_shown() {
    let hub = Server::start(|_| Answer::status("401 Unauthorized"));
    let traces = traces(&hub, SECRET, &[]);
    let text = String::from_utf8_lossy(&traces[0].1).into_owned();
    assert!(text.contains("401") && text.contains("HF_TOKEN"), "{text}");
    assert_nowhere(SECRET, &traces);
}

#[test]
fn a_token_that_no_header_can_hold_is_not_shown() {
    let hub = Server::start(|_| Answer::status("404 Not Found"));
    let traces = traces(&hub, &format!("{SECRET}\r\nX-Other: 1"), &[]);
    assert_nowhere(SECRET, &traces);
    for request in hub.requests() {
        assert_eq!(request.header("x-other"), None);
    }
}
