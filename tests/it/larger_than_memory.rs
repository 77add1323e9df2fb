//! Decoded images that are more than memory is for: where they go, and that nothing of the results tells it.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::common::survival::{Experiment, TIMES, column, read_table};
use crate::common::{runner, said, write};

/// 48 photos of 32×32 pixels in the network's size: 147,456 bytes.
const SPEC: &str = r#"
[dataset]
name = "image_folder"
path = "photos"
validation_split = 0.25
test_split = 0.25
[backbone]
arch = "squeezenet1_1"
weights = "random"
input_size = 32
[augmentation]
horizontal_flip = true
[[head]]
layer = "global_average_pooling"
[[head]]
layer = "dense"
units = "classes"
activation = "softmax"
[training]
epochs = 2
batch_size = 7
"#;

/// The same with so little memory for images that they go to the disk.
fn on_disk() -> String {
    SPEC.replace("[backbone]", "memory = \"100kB\"\n[backbone]")
}

fn photos(folder: &Path) {
    for (class, red) in [("ant", 30u8), ("bee", 200)] {
        let folder = folder.join("photos").join(class);
        fs::create_dir_all(&folder).unwrap();
        for i in 0..24u8 {
            let pixel = |x: u32, y: u32| image::Rgb([red, i * 9, (x * 5 + y * 3) as u8]);
            let photo = image::RgbImage::from_fn(40, 30 + u32::from(i % 3), pixel);
            photo.save(folder.join(format!("{i:02}.png"))).unwrap();
        }
    }
}

/// A folder with photos.
fn folder() -> TempDir {
    let tmp = tempfile::tempdir().unwrap();
    photos(tmp.path());
    tmp
}

/// An experiment with photos that lie elsewhere.
fn experiment(spec: &str, photos: &Path) -> Experiment {
    let photos = photos.join("photos");
    Experiment::new(&spec.replace("\"photos", &format!("\"{}", photos.display())))
}

/// What does not depend on the time, nor says the memory for images.
fn assert_same(found: &Experiment, expected: &Experiment) {
    let models = |e: &Experiment| -> Vec<Vec<u8>> {
        let runs = e.runs().into_iter();
        runs.map(|run| fs::read(run.join("model.safetensors")).unwrap())
            .collect()
    };
    assert!(models(found) == models(expected));
    for file in ["metrics.parquet", "predictions.parquet"] {
        let table = |e: &Experiment| read_table(&e.results().join(file)).drop_many(TIMES);
        assert!(table(found).equals_missing(&table(expected)), "{file}");
    }
}

/// The files of decoded images in an experiment's cache, by name.
fn kept(experiment: &Experiment) -> Vec<PathBuf> {
    let folder = experiment.folder().join("cache/images");
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut kept: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    kept.sort();
    kept
}

fn finish_with(experiment: &Experiment, threads: &str) -> String {
    let output = experiment
        .command()
        .env("RAYON_NUM_THREADS", threads)
        .output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", said(&output));
    said(&output)
}

#[test]
fn images_beyond_dataset_memory_are_read_from_the_disk_with_the_same_results() {
    let tmp = folder();
    let in_memory = experiment(SPEC, tmp.path());
    finish_with(&in_memory, "2");
    assert!(kept(&in_memory).is_empty());
    for threads in ["1", "2"] {
        let spilled = experiment(&on_disk(), tmp.path());
        let text = finish_with(&spilled, threads);
        assert!(
            text.contains(
                "144.0 KiB, more than dataset.memory = \"100kB\" allows: they are decoded into "
            ),
            "{text}"
        );
        // The folders have one part, of which the others are held out.
        assert_eq!(kept(&spilled).len(), 1);
        assert_same(&spilled, &in_memory);
    }
}

#[test]
fn images_on_the_disk_are_used_again_and_decoded_again_where_they_are_damaged() {
    let tmp = folder();
    let whole = experiment(&on_disk(), tmp.path());
    whole.finish();
    let file = kept(&whole).remove(0);
    let before = fs::metadata(&file).unwrap();
    // The same photos elsewhere.
    let elsewhere = folder();
    let again = experiment(&on_disk(), elsewhere.path());
    fs::create_dir_all(again.folder().join("cache")).unwrap();
    fs::rename(
        whole.folder().join("cache/images"),
        again.folder().join("cache/images"),
    )
    .unwrap();
    // What does not name the folder that the photos lie in.
    let predictions = |e: &Experiment| read_table(&e.results().join("predictions.parquet"));
    let is_same = || predictions(&again).equals_missing(&predictions(&whole));
    let text = again.finish();
    assert!(text.contains("where they lie already"), "{text}");
    let file = kept(&again).remove(0);
    assert_eq!(
        fs::metadata(&file).unwrap().modified().unwrap(),
        before.modified().unwrap()
    );
    assert!(is_same());
    again.start_over();
    let open = fs::File::options().write(true).open(&file).unwrap();
    open.write_all_at(b"!", 1000).unwrap();
    let text = again.finish();
    assert!(
        text.contains("its checksum is wrong; they are decoded again"),
        "{text}"
    );
    assert!(is_same());
}

#[test]
fn killed_while_images_are_written_it_ends_with_the_same_results() {
    let tmp = folder();
    let whole = experiment(&on_disk(), tmp.path());
    whole.finish();
    for stage in ["begun", "written", "renamed"] {
        let killed = experiment(&on_disk(), tmp.path());
        killed.die_at(&format!("training.images:1:{stage}"));
        killed.finish();
        assert_same(&killed, &whole);
        assert_eq!(
            kept(&killed).len(),
            1,
            "{stage}: what was unfinished is removed"
        );
    }
}

#[test]
fn a_disk_that_is_full_is_said_with_what_to_do() {
    let tmp = folder();
    let full = experiment(&on_disk(), tmp.path());
    let point = "training.images:1:full";
    let output = full
        .command()
        .env("RUNNER_FAIL_POINT", point)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let [error] = &column(&full, "error")[..] else {
        panic!("{}", said(&output));
    };
    for part in [
        "cache/images",
        "cannot be kept",
        "raise dataset.memory",
        "RUNNER_CACHE",
    ] {
        assert!(error.contains(part), "{error}");
    }
    assert!(kept(&full).is_empty());
    full.finish();
}

#[test]
fn images_that_do_not_decode_are_left_out_and_counted_alike() {
    let tmp = folder();
    for name in ["ant/05.png", "bee/00.png", "bee/23.png"] {
        fs::write(tmp.path().join("photos").join(name), "no image").unwrap();
    }
    let skipping = |spec: &str| {
        let spec = spec.replace("[backbone]", "on_bad_image = \"skip\"\n[backbone]");
        experiment(&spec, tmp.path())
    };
    let in_memory = skipping(SPEC);
    in_memory.finish();
    let spilled = skipping(&on_disk());
    let first = spilled.finish();
    assert_same(&spilled, &in_memory);
    spilled.start_over();
    let again = spilled.finish();
    assert_same(&spilled, &in_memory);
    for text in [first, again] {
        let says = "3 of 48 images do not decode and are skipped; the first: ";
        assert!(
            text.contains(says) && text.contains("ant/05.png: "),
            "{text}"
        );
    }
    let runs = read_table(&spilled.results().join("runs.parquet"));
    let skipped = runs.column("skipped_images").unwrap();
    assert_eq!(skipped.i32().unwrap().get(0), Some(3));
}

#[test]
fn check_says_where_images_go_and_refuses_the_key_where_none_are_decoded() {
    let tmp = folder();
    let check = |spec: &str| {
        write(tmp.path(), "e.toml", spec);
        let output = runner(tmp.path()).args(["check", "e.toml"]).output();
        let output = output.unwrap();
        (output.status.code(), said(&output))
    };
    let (status, text) = check(SPEC);
    assert_eq!(status, Some(0), "{text}");
    assert!(
        text.contains("decoded images         144.0 KiB in memory\n"),
        "{text}"
    );
    let (_, text) = check(&on_disk());
    for part in [
        "decoded images         144.0 KiB on disk\n",
        "the decoded images take 144.0 KiB, more than dataset.memory = \"100kB\" allows: they are decoded into ",
        "cache/images, where ",
    ] {
        assert!(text.contains(part), "\"{part}\" is missing in {text}");
    }
    let digits = on_disk().replace("\"image_folder\"\npath = \"photos\"", "\"digits\"");
    let digits = digits.replace("test_split = 0.25\n", "");
    let (status, text) = check(&digits);
    assert_eq!(status, Some(2), "{text}");
    assert!(
        text.contains("those of digits stay in memory as they are stored"),
        "{text}"
    );
}

#[test]
fn images_that_a_table_names_are_written_in_its_order() {
    let tmp = folder();
    let mut table = String::from("image,label\n");
    for i in (0..24).rev() {
        table += &format!("ant/{i:02}.png,ant\nbee/{i:02}.png,bee\n");
    }
    write(&tmp.path().join("photos"), "labels.csv", &table);
    let rows = |spec: &str| {
        let experiment = experiment(spec, tmp.path());
        experiment.finish();
        experiment
    };
    let table = |spec: &str| {
        spec.replace("image_folder", "table")
            .replace("\"photos\"", "\"photos/labels.csv\"")
    };
    let (in_memory, spilled) = (rows(&table(SPEC)), rows(&table(&on_disk())));
    assert_eq!(kept(&spilled).len(), 1);
    assert_same(&spilled, &in_memory);
}
