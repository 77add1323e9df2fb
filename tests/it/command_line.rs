//! What somebody types who has not read the manual: words in another order, mistyped, or for another tool.

use std::fs;
use std::path::Path;

use crate::common;
use crate::common::{SMALL, runner, write};

/// What is said on both streams, and the exit status.
fn said(folder: &Path, line: &str) -> (String, i32) {
    let output = runner(folder).args(line.split(' ')).output().unwrap();
    (common::said(&output), output.status.code().unwrap())
}

#[test]
fn a_command_stands_before_or_after_its_flags_and_run_can_be_said() {
    let tmp = tempfile::tempdir().unwrap();
    write(tmp.path(), "e.toml", SMALL);
    for line in [
        "run e.toml",
        "-q run e.toml",
        "run e.toml -q --jobs 2",
        "--jobs 2 run e.toml",
        "--set training.epochs=1 run e.toml",
        "run e",
        "e",
        "-q check e.toml",
        "--quiet check e.toml",
        "-v check e.toml",
        "check e.toml -q",
        "check e",
        "--set training.epochs=2 check e.toml",
        "compare results/e -q",
    ] {
        let (text, status) = said(tmp.path(), line);
        assert_eq!(status, 0, "{line}: {text}");
    }
    let (plan, _) = said(tmp.path(), "--set training.epochs=7 check e");
    assert!(
        plan.contains("7 epochs") && plan.contains("using e.toml"),
        "{plan}"
    );
    assert_eq!(said(tmp.path(), "run e.toml -q"), (String::new(), 0));
}

#[test]
fn what_was_meant_is_said() {
    let tmp = tempfile::tempdir().unwrap();
    write(tmp.path(), "e.toml", SMALL);
    fs::create_dir_all(tmp.path().join("specs/more")).unwrap();
    write(tmp.path(), "specs/quickstart.toml", SMALL);
    fs::create_dir(tmp.path().join("photos")).unwrap();
    runner(tmp.path()).args(["e.toml", "-q"]).assert().success();
    let run = fs::read_dir(tmp.path().join("results/e/runs"))
        .unwrap()
        .next();
    let run = run.unwrap().unwrap().file_name().into_string().unwrap();
    for (line, says) in [
        (
            "cmopare results/e",
            "did you mean `runner compare results/e`?",
        ),
        ("cmopare", "did you mean `runner compare`?"),
        (
            "chekc e.toml --set a=b",
            "did you mean `runner check e.toml --set a=b`?",
        ),
        ("-q chekc e.toml", "did you mean `runner check e.toml`?"),
        ("train e.toml", "did you mean `runner run e.toml`?"),
        (
            "e.toml check",
            "the command comes first: runner check e.toml",
        ),
        ("--fresh check e.toml", "--fresh is not for `runner check`"),
        ("--set a=1 man", "--set is not for `runner man`"),
        ("-q", "name a spec or a command"),
        (
            "specs/quickstrat.toml",
            "did you mean specs/quickstart.toml?",
        ),
        ("specs/quick", "specs there: specs/quickstart.toml"),
        ("check specs", "did you mean specs/quickstart.toml?"),
        ("photos", "runner init --template photos"),
        ("results", "a folder of results"),
        ("results/e", "runner compare results/e"),
        (
            &format!("results/e/runs/{run}"),
            "runner evaluate results/e/runs",
        ),
        ("compare e.toml", "did you mean runner compare results/e?"),
        ("watch e.toml", "did you mean runner watch results/e?"),
        ("compare e", "did you mean runner compare results/e?"),
        (
            "report specs/quickstart.toml",
            "runner specs/quickstart.toml runs it",
        ),
        (
            "compare results/e/runs.parquet",
            "did you mean runner compare results/e?",
        ),
        ("nonsense x", "there is no command or spec `nonsense`"),
        ("e.toml --epochs 3", "--set training.epochs=3"),
        ("check --batch-size=8 e", "--set training.batch_size=8"),
        (
            "predict x.png --lr 0.1 y",
            "--set optimizer.learning_rate=0.1",
        ),
        (
            "compare results/e --epochs 3",
            "unexpected argument '--epochs'",
        ),
        (
            "e.toml -j 0",
            "for '--jobs <N>': expected a whole number from 1",
        ),
        ("e.toml -j -1", "expected a whole number from 1"),
        (
            "watch results/e --port 0x",
            "expected a whole number from 0 to 65535",
        ),
        (
            "watch results/e --port 99999",
            "expected a whole number from 0 to 65535",
        ),
        ("predict x y --top 0", "expected a whole number from 1"),
        ("predict x y --top -1", "expected a whole number from 1"),
    ] {
        let (text, status) = said(tmp.path(), line);
        assert!(text.contains(says), "{line}: {text}");
        assert_eq!(status, 2, "{line}: {text}");
        assert!(!text.contains("panicked"), "{text}");
    }
}

#[test]
fn init_says_what_it_wrote_and_overwrites_nothing() {
    let tmp = tempfile::tempdir().unwrap();
    for (line, file) in [
        ("init", "experiment.toml"),
        ("init --template photos deep/photos", "deep/photos.toml"),
        ("init lesson.toml --template lesson", "lesson.toml"),
    ] {
        let (text, status) = said(tmp.path(), line);
        assert_eq!(status, 0, "{line}: {text}");
        for part in [format!("Wrote {file}"), format!("runner check {file}")] {
            assert!(text.contains(&part), "{line}: {text}");
        }
        let before = fs::read(tmp.path().join(file)).unwrap();
        let (text, status) = said(tmp.path(), line);
        assert!(text.contains("is there already") && status == 2, "{text}");
        assert!(fs::read(tmp.path().join(file)).unwrap() == before);
    }
    let photos = fs::read_to_string(tmp.path().join("deep/photos.toml")).unwrap();
    assert!(photos.contains("\nearly_stopping = "));
}
