//! A run is known by what decides its result: what is there is kept, what is missing is done, nothing else.
#![cfg(unix)]

mod common;

use std::fs::{self, File};
use std::io::Write;

use common::survival::{Experiment, assert_same, column, read_table};
use common::{SMALL, write};
use polars::prelude::*;

/// An experiment on files of its own: photos and weights.
fn on_files() -> Experiment {
    let spec = SMALL
        .replace(
            "name = \"digits\"",
            "name = \"image_folder\"\npath = \"photos\"",
        )
        .replace("\"random\"", "\"w.safetensors\"");
    let experiment = Experiment::new(&spec);
    for (class, grey) in [("cat", 0), ("dog", 255)] {
        let folder = experiment.folder().join("photos").join(class);
        fs::create_dir_all(&folder).unwrap();
        for name in ["a.png", "b.png", "c.png"] {
            let image = image::RgbImage::from_pixel(8, 8, image::Rgb([grey, grey, grey]));
            let path = folder.join(name);
            image.save(&path).unwrap();
            // What comes after a PNG's end is not looked at.
            let mut file = File::options().append(true).open(path).unwrap();
            file.write_all(&[0]).unwrap();
        }
    }
    let random = Experiment::new(SMALL);
    random.finish();
    let model = random.runs()[0].join("model.safetensors");
    fs::copy(model, experiment.folder().join("w.safetensors")).unwrap();
    experiment
}

#[test]
fn a_moved_project_keeps_its_runs() {
    let experiment = on_files();
    experiment.finish();
    let moved = experiment.moved_to("elsewhere");
    let said = moved.finish();
    assert!(said.contains("1 of 1 runs are finished already"), "{said}");
    assert_eq!(moved.runs().len(), 1);
}

#[test]
fn other_weights_or_images_are_another_run_and_the_old_one_stays() {
    let experiment = on_files();
    experiment.finish();
    let weights = experiment.folder().join("w.safetensors");
    let mut bytes = fs::read(&weights).unwrap();
    // A low bit of a weight.
    let at = bytes.len() - 4;
    bytes[at] ^= 1;
    fs::write(&weights, bytes).unwrap();
    experiment.finish();
    assert_eq!(experiment.runs().len(), 2);
    let photos = experiment.folder().join("photos/cat");
    fs::rename(photos.join("a.png"), photos.join("d.png")).unwrap();
    experiment.finish();
    assert_eq!(experiment.runs().len(), 3);
    // The same name and size.
    let mut bytes = fs::read(photos.join("b.png")).unwrap();
    *bytes.last_mut().unwrap() = 1;
    fs::write(photos.join("b.png"), bytes).unwrap();
    experiment.finish();
    assert_eq!(experiment.runs().len(), 4);
    assert_eq!(column(&experiment, "status"), ["finished"; 4]);
}

#[test]
fn what_cannot_change_the_result_does_not_change_the_run() {
    let experiment = Experiment::new(SMALL);
    experiment.finish();
    let same = [
        "training.device=cpu",
        "training.checkpoint_minutes=1",
        "features.memory=0",
        "tracking.tensorboard=true",
    ];
    for set in same {
        let output = experiment.command().args(["--set", set]).output().unwrap();
        assert!(output.status.success());
    }
    assert_eq!(experiment.runs().len(), 1);
    let output = experiment.command().args(["--set", "seed=1"]).output();
    assert!(output.unwrap().status.success());
    assert_eq!(experiment.runs().len(), 2);
}

#[test]
fn fresh_says_what_it_deletes_and_goes_on_from_no_leftover() {
    let spec = SMALL.replace("epochs = 1", "epochs = 3");
    let (whole, _) = Experiment::uninterrupted(&spec);
    let experiment = Experiment::new(&spec);
    experiment.die_at("checkpoint:2:renamed");
    let output = experiment
        .command()
        .args(["--fresh", "-q"])
        .output()
        .unwrap();
    assert!(output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let run = experiment.runs()[0].file_name().unwrap().to_owned();
    assert!(
        said.contains("--fresh deletes") && said.contains(run.to_str().unwrap()),
        "{said}"
    );
    assert_eq!(experiment.log().matches("\"training\"").count(), 1);
    assert!(experiment.log().contains("\"epochs\":0,\"batches\":0"));
    assert_same(&experiment, &whole);
}

#[test]
fn results_of_an_older_format_are_refused_and_left_alone() {
    let experiment = Experiment::new(SMALL);
    experiment.finish();
    let path = experiment.results().join("runs.parquet");
    let mut old = read_table(&path);
    ParquetWriter::new(File::create(&path).unwrap())
        .finish(&mut old)
        .unwrap();
    let bytes = fs::read(&path).unwrap();
    for arguments in [&[][..], &["--fresh"]] {
        let output = experiment.command().args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            said.contains("runs.parquet") && said.contains("--results"),
            "{said}"
        );
        assert_eq!(fs::read(&path).unwrap(), bytes);
        assert!(experiment.runs()[0].join("model.safetensors").exists());
    }
}

#[test]
fn two_runs_whose_files_hold_the_same_are_refused() {
    let experiment = on_files();
    let folder = experiment.folder();
    fs::create_dir(folder.join("copy")).unwrap();
    fs::copy(
        folder.join("w.safetensors"),
        folder.join("copy/w.safetensors"),
    )
    .unwrap();
    let spec = fs::read_to_string(folder.join("e.toml")).unwrap();
    let axis = "[sweep.axes]\n\"backbone.weights\" = [\"w.safetensors\", \"copy/w.safetensors\"]\n";
    write(folder, "e.toml", &format!("{spec}{axis}"));
    let output = experiment.run();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("two runs of the sweep are the same"),
        "{said}"
    );
}
