//! What `check` says a run takes is not less than it takes, and not much more.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::common;

/// How many times as much as is taken an estimate may be.
const MOST: f64 = 1.15;

/// How often a run is done at most to see what it takes.
const TRIES: usize = 5;

/// What small runs may be off by besides, in MiB: how much of their scratch memory the threads touch depends on which of
/// them computes what.
const SMALL: f64 = 4.0;

const RUNS: [(&str, usize, &str, &str, usize); 18] = [
    ("vgg11", 32, "none", "adam", 16),
    ("vgg11_bn", 64, "none", "sgd", 8),
    ("vgg16", 32, "block4_pool", "adam", 32),
    ("squeezenet1_1", 224, "none", "sgd", 16),
    ("squeezenet1_1", 224, "all", "adam", 16),
    ("resnet18", 160, "none", "sgd", 8),
    ("resnet50", 96, "layer3", "adam", 8),
    ("mobilenetv2_100", 128, "none", "adam", 16),
    ("efficientnet_b0", 160, "all", "adam", 32),
    ("convnext_tiny", 96, "none", "adam", 8),
    ("vit_tiny_patch16_224", 224, "none", "rmsprop", 8),
    ("regnety_008", 128, "s3", "adam", 16),
    ("resnet18", 224, "all", "adam", 16),
    ("densenet121", 224, "all", "adam", 16),
    ("densenet121", 64, "none", "adam", 4),
    ("efficientnet_b0", 64, "none", "adam", 4),
    ("tf_efficientnet_lite0", 64, "none", "adam", 4),
    ("mobilenetv3_small_100", 64, "none", "adam", 4),
];

fn spec(arch: &str, size: usize, through: &str, optimizer: &str, batch: usize) -> String {
    let images = 4 * batch;
    format!(
        r#"
        dataset = {{ name = "digits", train_limit = {images}, test_limit = 8, validation_split = 0.25 }}
        backbone = {{ arch = "{arch}", weights = "random", input_size = {size} }}
        freeze = {{ through = "{through}" }}
        head = [{{ layer = "pool" }}, {{ layer = "dense", units = "classes", activation = "softmax" }}]
        optimizer = {{ name = "{optimizer}" }}
        training = {{ epochs = 2, batch_size = {batch} }}
        "#
    )
}

/// In MiB, from the line `memory  186 MiB (…)`.
fn estimate(check: &str) -> f64 {
    let line = check.lines().find_map(|line| line.strip_prefix("memory "));
    let words: Vec<&str> = line.unwrap().split_whitespace().collect();
    assert_eq!(words[1], "MiB");
    words[0].parse().unwrap()
}

const THREADS: &str = "RAYON_NUM_THREADS";

/// The most that the program takes to do the run from its start, in MiB, until it has ended. What this process takes counts
/// for it until it is the program, so that it is to be a small one.
fn measured(folder: &Path, threads: usize) -> f64 {
    let cache = tempfile::tempdir().unwrap();
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("runner"));
    command.current_dir(folder).args(["e.toml", "--fresh"]);
    command.env("RUNNER_CACHE", cache.path());
    command.env(THREADS, threads.to_string());
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let (pid, mut status) = (child.unwrap().id(), 0);
    // SAFETY: zeros are a value of it, and the child is this process's, which nothing else waits for.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        assert_eq!(
            libc::wait4(pid as i32, &mut status, 0, &mut usage),
            pid as i32
        );
        usage
    };
    assert_eq!(status, 0);
    usage.ru_maxrss as f64 / 1024.0
}

/// What `check` says that the run in a folder takes on so many threads, in MiB.
fn estimated(folder: &Path, threads: usize) -> f64 {
    let mut check = common::runner(folder);
    let check = check.env(THREADS, threads.to_string());
    let check = check.args(["check", "e.toml"]).output();
    estimate(&common::said(&check.unwrap()))
}

/// Compares the estimate with what the run in a folder takes; what is wrong with it.
///
/// Which thread computes what decides how much of the estimate a run takes, so one that takes little is done again.
fn compared(folder: &Path, what: &str) -> Option<String> {
    const THREADS: usize = 2;
    let estimate = estimated(folder, THREADS);
    let mut most = 0.0f64;
    for _ in 0..TRIES {
        most = most.max(measured(folder, THREADS));
        if estimate <= MOST * most + SMALL {
            break;
        }
    }
    let said = format!("{what}: estimated {estimate:.0} MiB, measured {most:.0} MiB");
    println!("{said}");
    let is_wrong = estimate < most || estimate > MOST * most + SMALL;
    is_wrong.then_some(said)
}

#[test]
fn a_run_takes_no_more_than_check_says_and_not_much_less() {
    if common::done_alone(a_run_takes_no_more_than_check_says_and_not_much_less) {
        return;
    }
    let mut wrong = Vec::new();
    for (arch, size, through, optimizer, batch) in RUNS {
        let folder = tempfile::tempdir().unwrap();
        let spec = spec(arch, size, through, optimizer, batch);
        fs::write(folder.path().join("e.toml"), spec).unwrap();
        let what = format!("{arch} {size} {through} {optimizer} {batch}");
        wrong.extend(compared(folder.path(), &what));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn averages_and_sums_of_gradients_count() {
    if common::done_alone(averages_and_sums_of_gradients_count) {
        return;
    }
    let mut wrong = Vec::new();
    // Checkpoints in the middle of a step have the sums, too.
    for keys in [
        "ema = 0.9",
        "accumulate = 3, checkpoint_minutes = 0",
        "ema = 0.9, accumulate = 3, checkpoint_minutes = 0",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let spec = spec("vgg11", 32, "none", "sgd", 4);
        let spec = spec.replace("epochs = 2,", &format!("epochs = 2, {keys},"));
        fs::write(folder.path().join("e.toml"), spec).unwrap();
        wrong.extend(compared(folder.path(), keys));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn each_thread_counts() {
    if common::done_alone(each_thread_counts) {
        return;
    }
    for (arch, size, through, optimizer, batch) in [RUNS[0], RUNS[3], RUNS[12]] {
        let folder = tempfile::tempdir().unwrap();
        let spec = spec(arch, size, through, optimizer, batch);
        fs::write(folder.path().join("e.toml"), spec).unwrap();
        let [few, many] = [2, 12].map(|threads| estimated(folder.path(), threads));
        let measured = measured(folder.path(), 12);
        println!("{arch}: estimated {few:.0} and {many:.0} MiB, measured {measured:.0} MiB");
        assert!(few < measured && measured <= many);
    }
}

/// Large photos in a folder per class, of noise as of a real scene for what a file takes.
fn photos(folder: &Path, ending: &str) {
    const WIDTH: u32 = 4000;
    let image = image::RgbImage::from_fn(WIDTH, 3000, |x, y| {
        let value = x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503);
        image::Rgb([(x / 16) as u8, (y / 16) as u8, (value >> 28) as u8])
    });
    for class in ["cat", "dog"] {
        let class = folder.join("photos").join(class);
        fs::create_dir_all(&class).unwrap();
        let first = class.join(format!("0.{ending}"));
        image.save(&first).unwrap();
        for i in 1..4 {
            fs::copy(&first, class.join(format!("{i}.{ending}"))).unwrap();
        }
    }
}

#[test]
fn large_photos_count_while_they_are_decoded() {
    if common::done_alone(large_photos_count_while_they_are_decoded) {
        return;
    }
    let mut wrong = Vec::new();
    for ending in ["jpg", "png"] {
        let folder = tempfile::tempdir().unwrap();
        photos(folder.path(), ending);
        let spec = spec("squeezenet1_1", 32, "all", "sgd", 4).replace(
            "name = \"digits\", train_limit = 16, test_limit = 8,",
            "name = \"image_folder\", path = \"photos\", ",
        );
        fs::write(folder.path().join("e.toml"), spec).unwrap();
        wrong.extend(compared(folder.path(), ending));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
