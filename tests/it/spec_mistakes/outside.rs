//! Keys from flags and variables, and paths.

use super::{DIGITS, checked, written};
use crate::common;

/// The same with a dataset that may lie in a folder.
fn mnist() -> String {
    DIGITS.replace("digits", "mnist")
}

#[test]
fn variables_that_can_be_no_key_are_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), DIGITS);
    for (name, warning) in [
        ("RUNNER_ALLOW_RUNASROOT", ""),
        ("RUNNER_ORG", ""),
        ("RUNNER_LABELS", ""),
        ("RUNNER_EPHEMERAL", ""),
        ("RUNNER_HOME", ""),
        (
            "RUNNER_TOOL__CACHE",
            "warning: RUNNER_TOOL__CACHE sets nothing",
        ),
        ("RUNNER__X", ""),
        ("RUNNER_EPOCHS", "did you mean RUNNER_TRAINING__EPOCHS?"),
        ("RUNNER_CACHE_DIR", "did you mean RUNNER_CACHE?"),
    ] {
        for value in ["1", ""] {
            let (said, code) = checked(&path, &[], &[("GITHUB_ACTIONS", "true"), (name, value)]);
            assert_eq!(code, 0, "{name}: {said}");
            assert!(said.contains(warning), "{name}: {said}");
            assert_eq!(said.contains("warning"), !warning.is_empty(), "{said}");
        }
    }
}

#[cfg(unix)]
#[test]
fn variables_that_are_no_text_are_named_where_they_set_a_key() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), DIGITS);
    for (name, code) in [("RUNNER_DATASET__PATH", 2), ("RUNNER_ORG", 0)] {
        let value = std::ffi::OsStr::from_bytes(b"/da\xffta");
        let mut command = common::runner(folder.path());
        let output = command.arg("check").arg(&path).env(name, value).output();
        let output = output.unwrap();
        assert_eq!(output.status.code(), Some(code), "{name}");
        assert_eq!(
            common::said(&output).contains("not text in UTF-8"),
            code == 2
        );
    }
}

#[test]
fn text_keys_take_any_text_from_flags_and_variables() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), DIGITS);
    for name in [
        "6063e25",
        "1e5",
        "3",
        "true",
        "nan",
        "inf",
        "007",
        "2024-01-01",
        "0x10",
        "1_000",
        "-1.5e3x",
        "[a]",
    ] {
        let expected = format!("experiment {name}:");
        // A name cannot begin with a dash; the others are taken as they are.
        for (said, code) in [
            checked(&path, &[&format!("name={name}")], &[]),
            checked(&path, &[], &[("RUNNER_NAME", name)]),
        ] {
            if name.starts_with('-') {
                assert!(code == 2 && said.contains(name), "{said}");
            } else {
                assert!(code == 0 && said.contains(&expected), "{name}: {said}");
            }
        }
    }
    for set in [
        "dataset.path=2024",
        "training.initial_weights=1e5",
        "backbone.weights=7",
        "dataset.name=image_folder",
    ] {
        let (said, code) = checked(&path, &[set], &[]);
        assert_eq!(code, 2);
        assert!(!said.contains("must be"), "{said}");
    }
    let photos = folder.path().join("photos");
    for class in ["1e5", "true", "6063e25"] {
        std::fs::create_dir_all(photos.join(class)).unwrap();
        for n in 0..4 {
            let image = image::RgbImage::from_pixel(40, 40, image::Rgb([n, 7, 9]));
            image
                .save(photos.join(class).join(format!("{n}.png")))
                .unwrap();
        }
    }
    let set = ["dataset.name=image_folder", "dataset.path=photos"];
    for (classes, shown) in [
        ("[1e5, true]", "1e5, true"),
        ("[6063e25, \"1e5\"]", "6063e25, 1e5"),
    ] {
        let classes = format!("dataset.classes={classes}");
        let (said, code) = checked(&path, &[set[0], set[1], &classes], &[]);
        assert!(code == 0 && said.contains(shown), "{said}");
    }
    let axis = "sweep.axes.\"dataset.path\"=[2024, 2025]";
    let (said, code) = checked(&path, &["dataset.name=mnist", axis], &[]);
    assert!(code == 2 && said.contains("2024 does not exist"), "{said}");
}

#[test]
fn the_home_folder_is_meant_by_a_tilde_wherever_a_path_stands() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    std::fs::create_dir(&home).unwrap();
    std::fs::write(home.join("base.toml"), mnist()).unwrap();
    let path = written(folder.path(), "extends = \"~/base.toml\"\n");
    let variables = [("HOME", home.to_str().unwrap())];
    let built_in = "dataset.name=digits";
    assert_eq!(checked(&path, &[built_in], &variables).1, 0);
    for set in [
        "dataset.path=~/nowhere",
        "training.initial_weights=~/nowhere",
        "backbone.weights=~/nowhere",
        "backbone.weights={ experiment = \"~/nowhere\" }",
        "sweep.axes.\"dataset.path\"=[\"~/nowhere\"]",
    ] {
        let (said, code) = checked(&path, &[set], &variables);
        let expected = format!("{}/nowhere does not exist", home.display());
        assert!(code == 2 && said.contains(&expected), "{set}: {said}");
    }
    for set in ["dataset.path=~nobody/x", "dataset.path=\"\""] {
        let (said, code) = checked(&path, &[set], &variables);
        assert!(code == 2 && said.contains("`dataset.path`"), "{said}");
    }
}

#[test]
fn a_path_that_is_not_there_is_explained_by_where_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), &mnist());
    for key in [
        "dataset.path",
        "training.initial_weights",
        "backbone.weights",
    ] {
        let set = format!("{key}=nowhere");
        let (said, _) = checked(&path, &[&set], &[]);
        assert!(said.contains(&format!("--> --set {set}")), "{said}");
        assert!(said.contains("starts in the current folder"), "{said}");
        assert!(!said.contains("file it stands in"), "{said}");
        let variable = format!("RUNNER_{}", key.replace('.', "__").to_uppercase());
        let (said, _) = checked(&path, &[], &[(&variable, "nowhere")]);
        assert!(said.contains("starts in the current folder"), "{said}");
    }
    let text = DIGITS.replace("\"digits\"", "\"mnist\"\npath = \"nowhere\"");
    let (said, _) = checked(&written(folder.path(), &text), &[], &[]);
    assert!(
        said.contains("the folder of the file it stands in"),
        "{said}"
    );
}
