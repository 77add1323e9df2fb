//! `training.save`: which runs' models are kept.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::survival::{Experiment, column, read_table, table};
use crate::common::{SMALL, runner, said, write};

fn sweep(save: &str) -> String {
    let spec = SMALL.replace("epochs = 1", &format!("epochs = 1\n{save}"));
    format!("{spec}\n[sweep.axes]\nseed = [0, 1]\n\"optimizer.learning_rate\" = [1e-3, 1e-2]\n")
}

/// The ids of the runs that have their models.
fn kept(experiment: &Experiment) -> Vec<String> {
    let runs = experiment.runs().into_iter();
    let with_model = runs.filter(|run| run.join("model.safetensors").is_file());
    with_model.map(|run| name(&run)).collect()
}

fn name(run: &Path) -> String {
    run.file_name().unwrap().to_string_lossy().into_owned()
}

/// How often runs were started.
fn starts(experiment: &Experiment) -> usize {
    let log = |run: PathBuf| fs::read_to_string(run.join("log.jsonl")).unwrap();
    let logs: Vec<String> = experiment.runs().into_iter().map(log).collect();
    logs.concat().matches("\"event\":\"started\"").count()
}

fn asked_of(experiment: &Experiment, words: &[&str]) -> String {
    said(&runner(experiment.folder()).args(words).output().unwrap())
}

/// What `predict` answers for a digit's picture with a model.
fn answer(experiment: &Experiment, model: &Path) -> String {
    let picture = image::GrayImage::from_fn(8, 8, |x, y| image::Luma([(x * y * 4) as u8]));
    picture.save(experiment.folder().join("a.png")).unwrap();
    let model = model.to_str().unwrap();
    let said = asked_of(experiment, &["predict", model, "a.png", "--format", "json"]);
    // Without the model's own path.
    match said.split_once("\"images\"") {
        Some((_, answer)) => answer.to_owned(),
        None => said,
    }
}

#[cfg(unix)]
#[test]
fn frozen_tensors_are_kept_once_and_every_model_is_opened_as_ever() {
    use std::os::unix::fs::MetadataExt;
    let spec =
        |save: &str| sweep(save).replace("seed = [0, 1]", "\"training.batch_size\" = [20, 30]");
    let (all, _) = Experiment::uninterrupted(&spec(""));
    let (shared, _) = Experiment::uninterrupted(&spec("save = \"shared\""));
    let kept: Vec<_> = fs::read_dir(shared.results().join("tensors"))
        .unwrap()
        .collect();
    assert_eq!(kept.len(), 1);
    let inode = |path: &Path| fs::metadata(path).unwrap().ino();
    for (one, other) in all.runs().iter().zip(shared.runs()) {
        let beside = other.join("frozen.safetensors");
        assert_eq!(inode(&beside), inode(&kept[0].as_ref().unwrap().path()));
        let size = |run: &Path| fs::metadata(run.join("model.safetensors")).unwrap().len();
        assert!(
            size(&other) < size(one) / 20,
            "{} of {}",
            size(&other),
            size(one)
        );
        assert_eq!(answer(&shared, &other), answer(&all, one));
    }
    let run = shared.runs().remove(0);
    let alone = shared.folder().join("alone.safetensors");
    fs::copy(run.join("model.safetensors"), &alone).unwrap();
    let text = answer(&shared, &alone);
    assert!(
        text.contains("frozen.safetensors is not there: copy it, too"),
        "{text}"
    );
    fs::write(shared.folder().join("frozen.safetensors"), "another").unwrap();
    let text = answer(&shared, &alone);
    assert!(text.contains("frozen.safetensors is damaged"), "{text}");
    fs::copy(
        run.join("frozen.safetensors"),
        shared.folder().join("frozen.safetensors"),
    )
    .unwrap();
    assert_eq!(answer(&shared, &alone), answer(&shared, &run));
    // What is damaged is not handed on, and what is missing is made again.
    fs::write(kept[0].as_ref().unwrap().path(), "damaged").unwrap();
    fs::remove_dir_all(&run).unwrap();
    let other = shared.runs().remove(0);
    fs::remove_file(other.join("frozen.safetensors")).unwrap();
    shared.finish();
    for run in [&run, &other] {
        let of_all = all.results().join("runs").join(run.file_name().unwrap());
        assert_eq!(answer(&shared, run), answer(&all, &of_all));
    }
    // What no model has any more is removed, though not at once.
    let of_kept = kept[0].as_ref().unwrap().path();
    let hour = std::time::Duration::from_secs(2 * 3600);
    let file = fs::File::options().write(true).open(&of_kept).unwrap();
    file.set_modified(std::time::SystemTime::now() - hour)
        .unwrap();
    shared.finish();
    assert!(of_kept.exists());
    fs::remove_dir_all(shared.results().join("runs")).unwrap();
    write(shared.folder(), "e.toml", &spec("save = \"none\""));
    shared.finish();
    assert!(!of_kept.exists());
}

#[test]
fn the_best_run_keeps_its_model_and_all_keep_their_numbers() {
    let (all, _) = Experiment::uninterrupted(&sweep(""));
    let experiment = Experiment::new(&sweep("save = \"best\""));
    experiment.finish();
    let best = kept(&experiment);
    let [best] = &best[..] else {
        panic!("{best:?}");
    };
    assert_eq!(column(&experiment, "run"), column(&all, "run"));
    for file in ["metrics.parquet", "predictions.parquet"] {
        let table = |e: &Experiment| table(&e.results().join(file));
        assert!(table(&experiment).equals_missing(&table(&all)), "{file}");
    }
    // By the numbers: the setting with the higher mean, of it the run with the higher value.
    let table = read_table(&experiment.results().join("runs.parquet"));
    let values = table.column("val_accuracy").unwrap().f64().unwrap();
    let values: Vec<f64> = values.iter().flatten().collect();
    let rates = table
        .column("optimizer.learning_rate")
        .unwrap()
        .f64()
        .unwrap();
    let mean = |rate: Option<f64>| {
        let of_rate = rates
            .iter()
            .zip(&values)
            .filter(|(found, _)| *found == rate);
        of_rate.map(|(_, value)| value).sum::<f64>()
    };
    let at = column(&experiment, "run")
        .iter()
        .position(|run| run == best)
        .unwrap();
    let rate = rates.get(at);
    for (row, value) in values.iter().enumerate() {
        assert!(mean(rate) >= mean(rates.get(row)), "{table}");
        assert!(rates.get(row) != rate || values[at] >= *value, "{table}");
    }
    // What is done is not done again, though its model is not there.
    assert_eq!(starts(&experiment), 4);
    experiment.finish();
    assert_eq!(
        (starts(&experiment), kept(&experiment)),
        (4, vec![best.clone()])
    );
}

#[test]
fn models_that_a_process_left_behind_are_removed_by_the_next() {
    let (experiment, _) = Experiment::uninterrupted(&sweep(""));
    assert_eq!(kept(&experiment).len(), 4);
    write(experiment.folder(), "e.toml", &sweep("save = \"best\""));
    experiment.finish();
    assert_eq!((kept(&experiment).len(), starts(&experiment)), (1, 4));
    write(experiment.folder(), "e.toml", &sweep("save = \"none\""));
    experiment.finish();
    assert_eq!((kept(&experiment).len(), starts(&experiment)), (0, 4));
}

#[test]
fn a_model_that_was_not_kept_says_how_to_have_it() {
    let experiment = Experiment::new(&sweep("save = \"none\""));
    let text = said(&experiment.run());
    assert!(
        text.contains("tables ") && !text.contains("models "),
        "{text}"
    );
    assert!(kept(&experiment).is_empty() && experiment.checkpoints().is_empty());
    let run = experiment.runs().remove(0);
    let path = run.to_string_lossy().into_owned();
    let remedy = format!(
        "(training.save = \"none\"): the experiment's spec with --only {} --set training.save=all",
        name(&run)
    );
    for words in [
        &["evaluate", &path][..],
        &["predict", &path, "x.png"],
        &["embed", &path, "x.png", "-o", "x.parquet"],
        &["export", &path, "--format", "onnx"],
        &["evaluate", &format!("{path}/model.safetensors")],
    ] {
        let text = asked_of(&experiment, words);
        assert!(text.contains(&remedy), "{text}");
    }
    let again = [
        "e.toml",
        "--only",
        &name(&run),
        "--set",
        "training.save=all",
    ];
    let output = experiment.command().args(&again[1..]).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(kept(&experiment), [name(&run)]);
    assert!(!asked_of(&experiment, &["evaluate", &path]).contains("not kept"));
}

#[test]
fn an_experiment_whose_models_are_not_kept_is_not_built_on() {
    let second = SMALL.replace("\"random\"", "{ experiment = \"first.toml\" }");
    let experiment = Experiment::new(&second);
    for save in ["best", "none"] {
        write(
            experiment.folder(),
            "first.toml",
            &sweep(&format!("save = \"{save}\"")),
        );
        let output = experiment.command().output().unwrap();
        let text = said(&output);
        assert_eq!(output.status.code(), Some(2), "{text}");
        let says = format!(
            "first keeps no model for every run: training.save = \"all\" there, instead of \"{save}\""
        );
        assert!(
            text.contains(&says) && text.contains("weights = "),
            "{text}"
        );
    }
}
