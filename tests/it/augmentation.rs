//! Training images changed at random.

use std::fs;
use std::path::Path;

use crate::common::{SMALL, runner, said, write};

/// Every change there is.
const ALL: &str = "[augmentation]
horizontal_flip = true
vertical_flip = true
rotation = 20
random_crop_padding = 2
random_resized_crop = { scale = [0.3, 1.0] }
color_jitter = { brightness = 0.4, contrast = 0.4, saturation = 0.4, hue = 0.1 }
trivial_augment = true
random_erasing = 0.5
mixup = 0.2
cutmix = 1.0
";

/// The model that a spec trains with so many threads.
fn model(spec: &str, threads: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "e.toml", spec);
    let mut command = runner(folder.path());
    let command = command.env("RAYON_NUM_THREADS", threads).arg("e.toml");
    command.assert().success();
    let run = fs::read_dir(folder.path().join("results/e/runs")).unwrap();
    let run = run.map(|run| run.unwrap().path()).next().unwrap();
    fs::read(run.join("model.safetensors")).unwrap()
}

#[test]
fn changes_are_the_same_for_any_number_of_threads() {
    let spec = format!("{}{ALL}", SMALL.replace("epochs = 1", "epochs = 2"));
    let one = model(&spec, "1");
    assert!(one == model(&spec, "4"));
    for part in ["mixup = 0.2\n", "cutmix = 1.0\n", "random_erasing = 0.5\n"] {
        assert!(one != model(&spec.replace(part, ""), "4"), "{part}");
    }
}

/// How many pictures the sheet of a spec has, and what it says.
fn sheet(spec: &str, arguments: &[&str]) -> (usize, String) {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "e.toml", spec);
    let mut command = runner(folder.path());
    let output = command.args(["check", "e.toml"]).args(arguments).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", said(&output));
    assert!(!folder.path().join("results").exists());
    let file = arguments[0].split('=').nth(1).unwrap_or("pictures.html");
    let page = fs::read_to_string(folder.path().join(Path::new(file))).unwrap();
    (page.matches("<img ").count(), page)
}

#[test]
fn check_writes_a_sheet_of_what_the_network_sees() {
    // 24 images in six epochs.
    let (pictures, page) = sheet(&format!("{SMALL}{ALL}"), &["--pictures"]);
    assert_eq!(pictures, 24 * 6);
    for part in [
        "trivial_augment = true",
        "epoch 6",
        "alt=\"7, epoch 1\"",
        "is not shown",
    ] {
        assert!(page.contains(part), "{part}");
    }
    let views = format!("{SMALL}[augmentation]\nrotation = 20\nviews = 2\n");
    assert_eq!(sheet(&views, &["--pictures=seen.html"]).0, 24 * 2);
    let (pictures, page) = sheet(SMALL, &["--pictures"]);
    assert_eq!(pictures, 24);
    assert!(page.contains("the same in every epoch"));
}

#[test]
fn a_sheet_that_cannot_be_written_is_said_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "e.toml", SMALL);
    let mut command = runner(folder.path());
    let output = command
        .args(["check", "e.toml", "--pictures=no/such/folder.html"])
        .output()
        .unwrap();
    let text = said(&output);
    assert!(text.contains("cannot write no/such/folder.html"), "{text}");
    assert_eq!(output.status.code(), Some(1));
}
