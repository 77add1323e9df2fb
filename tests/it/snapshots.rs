//! What people read, as a whole: help texts and the table of a comparison. After a change: read them aloud, then
//! `INSTA_UPDATE=always cargo test --release --test it snapshots::`.

use tempfile::tempdir;

use crate::common::{runner, said};

#[test]
fn the_help_of_every_command() {
    let folder = tempdir().unwrap();
    let commands = [
        "",
        "run",
        "check",
        "probe",
        "submit",
        "compare",
        "evaluate",
        "embed",
        "explain",
        "export",
        "predict",
        "watch",
        "report",
        "init",
        "schema",
        "completions",
        "man",
    ];
    for command in commands {
        let words = [command, "--help"]
            .into_iter()
            .filter(|word| !word.is_empty());
        let mut runner = runner(folder.path());
        let output = runner.args(words).env_remove("COLUMNS").output().unwrap();
        let name = format!(
            "help_{}",
            if command.is_empty() {
                "runner"
            } else {
                command
            }
        );
        insta::assert_snapshot!(name, said(&output));
    }
}

#[test]
fn the_spec_that_init_writes() {
    let folder = tempdir().unwrap();
    let output = runner(folder.path())
        .args(["init", "first.toml"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let spec = std::fs::read_to_string(folder.path().join("first.toml")).unwrap();
    insta::assert_snapshot!("init", spec);
}
