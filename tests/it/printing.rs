//! What reaches the terminal: text of others, readers that go away, disks that are full.
#![cfg(unix)]

use std::fs::{self, OpenOptions};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use runner::foreign::visible;

use crate::common::{SMALL, runner, said, write};

/// Writes to the clipboard, clears the screen in two ways, reverses a line, hides a letter, begins a line of its own.
const HOSTILE: &str = "a\x1b]52;c;aGk=\x07b\x1b[2J\u{9b}2Jc\u{202e}d\u{200b}e\u{2028}f\rg\x7f";

/// The binary for `folder`, with this command line.
fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_runner"));
    command
        .current_dir(folder)
        .env("RUNNER_CACHE", folder.join("cache"))
        .env("NO_COLOR", "1")
        .args(args);
    command
}

/// Two classes of photos, one of them with a hostile name.
fn photos(folder: &Path) {
    for (class, shade) in [(HOSTILE, 20), ("plain", 200)] {
        let class = folder.join("photos").join(class);
        fs::create_dir_all(&class).unwrap();
        for i in 0..4 {
            image::RgbImage::from_pixel(8, 8, image::Rgb([shade, i, i]))
                .save(class.join(format!("{i}{HOSTILE}.png")))
                .unwrap();
        }
    }
}

fn photo_spec() -> String {
    let dataset = "name = \"image_folder\"\npath = \"photos\"";
    SMALL.replace("name = \"digits\"", dataset)
}

/// The folder of the only run.
fn only_run(folder: &Path, experiment: &str) -> PathBuf {
    let runs = folder.join("results").join(experiment).join("runs");
    fs::read_dir(runs).unwrap().next().unwrap().unwrap().path()
}

/// Fails where anything said acts on a terminal, or has lost the name.
fn assert_visible(output: &Output) {
    let text = said(output);
    assert_eq!(visible(&text), text);
    assert!(text.contains("52;c;aGk="), "{text}");
}

#[test]
fn names_of_classes_and_files_act_on_no_terminal() {
    let tmp = tempfile::tempdir().unwrap();
    let folder = tmp.path();
    photos(folder);
    write(folder, "e.toml", &photo_spec());
    let run = |args: &[&str]| command(folder, args).output().unwrap();
    assert_visible(&run(&["check", "e.toml"]));
    let trained = run(&["e.toml", "-v"]);
    assert!(trained.status.success(), "{}", said(&trained));
    let model = only_run(folder, "e");
    let model = model.to_str().unwrap();
    for args in [
        &["evaluate", model, "--part", "all"][..],
        &["evaluate", model, "--part", "all", "--format", "json"],
        &["predict", model, "photos/plain"],
        &["predict", model, "photos/plain", "--format", "json"],
    ] {
        let output = run(args);
        assert!(output.status.success(), "{}", said(&output));
        assert_visible(&output);
    }
    let json = run(&["predict", model, "photos/plain", "--format", "json"]).stdout;
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let name = json["images"][0]["image"].as_str().unwrap();
    assert_eq!(name, format!("photos/plain/0{HOSTILE}.png"));
}

/// Lines of our own begin with our own words, whatever a class is called.
#[test]
fn no_name_begins_a_line_or_a_column_of_its_own() {
    let tmp = tempfile::tempdir().unwrap();
    let folder = tmp.path();
    let name = "ant\nwarning: bee\tcat";
    for (class, count) in [(name, 1), ("plain", 8)] {
        let class = folder.join("photos\n1").join(class);
        fs::create_dir_all(&class).unwrap();
        for i in 0..count {
            image::RgbImage::from_pixel(8, 8, image::Rgb([i, 9, 9]))
                .save(class.join(format!("{i}\n.png")))
                .unwrap();
        }
    }
    fs::write(folder.join("photos\n1/plain/no\nimage.txt"), "").unwrap();
    let dataset = "name = \"image_folder\"\npath = \"photos\\n1\"\nvalidation = \"stratified\"";
    let spec = SMALL.replace("name = \"digits\"", dataset);
    let spec = spec.replace("train_limit = 60", "validation_split = 0.3");
    write(folder, "e.toml", &spec);
    let checked = command(folder, &["check", "e.toml"]).output().unwrap();
    let trained = command(folder, &["e.toml", "-v"]).output().unwrap();
    let model = only_run(folder, "e");
    let model = model.to_str().unwrap();
    let path = "photos\n1/plain/0\n.png";
    fs::write(folder.join("photos\n1/plain/0\n.png"), "no image").unwrap();
    let evaluated = command(folder, &["evaluate", model, "--part", "all"]).output();
    let predicted = command(folder, &["predict", model, path, "missing\nfile"]).output();
    let missing = command(folder, &["compare", "no\nresults"]).output();
    let again = command(folder, &["e.toml", "--fresh"]).output();
    for (output, says) in [
        (
            checked,
            "no validation image of class \"ant\\nwarning: bee\\tcat\"",
        ),
        (
            trained,
            "no validation image of class \"ant\\nwarning: bee\\tcat\"",
        ),
        (evaluated.unwrap(), "photos\\n1/plain/0\\n.png"),
        (predicted.unwrap(), "photos\\n1/plain/0\\n.png"),
        (missing.unwrap(), "no\\nresults"),
        (again.unwrap(), "photos\\n1/plain/0\\n.png"),
    ] {
        let text = said(&output);
        assert!(text.contains(says), "{says} in:\n{text}");
        for line in text.lines() {
            let begins = ["warning: bee", "1/", ".png", "image.txt", "file", "results"];
            assert!(!begins.iter().any(|own| line.starts_with(own)), "{text}");
            assert!(!line.contains('\t'), "{text}");
        }
    }
}

#[test]
fn mistakes_with_hostile_names_act_on_no_terminal() {
    let tmp = tempfile::tempdir().unwrap();
    let folder = tmp.path();
    let spec = format!("{HOSTILE}.toml");
    write(folder, &spec, &SMALL.replace("epochs", "epocs"));
    write(folder, "good.toml", SMALL);
    let value = format!("dataset.path={HOSTILE}");
    let bad = format!("{HOSTILE}.jpg");
    write(folder, &bad, "no image");
    for args in [
        &[spec.as_str()][..],
        &["check", &spec],
        &["check", HOSTILE],
        &["check", "good.toml", "--set", &value],
        &["check", "good.toml", HOSTILE],
        &["compare", HOSTILE],
        &["compare", ".", "--format", HOSTILE],
        &["evaluate", HOSTILE],
        &["predict", HOSTILE, &bad],
        &["watch", HOSTILE],
        &["report", HOSTILE],
        &["init", &spec],
    ] {
        let output = command(folder, args).output().unwrap();
        assert!(!output.status.success(), "{args:?}");
        assert_visible(&output);
    }
}

#[test]
fn a_swept_text_acts_on_no_terminal_and_is_no_formula() {
    let tmp = tempfile::tempdir().unwrap();
    let folder = tmp.path();
    photos(folder);
    let more = folder.join("=1+1|b");
    fs::rename(folder.join("photos"), &more).unwrap();
    fs::create_dir(folder.join("photos")).unwrap();
    for class in fs::read_dir(&more).unwrap() {
        let class = class.unwrap();
        let copy = folder.join("photos").join(class.file_name());
        fs::create_dir(&copy).unwrap();
        for file in fs::read_dir(class.path()).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), copy.join(file.file_name())).unwrap();
        }
    }
    let axes = "[sweep.axes]\n\"dataset.classes\" = [[0, 1], [1, 0]]\n\"backbone.weights\" = [\"random\"]\n";
    write(folder, "e.toml", &format!("{}{axes}", photo_spec()));
    let output = command(folder, &["e.toml"]).output().unwrap();
    let text = said(&output);
    assert_eq!(visible(&text), text);
    for format in ["table", "csv", "markdown", "json"] {
        let output = command(folder, &["compare", "results/e", "--format", format]);
        let text = said(&{ output }.output().unwrap());
        assert_eq!(visible(&text), text);
    }
}

/// Every command that prints, after an experiment `e` was run in `folder`.
fn commands(folder: &Path) -> Vec<Vec<String>> {
    let model = only_run(folder, "e").to_str().unwrap().to_owned();
    let image = folder.join("image.png").to_str().unwrap().to_owned();
    let words = |line: &str| -> Vec<String> { line.split(' ').map(str::to_owned).collect() };
    let mut all: Vec<Vec<String>> = [
        "e.toml",
        "check e.toml",
        "compare results/e",
        "compare results/e --format json",
        "compare results/e --format csv",
        "compare results/e --format markdown",
        "compare results/e --format parquet",
        "schema",
        "man",
        "completions bash",
        "report results/e",
        "--help",
        "check --help",
        "help compare",
        "--version",
    ]
    .map(words)
    .to_vec();
    for command in ["evaluate", "predict"] {
        for format in ["table", "json"] {
            let mut line = vec![command.to_owned(), model.clone()];
            if command == "predict" {
                line.push(image.clone());
            }
            line.extend(["--format".to_owned(), format.to_owned()]);
            all.push(line);
        }
    }
    all
}

fn trained() -> tempfile::TempDir {
    let tmp = tempfile::tempdir().unwrap();
    write(tmp.path(), "e.toml", SMALL);
    runner(tmp.path()).arg("e.toml").assert().success();
    image::RgbImage::new(8, 8)
        .save(tmp.path().join("image.png"))
        .unwrap();
    tmp
}

/// A pipe whose reader has gone.
fn closed_pipe() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

#[test]
fn a_reader_that_has_gone_ends_the_output_quietly() {
    let tmp = trained();
    let folder = tmp.path();
    let mut all = commands(folder);
    all.push(vec!["init".into(), "new.toml".into()]);
    for args in all {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let output = command(folder, &args).stdout(closed_pipe()).output();
        let output = output.unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", said(&output));
        assert!(
            !said(&output).contains("error"),
            "{args:?}: {}",
            said(&output)
        );
        let mut both = command(folder, &args);
        both.stdout(closed_pipe()).stderr(closed_pipe());
        let is_init = args[0] == "init";
        assert_eq!(
            both.status().unwrap().code(),
            Some(if is_init { 2 } else { 0 })
        );
    }
    for args in [&["check", "missing.toml"][..], &["compar"], &["compare"]] {
        let mut wrong = command(folder, args);
        wrong.stderr(closed_pipe()).stdout(closed_pipe());
        assert_eq!(wrong.status().unwrap().code(), Some(2), "{args:?}");
    }
}

#[test]
fn a_full_disk_is_one_line_and_status_1() {
    let tmp = trained();
    let folder = tmp.path();
    let full = || OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut all = commands(folder);
    all.push(vec!["init".into(), "new.toml".into()]);
    for args in all {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let output = command(folder, &args).stdout(full()).output().unwrap();
        let text = said(&output);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {text}");
        let errors = text.lines().filter(|line| line.contains("error: "));
        let errors: Vec<&str> = errors.collect();
        assert_eq!(errors.len(), 1, "{args:?}: {text}");
        assert!(errors[0].contains("No space left on device"), "{text}");
        let mut both = command(folder, &args);
        assert!(
            both.stdout(full())
                .stderr(full())
                .status()
                .unwrap()
                .code()
                .is_some()
        );
    }
}

/// A sweep of four runs whose terminal is `redirections` away; gives its exit status.
fn sweep(redirections: &str) -> Option<i32> {
    let tmp = tempfile::tempdir().unwrap();
    let axes = "[sweep.axes]\nseed = [0, 1, 2, 3]\n";
    write(tmp.path(), "e.toml", &format!("{SMALL}{axes}"));
    let script = format!("exec \"$0\" e.toml -v {redirections}");
    let status = Command::new("sh")
        .args(["-c", &script, env!("CARGO_BIN_EXE_runner")])
        .current_dir(tmp.path())
        .env("RUNNER_CACHE", tmp.path().join("cache"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let models = fs::read_dir(tmp.path().join("results/e/runs")).unwrap();
    assert_eq!(models.count(), 4);
    status.unwrap().code()
}

#[test]
fn training_needs_no_terminal() {
    for redirections in [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-", "2>/dev/full"] {
        assert_eq!(sweep(redirections), Some(0), "{redirections}");
    }
}

#[test]
fn a_reader_that_goes_away_in_the_middle_does_not_end_the_training() {
    let tmp = tempfile::tempdir().unwrap();
    let axes = "[sweep.axes]\nseed = [0, 1, 2, 3]\n";
    write(tmp.path(), "e.toml", &format!("{SMALL}{axes}"));
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut child = command(tmp.path(), &["e.toml", "-v"])
        .stdout(writer.try_clone().unwrap())
        .stderr(writer)
        .spawn()
        .unwrap();
    reader.read_exact(&mut [0]).unwrap();
    drop(reader);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let report = tmp.path().join("results/e/report.html");
    assert!(report.is_file());
}
