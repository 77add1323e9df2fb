//! A run is known by what decides its result: what is there is kept, what is missing is done, nothing else.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Output;

use polars::prelude::*;
use runner::model::weights::{self, HostTensor};

use crate::common;
use crate::common::server::{Answer, Server};
use crate::common::survival::{Experiment, assert_same, column, read_table};
use crate::common::{SMALL, write};

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
    assert!(said.contains("the run is finished already"), "{said}");
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
fn a_run_stays_the_same_when_the_sweep_gets_or_loses_an_axis() {
    let axes = |axes: &str| format!("{SMALL}\n[sweep.axes]\n{axes}");
    let experiment = Experiment::new(&axes("seed = [0, 1]"));
    experiment.finish();
    let sweep = |text: &str| {
        write(experiment.folder(), "e.toml", &axes(text));
        experiment.finish();
    };
    sweep("seed = [0, 1]\n\"optimizer.learning_rate\" = [0.001, 0.01]");
    assert_eq!(experiment.runs().len(), 4);
    let rates = |experiment: &Experiment| {
        let table = read_table(&experiment.results().join("runs.parquet"));
        let rates = table.column("optimizer.learning_rate").unwrap();
        rates.f64().unwrap().iter().flatten().collect::<Vec<_>>()
    };
    assert_eq!(rates(&experiment), [0.001, 0.01, 0.001, 0.01]);
    sweep("\"optimizer.learning_rate\" = [0.001, 0.01]");
    write(experiment.folder(), "e.toml", SMALL);
    experiment.finish();
    assert_eq!(experiment.runs().len(), 4);
}

#[test]
fn fresh_says_what_it_deletes_and_resumes_from_no_leftover() {
    let spec = SMALL.replace("epochs = 1", "epochs = 3");
    let (whole, _) = Experiment::uninterrupted(&spec);
    let experiment = Experiment::new(&spec);
    experiment.die_at("checkpoint:2:renamed");
    let output = experiment.command().arg("--fresh").output().unwrap();
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

/// A hub with VGG-11's weights, all of the same value.
fn hub(value: f32) -> Server {
    let shapes = [
        (0, 64, 3),
        (3, 128, 64),
        (6, 256, 128),
        (8, 256, 256),
        (11, 512, 256),
        (13, 512, 512),
        (16, 512, 512),
        (18, 512, 512),
    ];
    let mut tensors = BTreeMap::new();
    for (n, output, input) in shapes {
        for (name, shape) in [
            ("weight", vec![output, input, 3, 3]),
            ("bias", vec![output]),
        ] {
            let data = vec![value; shape.iter().product()];
            tensors.insert(format!("features.{n}.{name}"), HostTensor { shape, data });
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    weights::save(&path, &tensors, &BTreeMap::new()).unwrap();
    let (bytes, tag) = (fs::read(path).unwrap(), format!("\"{value}\""));
    let commit = format!("X-Repo-Commit: {COMMIT}");
    Server::start(move |request| Answer::file(request, &bytes, &tag).with(&commit))
}

/// What the hub says that its files are of.
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

fn finish_with(experiment: &Experiment, hub: &Server) -> Output {
    let mut command = experiment.command();
    command
        .env("HF_ENDPOINT", hub.url(""))
        .env("RUNNER_PATIENCE", "0.01");
    command.output().unwrap()
}

#[test]
fn weights_from_the_network_are_part_of_the_identity() {
    let spec = SMALL
        .replace("squeezenet1_1", "vgg11")
        .replace("\"random\"", "\"imagenet\"");
    let experiment = Experiment::new(&spec);
    let (one, other) = (hub(0.01), hub(0.02));
    assert!(finish_with(&experiment, &one).status.success());
    assert_eq!(experiment.runs().len(), 1);
    // Known from the cache: nothing is asked for, and the same run is found.
    let asked = one.requests().len();
    let said = common::said(&finish_with(&experiment, &one));
    assert!(said.contains("the run is finished already"), "{said}");
    assert_eq!(one.requests().len(), asked);
    // Another machine, another mirror.
    fs::remove_dir_all(experiment.folder().join("cache")).unwrap();
    assert!(finish_with(&experiment, &other).status.success());
    assert_eq!(experiment.runs().len(), 2);
    // The weights alone were lost, and the mirror now has others.
    let files = all_files(&experiment.folder().join("cache/weights"));
    for file in files
        .iter()
        .filter(|f| f.extension().is_some_and(|e| e == "safetensors"))
    {
        fs::remove_file(file).unwrap();
    }
    let output = finish_with(&experiment, &one);
    assert_eq!(output.status.code(), Some(1));
    let said = common::said(&output);
    assert!(
        said.contains("is not the one that was downloaded first"),
        "{said}"
    );
}

#[test]
fn a_named_repository_is_known_by_what_came_and_recorded_with_its_commit() {
    let named = |weights: &str| {
        let spec = SMALL.replace("squeezenet1_1", "vgg11");
        Experiment::new(&spec.replace("random", weights))
    };
    let experiment = named("timm/vgg11.tv_in1k");
    let check = || {
        let mut command = common::runner(experiment.folder());
        common::said(&command.args(["check", "e.toml"]).output().unwrap())
    };
    let (one, other) = (hub(0.01), hub(0.02));
    assert!(check().contains("timm/vgg11.tv_in1k (at main, as it is when they are downloaded;"));
    assert!(finish_with(&experiment, &one).status.success());
    assert!(check().contains(&format!("(at main: commit {COMMIT}, in the cache;")));
    let log = experiment.log();
    let line = log.lines().find(|line| line.contains("\"weights\""));
    let line: serde_json::Value = serde_json::from_str(line.unwrap()).unwrap();
    let contents = &column(&experiment, "contents")[0];
    let contents: serde_json::Value = serde_json::from_str(contents).unwrap();
    assert_eq!(
        (&line["repository"], &line["revision"], &line["commit"]),
        (&"timm/vgg11.tv_in1k".into(), &"main".into(), &COMMIT.into())
    );
    assert_eq!(line["contents"], contents["backbone.weights"], "{line}");
    // The catalog's are the same bytes, so the same run.
    let ids = |experiment: &Experiment| {
        let runs = experiment.runs();
        let name = |run: &PathBuf| run.file_name().unwrap().to_owned();
        runs.iter().map(name).collect::<Vec<_>>()
    };
    let catalog = named("imagenet");
    assert!(finish_with(&catalog, &one).status.success());
    assert_eq!(ids(&catalog), ids(&experiment));
    // Another mirror has others.
    fs::remove_dir_all(experiment.folder().join("cache")).unwrap();
    assert!(finish_with(&experiment, &other).status.success());
    assert_eq!(experiment.runs().len(), 2);
}

#[test]
fn check_downloads_no_weights_and_says_that_names_will_change() {
    let spec = SMALL
        .replace("squeezenet1_1", "vgg11")
        .replace("\"random\"", "\"imagenet\"");
    let experiment = Experiment::new(&spec);
    let hub = hub(0.01);
    let check = || {
        let mut command = common::runner(experiment.folder());
        let command = command
            .args(["check", "e.toml"])
            .env("HF_ENDPOINT", hub.url(""));
        common::said(&command.output().unwrap())
    };
    assert!(check().contains("not in the cache yet"));
    assert!(hub.requests().is_empty());
    assert!(finish_with(&experiment, &hub).status.success());
    let name = experiment.runs()[0].file_name().unwrap().to_owned();
    let text = check();
    assert!(
        text.contains(name.to_str().unwrap()) && !text.contains("not in the cache yet"),
        "{text}"
    );
}

fn all_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let files = entries.map(|path| {
        if path.is_dir() {
            all_files(&path)
        } else {
            vec![path]
        }
    });
    files.flatten().collect()
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
