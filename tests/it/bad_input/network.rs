//! Servers that fail in every way, and another process that died while it downloaded.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::{TAG, all_files, assert_says, runs, texts, wait_until, weights_file};
use crate::common::server::{Answer, Request, Server};
use crate::common::{SMALL, runner, said, write};

/// An experiment that needs a file from `server`; its run fails. What was said, with `-v`.
fn failed(folder: &Path, spec: &str, server: &Server) -> String {
    write(folder, "small.toml", spec);
    let output = runner(folder)
        .args(["small.toml", "-v"])
        .env("HF_ENDPOINT", server.url(""))
        .env("RUNNER_PATIENCE", "0.01")
        .assert()
        .code(1)
        .get_output()
        .clone();
    assert_eq!(texts(&runs(folder), "status"), ["failed"]);
    said(&output)
}

fn cifar10() -> String {
    SMALL.replace("digits", "cifar10")
}

fn imagenet() -> String {
    SMALL
        .replace("squeezenet1_1", "vgg16")
        .replace("\"random\"", "\"imagenet\"")
}

fn failed_with(
    spec: &str,
    answer: impl Fn(&Request) -> Answer + Send + Sync + 'static,
) -> (String, Server) {
    let tmp = tempfile::tempdir().unwrap();
    let server = Server::start(answer);
    (failed(tmp.path(), spec, &server), server)
}

#[test]
fn what_is_not_found_is_asked_for_once() {
    let (text, server) = failed_with(&cifar10(), |_| Answer::status("404 Not Found"));
    let file = "train-00000-of-00001.parquet is missing";
    assert_says(
        &text,
        &[file, "the server answered 404 Not Found", "dataset.path"],
    );
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_busy_server_is_asked_again_after_growing_pauses() {
    let (text, server) = failed_with(&cifar10(), |_| Answer::status("503 Service Unavailable"));
    assert_says(
        &text,
        &[
            "trying again in 10ms",
            "trying again in 30ms",
            "trying again in 90ms",
            "the server answered 503 Service Unavailable (attempt 4)",
        ],
    );
    assert_eq!(server.requests().len(), 4);
}

#[test]
fn a_file_of_another_length_is_refused() {
    let (text, _) = failed_with(&cifar10(), |r| Answer::file(r, b"abc", TAG));
    assert_says(
        &text,
        &["the server's file has 3 bytes, expected 119705255"],
    );
}

#[test]
fn connections_that_are_always_cut_are_given_up() {
    let file = weights_file(300);
    let (text, server) = failed_with(&imagenet(), move |r| Answer::file(r, &file, TAG).cut(3));
    assert_says(&text, &["(attempt 4)", "model.safetensors is missing"]);
    assert_eq!(server.requests().len(), 4);
}

#[test]
fn a_server_that_sends_nothing_is_given_up() {
    let (text, server) = failed_with(&cifar10(), |_| Answer::silence());
    assert_says(&text, &["no answer from 127.0.0.1 in time (attempt 4)"]);
    assert_eq!(server.requests().len(), 4);
}

#[test]
fn a_server_that_drips_is_given_up() {
    // The length, then a byte every 10 ms of a head of a million.
    let mut file = (1_000_000u64).to_le_bytes().to_vec();
    file.resize(1_000_008, b' ');
    let (text, server) = failed_with(&imagenet(), move |r| {
        Answer::file(r, &file, TAG).dripping(Duration::from_millis(10))
    });
    let says = "the server sends less than 1024 bytes a second (attempt 4)";
    assert_says(&text, &[says]);
    // The length and the head, each time.
    assert_eq!(server.requests().len(), 2 * 4);
}

#[test]
fn impatience_that_is_no_number_is_refused() {
    let tmp = tempfile::tempdir().unwrap();
    write(tmp.path(), "small.toml", SMALL);
    let mut command = runner(tmp.path());
    command.arg("small.toml").env("RUNNER_PATIENCE", "fast");
    let output = command.assert().code(1).get_output().clone();
    assert_says(
        &said(&output),
        &["RUNNER_PATIENCE is \"fast\"", "a number greater than 0"],
    );
}

/// How many bytes of tensors a safetensors file has so far.
fn data_length(file: &[u8]) -> Option<usize> {
    let (head, rest) = file.split_first_chunk::<8>()?;
    rest.len().checked_sub(u64::from_le_bytes(*head) as usize)
}

#[test]
fn the_lock_of_a_killed_process_is_free_and_its_download_resumes() {
    let tmp = tempfile::tempdir().unwrap();
    let file = weights_file(300);
    // The length, the head, then the tensors' bytes: of these the first process gets 1000.
    let server = Server::start(move |r| {
        let answer = Answer::file(r, &file, TAG);
        if r.number == 2 {
            answer.stuck(1000)
        } else {
            answer
        }
    });
    write(tmp.path(), "small.toml", &imagenet());
    let mut first = Command::new(env!("CARGO_BIN_EXE_runner"))
        .current_dir(tmp.path())
        .arg("small.toml")
        .env("RUNNER_CACHE", tmp.path().join("cache"))
        .env("HF_ENDPOINT", server.url(""))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let partial = tmp.path().join("cache/partial/weights");
    let came = || {
        let files = partial.is_dir().then(|| all_files(&partial));
        files.unwrap_or_default().iter().any(|path| {
            let is_part = path.extension().is_some_and(|e| e == "part");
            is_part && fs::read(path).is_ok_and(|part| data_length(&part) == Some(1000))
        })
    };
    wait_until("the first process has some bytes", came);
    first.kill().unwrap();
    first.wait().unwrap();
    let text = failed(tmp.path(), &imagenet(), &server);
    assert!(!text.contains("another process is downloading"), "{text}");
    // What came is a whole file with tensors of another shape.
    assert_says(
        &text,
        &["tensors-", "has shape [300], expected [64, 3, 3, 3]"],
    );
    let [.., cut, rest] = &server.requests()[..] else {
        panic!("{:?}", server.requests());
    };
    let start = |range: &str| -> u64 {
        let digits = range.trim_start_matches("bytes=").split('-').next();
        digits.unwrap().parse().unwrap()
    };
    let [cut, rest] = [cut, rest].map(|r| start(r.header("range").unwrap()));
    assert_eq!(rest - cut, 1000);
}
