//! Classes of different sizes, through the real binary.

use std::fs;
use std::path::Path;
use std::process::Output;

use crate::common::survival::read_table;
use crate::common::{SMALL, runner, said, write};

/// A column of numbers of the only run of `e`.
fn column(folder: &Path, name: &str) -> Vec<f64> {
    let table = read_table(&folder.join("results/e/metrics.parquet"));
    let column = table.column(name).unwrap().f64().unwrap().clone();
    column.iter().flatten().collect()
}

/// Trains SMALL with more lines in `[training]` and beside it, in a folder of its own.
fn trained(more: &str, beside: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "e.toml",
        &format!("{beside}\n{SMALL}\n{more}\n"),
    );
    let output = runner(folder.path()).arg("e.toml").output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    folder
}

#[test]
fn weights_count_in_training_and_not_in_validation() {
    // Twice the gradient at half the rate is the same step, bit by bit.
    let sgd = |rate: &str| format!("optimizer = {{ name = \"sgd\", learning_rate = {rate} }}");
    let two: Vec<String> = (0..10).map(|class| format!("{class} = 2.0")).collect();
    let two = format!("class_weights = {{ {} }}", two.join(", "));
    let (plain, weighted) = (trained("", &sgd("0.5")), trained(&two, &sgd("0.25")));
    let of = |name| [&plain, &weighted].map(|folder| column(folder.path(), name)[0]);
    let [plain, weighted] = of("loss");
    assert_eq!(plain * 2.0, weighted);
    for name in ["val_loss", "accuracy", "val_accuracy"] {
        let [plain, weighted] = of(name);
        assert_eq!(plain.to_bits(), weighted.to_bits(), "{name}");
    }
}

#[test]
fn a_balanced_sampler_draws_the_same_with_kept_features_and_without() {
    let sampler = "sampler = \"balanced\"\nbatch_size = 7";
    let kept = trained(sampler, "");
    let computed = trained(sampler, "features = { memory = \"0\" }");
    let usual = trained("batch_size = 7", "");
    let losses = |folder: &tempfile::TempDir| column(folder.path(), "loss");
    assert_eq!(losses(&kept), losses(&computed));
    assert_ne!(losses(&kept), losses(&usual));
}

/// 24 dark photos and 2 bright ones, checked with more lines in `[training]`.
fn check(more: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    for (class, count, shade) in [("dark", 24, 20), ("bright", 2, 200)] {
        let class = folder.path().join("photos").join(class);
        fs::create_dir_all(&class).unwrap();
        for i in 0..count {
            let photo = image::RgbImage::from_pixel(8, 8, image::Rgb([shade + i, shade, shade]));
            photo.save(class.join(format!("{i}.png"))).unwrap();
        }
    }
    let photos = "name = \"image_folder\"\npath = \"photos\"\nvalidation_split = 0";
    let spec = SMALL.replace(
        "name = \"digits\"\ntrain_limit = 60\ntest_limit = 20",
        photos,
    );
    write(folder.path(), "e.toml", &format!("{spec}{more}\n"));
    runner(folder.path())
        .args(["check", "e.toml"])
        .output()
        .unwrap()
}

#[test]
fn very_different_sizes_are_said_unless_something_is_done_about_them() {
    let sizes =
        "the classes are of very different sizes: 24 training images of \"dark\", 2 of \"bright\"";
    let plain = said(&check(""));
    assert_eq!(plain.matches(sizes).count(), 1, "{plain}");
    for more in [
        "class_weights = \"balanced\"",
        "sampler = \"balanced\"",
        "class_weights = { bright = 9 }",
    ] {
        let output = check(more);
        assert!(output.status.success(), "{}", said(&output));
        assert!(!said(&output).contains("different sizes"), "{more}");
    }
}

#[test]
fn a_weight_of_a_class_that_there_is_not_is_answered_with_the_nearest() {
    let output = check("class_weights = { dark = 1, brigth = 9 }");
    let said = said(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    for part in [
        "there is no class \"brigth\"",
        "did you mean \"bright\"?",
        "e.toml:24:",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let output = check("class_weights = { dark = \"much\" }");
    assert_eq!(output.status.code(), Some(2));
}
