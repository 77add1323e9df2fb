//! `runner watch` where the system gives nothing more.
#![cfg(unix)]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use crate::common::survival::Experiment;
use crate::common::{SMALL, runner, write};

#[test]
fn without_descriptors_it_waits_says_so_once_and_serves_again() {
    let tmp = tempfile::tempdir().unwrap();
    write(tmp.path(), "e.toml", SMALL);
    runner(tmp.path()).arg("e.toml").assert().success();
    let script = "ulimit -n 32; exec \"$0\" watch results/e --port 0";
    let mut watch = Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_runner")])
        .current_dir(tmp.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut out = BufReader::new(watch.stdout.take().unwrap());
    out.read_line(&mut line).unwrap();
    let address = line.strip_prefix("http://").unwrap();
    let address = address.split('/').next().unwrap().to_owned();
    assert!(line.contains("results/e"), "{line}");
    // Browsers that say nothing hold a descriptor each.
    let silent: Vec<TcpStream> = (0..40)
        .map(|_| TcpStream::connect(&address).unwrap())
        .collect();
    let mut said = String::new();
    let mut errors = BufReader::new(watch.stderr.take().unwrap());
    errors.read_line(&mut said).unwrap();
    assert!(said.contains("no connection can be accepted now"), "{said}");
    drop(silent);
    let mut page = TcpStream::connect(&address).unwrap();
    let request = format!("GET / HTTP/1.1\r\nHost: {address}\r\n\r\n");
    page.write_all(request.as_bytes()).unwrap();
    let mut reply = String::new();
    page.read_to_string(&mut reply).unwrap();
    assert!(reply.starts_with("HTTP/1.1 200 OK"), "{reply}");
    watch.kill().unwrap();
    watch.wait().unwrap();
    let mut rest = String::new();
    errors.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
}

#[test]
fn before_the_first_epoch_has_ended_the_report_says_where_the_runs_are() {
    let experiment = Experiment::new(&format!("{SMALL}\n[sweep.axes]\nseed = [0, 1]\n"));
    experiment.die_at("metrics.parquet:1:begun");
    let mut report = runner(experiment.folder());
    report.args(["report", "results/e"]).assert().success();
    let page = fs::read_to_string(experiment.results().join("report.html")).unwrap();
    for says in [
        "No run has finished yet.",
        "Where the runs are",
        "in progress",
    ] {
        assert!(page.contains(says), "{says} in {page}");
    }
}
