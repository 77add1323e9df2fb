//! Features change how long an experiment takes, and not one byte of what it leaves.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use polars::prelude::*;

use crate::common;
use crate::common::{runner, write};

/// 360 + 40 + 60 built-in digits; enough work for the training images' features to go to the cache folder.
const VGG: &str = r#"
dataset = { name = "digits", train_limit = 400, test_limit = 60 }
backbone = { arch = "vgg11_bn", weights = "random", input_size = 32 }
freeze = { through = "all" }
head = [
    { layer = "flatten" },
    { layer = "dropout", rate = 0.2 },
    { layer = "dense", units = "classes", activation = "softmax" },
]
training = { epochs = 2, batch_size = 31 }
"#;

fn squeezenet() -> String {
    VGG.replace("vgg11_bn", "squeezenet1_1")
        .replace("input_size = 32", "input_size = 192")
        .replace("flatten", "global_average_pooling")
}

/// What does not depend on the time: each run's model, and the tables' metrics.
#[derive(PartialEq)]
struct Left {
    models: Vec<(PathBuf, Vec<u8>)>,
    metrics: Vec<DataFrame>,
}

fn left(folder: &Path) -> Left {
    let results = folder.join("results/e");
    let mut runs: Vec<PathBuf> = fs::read_dir(results.join("runs"))
        .unwrap()
        .map(|run| run.unwrap().path())
        .collect();
    runs.sort();
    let model = |run: &PathBuf| {
        let name = run.strip_prefix(folder).unwrap().to_owned();
        (name, fs::read(run.join("model.safetensors")).unwrap())
    };
    let table = |name: &str, columns: &[&str]| {
        let file = File::open(results.join(name)).unwrap();
        let table = ParquetReader::new(file).finish().unwrap();
        table.select(columns.iter().copied()).unwrap()
    };
    let metrics = [
        "run",
        "epoch",
        "loss",
        "accuracy",
        "val_loss",
        "val_accuracy",
    ];
    Left {
        models: runs.iter().map(model).collect(),
        metrics: vec![
            table("metrics.parquet", &metrics),
            table("runs.parquet", &["run", "test_loss", "test_accuracy"]),
        ],
    }
}

/// Runs `spec` anew in `folder` and gives what it left and what it said.
fn run(folder: &Path, spec: &str, threads: &str, arguments: &[&str]) -> (Left, String) {
    write(folder, "e.toml", spec);
    let done = runner(folder)
        .env("RAYON_NUM_THREADS", threads)
        .args(["e.toml", "--fresh", "-v"])
        .args(arguments)
        .assert()
        .success();
    let said = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
    (left(folder), said)
}

#[test]
fn a_cache_folder_that_cannot_be_written_is_said_once_and_what_is_fast_counts_features() {
    let tmp = tempfile::tempdir().unwrap();
    write(tmp.path(), "cache", "a file in the place of the folder");
    let sweep = [
        "--set",
        "sweep.axes.\"freeze.through\"=[\"all\", \"block4_pool\"]",
    ];
    let (_, said) = run(tmp.path(), VGG, "2", &sweep);
    let warnings = said.lines().filter(|line| line.contains("WARN"));
    let warnings: Vec<&str> = warnings.collect();
    assert_eq!(warnings.len(), 1, "{said}");
    let says = "features cannot be kept in the cache folder, ";
    assert!(
        warnings[0].contains(says) && warnings[0].contains("cache/features: "),
        "{said}"
    );
    let epochs = |said: &str| -> Vec<bool> {
        let lines = said.lines().filter(|line| line.contains("images/s"));
        lines
            .map(|line| line.ends_with("images/s from kept features"))
            .collect()
    };
    assert_eq!(epochs(&said), [true; 4], "{said}");
    let (_, said) = run(tmp.path(), VGG, "2", &OFF);
    assert_eq!(epochs(&said), [false; 2], "{said}");
}

const OFF: [&str; 2] = ["--set", "features.memory=\"0\""];

fn kept_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder.join("cache/features"));
    let paths = entries.into_iter().flatten().map(|e| e.unwrap().path());
    paths.collect()
}

fn features_change_no_byte(spec: &str) {
    let (on, off) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (computed, _) = run(on.path(), spec, "2", &[]);
    assert_eq!(kept_files(on.path()).len(), 1, "the training images'");
    let (found, said) = run(on.path(), spec, "2", &[]);
    assert!(said.contains("found in the cache folder"), "{said}");
    let (carried, _) = run(off.path(), spec, "2", &OFF);
    assert!(kept_files(off.path()).is_empty());
    let (one_thread, _) = run(off.path(), spec, "1", &[]);
    assert!(computed == carried, "on and off");
    assert!(computed == found, "computed and from the cache folder");
    assert!(computed == one_thread, "2 threads and 1");
}

#[test]
fn vgg_is_the_same_with_features_without_and_from_the_cache() {
    features_change_no_byte(VGG);
}

#[test]
fn squeezenet_is_the_same_with_features_without_and_from_the_cache() {
    features_change_no_byte(&squeezenet());
}

#[test]
fn a_network_cut_inside_a_residual_block_is_the_same_with_features_without_and_from_the_cache() {
    let spec = VGG
        .replace("vgg11_bn", "resnet18")
        .replace("input_size = 32", "input_size = 80")
        .replace("through = \"all\"", "through = \"layer4.0.conv1\"")
        .replace("flatten", "pool");
    features_change_no_byte(&spec);
}

#[test]
fn a_network_that_trains_a_subset_is_the_same_with_features_without_and_from_the_cache() {
    let spec = VGG
        .replace("vgg11_bn", "resnet18")
        .replace("input_size = 32", "input_size = 80")
        .replace(
            "through = \"all\"",
            "train = [\"layer3.1.conv2\", \"layer4.*.bias\"]",
        )
        .replace("flatten", "pool");
    features_change_no_byte(&spec);
}

#[test]
fn features_computed_from_shallower_ones_are_the_same() {
    for (spec, shallow, deep) in [
        (VGG.to_owned(), "block2_pool", "block4_pool"),
        (squeezenet(), "pool3", "fire7"),
    ] {
        let axes = format!("[sweep.axes]\n\"freeze.through\" = [{shallow:?}, {deep:?}, \"all\"]\n");
        let spec = format!("{spec}\n{axes}")
            .replace("train_limit = 400", "train_limit = 100")
            .replace("input_size = 192", "input_size = 48")
            .replace("epochs = 2", "epochs = 1");
        let (on, off) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (deeper, said) = run(on.path(), &spec, "2", &[]);
        assert!(said.contains(&format!("{deep} from {shallow}")), "{said}");
        let (direct, _) = run(off.path(), &spec, "2", &OFF);
        assert_eq!(deeper.models.len(), 3);
        assert!(deeper == direct, "{deep} from {shallow}");
    }
}

#[test]
fn the_frozen_part_is_computed_once_whatever_the_split_and_its_seed() {
    let before = tempfile::tempdir().unwrap();
    let (first, _) = run(before.path(), VGG, "2", &[]);
    let (_, model) = &first.models[0];
    for method in ["stratified", "random", "tail"] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("backbone.safetensors"), model).unwrap();
        let spec = VGG
            .replace("\"random\", input", "\"backbone.safetensors\", input")
            .replace(
                "test_limit",
                &format!("validation = \"{method}\", test_limit"),
            );
        let spec = format!("{spec}\n[sweep.axes]\nseed = [0, 1, 2]\n");
        let (shared, _) = run(folder.path(), &spec, "2", &[]);
        let kept = kept_files(folder.path()).len();
        assert_eq!(kept, 1, "one file for all: {method}");
        // In the same folder, as a model says where its weights came from.
        let (carried, _) = run(folder.path(), &spec, "2", &OFF);
        assert_eq!(shared.models.len(), 3);
        assert!(shared == carried, "{method}");
    }
}

#[test]
fn where_not_all_features_find_room_some_do_and_no_byte_changes() {
    let folder = tempfile::tempdir().unwrap();
    let (off, _) = run(folder.path(), VGG, "2", &OFF);
    // 2 KiB an image, 400 training and validation images.
    for (memory, disk) in [("500KiB", "0"), ("1KiB", "500KiB")] {
        let room = format!("features={{ memory = \"{memory}\", disk = \"{disk}\" }}");
        let (some, said) = run(folder.path(), VGG, "2", &["--set", &room]);
        let told = said.lines().find(|line| line.contains("no room for more"));
        let told = told.unwrap_or_else(|| panic!("{said}"));
        assert!(
            told.contains("of the 360 training images are kept"),
            "{told}"
        );
        assert!(
            said.contains("of the 40 validation images are kept"),
            "{said}"
        );
        assert!(!said.contains("from kept features"), "{said}");
        assert!(off == some, "{room}");
        let kept = kept_files(folder.path());
        assert_eq!(kept.len(), usize::from(disk != "0"));
        let of_file = |path: &PathBuf| fs::metadata(path).unwrap().len();
        assert!(kept.iter().map(of_file).sum::<u64>() <= 500 << 10);
    }
    let again = ["--set", "features={ memory = \"1KiB\", disk = \"500KiB\" }"];
    let (found, said) = run(folder.path(), VGG, "1", &again);
    assert!(said.contains("found in the cache folder"), "{said}");
    assert!(off == found);
}

#[test]
fn a_damaged_file_is_warned_of_and_computed_again() {
    let folder = tempfile::tempdir().unwrap();
    let (first, _) = run(folder.path(), VGG, "2", &[]);
    let path = kept_files(folder.path()).remove(0);
    let whole = fs::read(&path).unwrap();
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 64;
    fs::write(&path, damaged).unwrap();
    let (second, said) = run(folder.path(), VGG, "2", &[]);
    assert!(said.contains("checksum is wrong"), "{said}");
    assert!(first == second);
    assert!(fs::read(&path).unwrap() == whole);
}

#[test]
fn with_augmentation_the_log_says_why_there_are_none() {
    let folder = tempfile::tempdir().unwrap();
    let small = ["--set", "augmentation.horizontal_flip=true"];
    let (_, said) = run(folder.path(), common::SMALL, "2", &small);
    let why = "features of the training images are not kept: augmentation changes";
    assert!(said.contains(why), "{said}");
    assert!(said.contains("features of the validation images"), "{said}");
}

#[test]
fn fixed_views_go_through_the_frozen_part_once_and_change_no_byte() {
    let folder = tempfile::tempdir().unwrap();
    let spec = VGG.replace("epochs = 2", "epochs = 5");
    let views = [
        "--set",
        "augmentation={ rotation = 20, random_resized_crop = {}, views = 2 }",
    ];
    let (kept, said) = run(folder.path(), &spec, "2", &views);
    for view in ["view 1 of 2", "view 2 of 2"] {
        assert!(said.contains(view), "{said}");
    }
    let off = [&views[..], &["--set", "features.memory=0"]].concat();
    let (computed, said) = run(folder.path(), &spec, "2", &off);
    assert!(!said.contains("view 1"), "{said}");
    assert!(kept == computed);
    let one = [
        "--set",
        "augmentation={ rotation = 20, random_resized_crop = {}, views = 1 }",
    ];
    assert!(run(folder.path(), &spec, "2", &one).0 != kept);
}

#[test]
fn check_says_where_features_go_and_why() {
    let folder = tempfile::tempdir().unwrap();
    let experiment = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/vgg16_ft.toml");
    let check = |set: &str| {
        let mut command = runner(folder.path());
        command.arg("check").arg(&experiment).args(["--set", set]);
        let output = command.assert().success().get_output().stdout.clone();
        String::from_utf8_lossy(&output).into_owned()
    };
    // 2 × 2 × 512 values of 4 bytes; validation images have theirs with the training images they are held out of.
    for (set, expected) in [
        (
            "features.memory=\"1GiB\"",
            "training, validation 390.6 MiB for 50,000, in memory and in the cache folder",
        ),
        (
            "features.memory=\"400MiB\"",
            "78.1 MiB for 10,000, in memory and in the cache folder",
        ),
        // What goes to the cache folder takes no memory.
        ("features.memory=\"100MiB\"", "kept features 78 MiB"),
        (
            "features={ memory = \"200MiB\", disk = \"0\" }",
            "390.6 MiB for 50,000: 195.3 MiB for 25,000 in memory, the others computed whenever they are needed",
        ),
        (
            "features.memory=\"0\"",
            "none: features.memory = \"0\" turns them off",
        ),
        (
            "freeze.through=none",
            "none: nothing worth caching is frozen",
        ),
        (
            "augmentation.horizontal_flip=true",
            "not kept: augmentation changes the images",
        ),
        (
            "augmentation={ horizontal_flip = true, views = 2 }",
            "training             703.1 MiB for 2 views of 45,000",
        ),
    ] {
        let text = check(set);
        assert!(text.contains(expected), "{set}: {expected} in:\n{text}");
    }
}

#[test]
fn of_processes_that_want_the_same_features_one_computes_and_the_others_wait() {
    let tmp = tempfile::tempdir().unwrap();
    let axes = "[sweep.axes]\n\"training.batch_size\" = [20, 31, 40]\n";
    write(tmp.path(), "e.toml", &format!("{VGG}\n{axes}"));
    let said = std::thread::scope(|scope| {
        let process = |results: &'static str| {
            let mut command = runner(tmp.path());
            command.args(["e.toml", "-v", "--results", results]);
            scope.spawn(move || common::said(&command.output().unwrap()))
        };
        let all = ["a", "b", "c"].map(process);
        all.map(|one| one.join().unwrap()).concat()
    });
    let through = "features of the training images through";
    let computed = said.lines().filter(|line| line.contains(through));
    let computed = computed.filter(|line| line.contains(" from the images"));
    assert_eq!(computed.count(), 1, "{said}");
    let found = said.matches("found in the cache folder").count();
    assert_eq!(found, 2, "{said}");
    assert_eq!(kept_files(tmp.path()).len(), 1);
}
