//! `[resize]` and what is `pretrained`, through the real binary.

use std::fs::{self, File};
use std::path::Path;

use polars::prelude::*;
use serde_json::Value;

use crate::common::{SMALL, runner, said, write};

/// What `runner check` says with these keys set, and whether it is content.
fn check(folder: &Path, set: &[&str]) -> (String, bool) {
    let mut process = runner(folder);
    process.args(["check", "e.toml"]);
    process.args(set.iter().flat_map(|set| ["--set", set]));
    let output = process.output().unwrap();
    (said(&output), output.status.success())
}

/// The names of the runs in a plan.
fn ids(plan: &str) -> Vec<String> {
    let lines = plan
        .lines()
        .filter(|line| line.contains("trained parameters"));
    let id = |line: &str| line.split_whitespace().next().unwrap().to_owned();
    lines.map(id).collect()
}

/// Wide photos whose class shows at the edges alone.
fn photos(folder: &Path) {
    for (class, edge) in [("dark", 20u8), ("bright", 230)] {
        for i in 0..6u32 {
            let path = folder.join(class).join(format!("{i}.png"));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let image = image::RgbImage::from_fn(64, 32, |x, _| {
                let is_edge = !(16..48).contains(&x);
                image::Rgb([if is_edge { edge } else { 100 + i as u8 }; 3])
            });
            image.save(path).unwrap();
        }
    }
}

#[test]
fn what_says_no_more_than_the_default_leaves_runs_their_names() {
    let tmp = tempfile::tempdir().unwrap();
    write(tmp.path(), "e.toml", SMALL);
    let ids = |set: &[&str]| ids(&check(tmp.path(), set).0);
    let usual = ids(&[]);
    assert_eq!(usual, ["run-ef4f3dbc"]);
    assert_eq!(
        ids(&["resize.method=squash", "resize.interpolation=bilinear"]),
        usual
    );
    assert_ne!(ids(&["resize.method=crop"]), usual);
    assert_ne!(ids(&["resize.interpolation=bicubic"]), usual);
}

#[test]
fn a_saved_model_crops_as_it_learned() {
    let tmp = tempfile::tempdir().unwrap();
    photos(&tmp.path().join("photos"));
    let spec = SMALL.replace(
        "name = \"digits\"\ntrain_limit = 60\ntest_limit = 20",
        "name = \"image_folder\"\npath = \"photos\"\ntest_split = 0.5\nvalidation_split = 0",
    );
    let sweep = "[sweep.axes]\n\"resize.method\" = [\"squash\", \"crop\", \"pad\"]\n";
    write(tmp.path(), "e.toml", &format!("{spec}{sweep}"));
    runner(tmp.path()).arg("e.toml").assert().success();
    let file = File::open(tmp.path().join("results/e/predictions.parquet")).unwrap();
    let table = ParquetReader::new(file).finish().unwrap();
    let text = |column: &str, row: usize| {
        let column = table.column(column).unwrap().str().unwrap();
        column.get(row).unwrap().to_owned()
    };
    let recorded = table
        .column("probability")
        .unwrap()
        .cast(&DataType::Float64)
        .unwrap();
    let mut found = std::collections::BTreeMap::new();
    for row in 0..table.height() {
        let (run, photo) = (text("run", row), text("file", row));
        let model = format!("results/e/runs/{run}");
        let photo = format!("photos/{photo}");
        let output = runner(tmp.path())
            .args(["predict", &model, &photo, "--format", "json"])
            .output()
            .unwrap();
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        let first = &answer["images"][0]["predictions"][0];
        let probability = first["probability"].as_f64().unwrap();
        let expected = recorded.f64().unwrap().get(row).unwrap();
        assert!((probability - expected).abs() < 1e-6, "{run} {photo}");
        found
            .entry(run)
            .or_insert_with(Vec::new)
            .push(first["class"].to_string());
    }
    // What is cropped away cannot be told apart.
    let (_, cropped) = found.iter().find(|(run, _)| run.contains("crop")).unwrap();
    assert!(
        cropped.iter().all(|class| *class == cropped[0]),
        "{cropped:?}"
    );
}

#[test]
fn what_is_pretrained_is_the_weights_own_and_shown() {
    let tmp = tempfile::tempdir().unwrap();
    let spec = SMALL
        .replace("squeezenet1_1", "tf_efficientnet_lite0")
        .replace("\"random\"", "\"imagenet\"")
        .replace("input_size = 32", "input_size = 224");
    write(tmp.path(), "e.toml", &spec);
    let pretrained = [
        "resize.method=pretrained",
        "normalization.scheme=pretrained",
    ];
    let (text, good) = check(tmp.path(), &pretrained);
    let line = "images                 shorter side to 256, the centre of 224 × 224 taken, bicubic; mean 0.5, \
                standard deviation 0.5 (pretrained: timm/tf_efficientnet_lite0.in1k)";
    assert!(good && text.contains(line), "{text}");
    assert!(!text.contains("this spec has"), "{text}");
    let pool = "head.0.layer=pool";
    let with = |more: &str| check(tmp.path(), &[&pretrained[..], &[pool, more]].concat()).0;
    let text = with("backbone.arch=vit_tiny_patch16_224");
    assert!(text.contains("shorter side to 248"), "{text}");
    let text = with("backbone.arch=resnet18");
    let line = "shorter side to 235, the centre of 224 × 224 taken, bicubic; mean 0.485 0.456 0.406, \
                standard deviation 0.229 0.224 0.225 (pretrained: timm/resnet18.a1_in1k)";
    assert!(text.contains(line), "{text}");
    let text = with("backbone.weights=random");
    assert!(
        text.contains("random weights have seen no images")
            && text.contains("(pretrained: taken as for timm/tf_efficientnet_lite0.in1k)"),
        "{text}"
    );
}

#[test]
fn what_is_pretrained_of_a_saved_model_is_what_it_learned_from() {
    let tmp = tempfile::tempdir().unwrap();
    let more = "[resize]\nmethod = \"crop\"\ncrop = 0.5\n[normalization]\nscheme = \"caffe\"\n";
    write(tmp.path(), "first.toml", &format!("{SMALL}{more}"));
    runner(tmp.path()).arg("first.toml").assert().success();
    let mut runs = fs::read_dir(tmp.path().join("results/first/runs")).unwrap();
    let model = runs
        .next()
        .unwrap()
        .unwrap()
        .path()
        .join("model.safetensors");
    let own = "[resize]\nmethod = \"pretrained\"\n[normalization]\nscheme = \"pretrained\"\n";
    write(tmp.path(), "e.toml", &format!("{SMALL}{own}"));
    let weights = format!("backbone.weights={}", model.display());
    let (text, _) = check(tmp.path(), &[&weights]);
    let line = "shorter side to 64, the centre of 32 × 32 taken, bilinear; mean 0.4076 0.458 0.485";
    assert!(text.contains(line), "{text}");
    // The same from an experiment, which is known once that is done.
    let weights = "backbone.weights={ experiment = \"first.toml\" }";
    let mut process = runner(tmp.path());
    process
        .args(["e.toml", "--set", weights])
        .assert()
        .success();
    let mut runs = fs::read_dir(tmp.path().join("results/e/runs")).unwrap();
    let saved = fs::read(
        runs.next()
            .unwrap()
            .unwrap()
            .path()
            .join("model.safetensors"),
    )
    .unwrap();
    let head = String::from_utf8_lossy(&saved[..saved.len().min(20_000)]).into_owned();
    assert!(
        head.contains(r#"\"shorter\":64"#) && head.contains(r#"\"order\":\"bgr\""#),
        "{head}"
    );
}

#[test]
fn what_cannot_be_is_refused_at_its_key() {
    let tmp = tempfile::tempdir().unwrap();
    write(tmp.path(), "e.toml", SMALL);
    for (set, parts) in [
        (
            &["resize.method=pretrained"][..],
            &["not known", "resize.method", "squeezenet1_1"][..],
        ),
        (
            &["normalization.scheme=pretrained"],
            &["not known", "normalization.scheme"],
        ),
        (
            &["resize.method=pad", "resize.crop=0.5"],
            &["`crop` is no option of", "crop"],
        ),
        (
            &["resize.method=crop", "resize.crop=0"],
            &["`resize.crop` must be"],
        ),
        (
            &["resize.method=crop", "resize.crop=1.5"],
            &["`resize.crop` must be"],
        ),
        (&["resize.method=stretch"], &["stretch", "\"squash\""]),
    ] {
        let (text, good) = check(tmp.path(), set);
        assert!(!good, "{set:?}: {text}");
        for part in parts {
            assert!(text.contains(part), "{set:?}: {text}");
        }
    }
}
