//! A trained model in the formats of other programs. Whether they open it, `tests/exported.py` asks them.

use std::fs;
use std::path::{Path, PathBuf};

use polars::prelude::{AnyValue, ParquetReader, SerReader};
use runner::model::weights;

use crate::common::{SMALL, runner, said, write};

/// The folder of a small run in `folder`, of ten classes, with these changes.
fn trained(folder: &Path, spec: &str, set: &[&str]) -> PathBuf {
    write(folder, "e.toml", spec);
    let set = set.iter().flat_map(|key| ["--set", key]);
    let output = runner(folder).arg("e.toml").args(set).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let mut runs = fs::read_dir(folder.join("results/e/runs")).unwrap();
    runs.next().unwrap().unwrap().path()
}

fn resnet() -> String {
    let pooled = SMALL.replace("global_average_pooling", "pool");
    pooled.replace("squeezenet1_1", "resnet18")
}

/// The text of a command that ended with this status.
fn ended(folder: &Path, arguments: &[&str], status: i32) -> String {
    let output = runner(folder).args(arguments).output().unwrap();
    let text = said(&output);
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {text}");
    text
}

#[test]
fn a_folder_for_timm_has_its_names_the_classes_and_the_images() {
    let tmp = tempfile::tempdir().unwrap();
    let run = trained(tmp.path(), &resnet(), &["normalization.scheme=imagenet"]);
    let run = run.to_str().unwrap();
    ended(
        tmp.path(),
        &["export", run, "--format", "pytorch", "-o", "m"],
        0,
    );
    let config = fs::read_to_string(tmp.path().join("m/config.json")).unwrap();
    let config: serde_json::Value = serde_json::from_str(&config).unwrap();
    assert_eq!(config["architecture"], "resnet18");
    assert_eq!(config["label_names"][9], "9");
    let images = &config["pretrained_cfg"];
    assert_eq!(images["input_size"], serde_json::json!([3, 32, 32]));
    assert_eq!(images["crop_mode"], "squash");
    // timm.data.IMAGENET_DEFAULT_MEAN
    for (found, mean) in images["mean"]
        .as_array()
        .unwrap()
        .iter()
        .zip([0.485, 0.456, 0.406])
    {
        assert!((found.as_f64().unwrap() - mean).abs() < 1e-12, "{found}");
    }
    let saved = weights::read(&tmp.path().join("m/model.safetensors")).unwrap();
    let own = weights::read(&Path::new(run).join("model.safetensors")).unwrap();
    assert_eq!(saved.tensors, own.tensors);
    assert_eq!(saved.metadata["format"], "pt");
}

#[test]
fn what_a_format_cannot_say_is_refused_with_the_reason() {
    let tmp = tempfile::tempdir().unwrap();
    let run = trained(tmp.path(), SMALL, &[]);
    let run = run.to_str().unwrap();
    let text = ended(tmp.path(), &["export", run, "--format", "pytorch"], 2);
    assert!(
        text.contains("timm does not build this squeezenet1_1"),
        "{text}"
    );
    let flags = ["export", run, "--format", "pytorch", "--with-preprocessing"];
    let text = ended(tmp.path(), &flags, 2);
    assert!(
        text.contains("--with-preprocessing is for --format onnx"),
        "{text}"
    );
    let nowhere = ["export", run, "--format", "onnx", "-o", "no/folder/m.onnx"];
    let text = ended(tmp.path(), &nowhere, 1);
    assert!(text.contains("cannot write no/folder/m.onnx"), "{text}");

    let other = tempfile::tempdir().unwrap();
    let spec = resnet().replace("layer = \"pool\"", "layer = \"flatten\"");
    let run = trained(other.path(), &spec, &[]);
    let flatten = ["export", run.to_str().unwrap(), "--format", "pytorch"];
    let text = ended(other.path(), &flatten, 2);
    assert!(text.contains("layer = \"pool\""), "{text}");
    assert!(!other.path().join("model-pytorch").exists());
}

#[test]
fn the_features_of_images_are_a_table_with_the_labels_that_folders_say() {
    let tmp = tempfile::tempdir().unwrap();
    let run = trained(tmp.path(), SMALL, &[]);
    let run = run.to_str().unwrap();
    let picture = image::RgbImage::from_fn(40, 30, |x, y| image::Rgb([x as u8, y as u8, 7]));
    for folder in ["photos/3", "photos/other"] {
        fs::create_dir_all(tmp.path().join(folder)).unwrap();
        picture.save(tmp.path().join(folder).join("a.png")).unwrap();
    }
    let said = ended(tmp.path(), &["embed", run, "photos", "-o", "t.parquet"], 0);
    assert!(said.contains("2 images, 512 features each"), "{said}");
    let read = || {
        let file = fs::File::open(tmp.path().join("t.parquet")).unwrap();
        // This build of polars has no lists of a fixed size.
        let columns = ["path", "label"].map(str::to_owned).to_vec();
        let reader = ParquetReader::new(file).with_columns(Some(columns));
        reader.finish().unwrap()
    };
    let table = read();
    let cell = |column: &str, row| {
        table
            .column(column)
            .unwrap()
            .get(row)
            .unwrap()
            .into_static()
    };
    assert_eq!(cell("path", 0).get_str(), Some("photos/3/a.png"));
    assert_eq!(cell("label", 0).get_str(), Some("3"));
    assert_eq!(cell("label", 1), AnyValue::Null);
    assert_eq!(table.height(), 2);

    // One that does not decode is named, and the others are written.
    fs::write(tmp.path().join("photos/3/b.png"), "no picture").unwrap();
    let said = ended(tmp.path(), &["embed", run, "photos", "-o", "t.parquet"], 1);
    assert!(said.contains("b.png"), "{said}");
    assert_eq!(read().height(), 2);
    let said = ended(
        tmp.path(),
        &["embed", run, "photos/3/b.png", "-o", "u.parquet"],
        1,
    );
    assert!(said.contains("nothing was written"), "{said}");
    assert!(!tmp.path().join("u.parquet").exists());
}
