//! Tar files in WebDataset's layout, written here as the library of that name and `tar` write them.

use std::fs::{self, File};
use std::io::Cursor;

use image::{ImageFormat, RgbImage};
use tar::{Builder, Header};
use tempfile::TempDir;

use super::*;

fn png(image: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let image = RgbImage::from_raw(8, 8, picture(image, 8)).unwrap();
    let mut out = Cursor::new(&mut bytes);
    image.write_to(&mut out, ImageFormat::Png).unwrap();
    bytes
}

/// Writes a tar file with these members.
fn write(path: &Path, members: &[(String, Vec<u8>)]) {
    let mut archive = Builder::new(File::create(path).unwrap());
    for (name, bytes) in members {
        let mut header = Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, &bytes[..]).unwrap();
    }
    archive.finish().unwrap();
}

/// A sample for each label: `PREFIX0.png` with picture 0, `PREFIX0.cls`, and so on.
fn samples(prefix: &str, labels: &[&str]) -> Vec<(String, Vec<u8>)> {
    let labels = labels.iter().enumerate();
    labels
        .flat_map(|(i, label)| {
            let key = format!("{prefix}{i}");
            [
                (format!("{key}.png"), png(i)),
                (format!("{key}.cls"), label.as_bytes().to_vec()),
            ]
        })
        .collect()
}

fn dataset(path: &Path, keys: &str) -> Dataset {
    let text = format!(
        "name = \"webdataset\"\npath = \"{}\"\nvalidation_split = 0.0\n{keys}",
        path.display()
    );
    toml::from_str(&text).unwrap()
}

fn refused(path: &Path, keys: &str) -> String {
    let spec = dataset(path, keys);
    let resizing = Resizing::squash(8);
    let read = survey(&spec).map(|_| ()).and_then(|()| {
        super::super::load(&spec, resizing, 0, &Offline, &Count::default()).map(|_| ())
    });
    read.unwrap_err().to_string()
}

#[test]
fn shards_are_the_images_and_classes_that_folders_are() {
    let tmp = TempDir::new().unwrap();
    let (shards, folders) = (tmp.path().join("shards"), tmp.path().join("folders"));
    fs::create_dir(&shards).unwrap();
    write(
        &shards.join("train-000000.tar"),
        &samples("n", &["0", "1\n", "0"]),
    );
    write(&shards.join("train-000001.tar"), &samples("m", &["1", "0"]));
    write(&shards.join("test-000000.tar"), &samples("t", &["1", "0"]));
    for (part, name, image, class) in [
        ("train", "a", 0, "0"),
        ("train", "b", 1, "1"),
        ("train", "c", 2, "0"),
        ("train", "d", 0, "1"),
        ("train", "e", 1, "0"),
        ("test", "f", 0, "1"),
        ("test", "g", 1, "0"),
    ] {
        let class = folders.join(part).join(class);
        fs::create_dir_all(&class).unwrap();
        fs::write(class.join(format!("{name}.png")), png(image)).unwrap();
    }
    let sorted = |part: &Part| {
        let images = (0..part.labels.len()).map(|i| part.images.image(i).unwrap().to_vec());
        let mut all: Vec<_> = images.zip(part.labels.clone()).collect();
        all.sort();
        all
    };
    let from_shards = load_with(&dataset(&shards, ""), 8).unwrap();
    let from_folders = load_with(
        &spec(DatasetName::of(&datasets::IMAGE_FOLDER), Some(&folders)),
        8,
    )
    .unwrap();
    assert_eq!(from_shards.classes, ["0", "1"]);
    assert_eq!(sorted(&from_shards.train), sorted(&from_folders.train));
    assert_eq!(sorted(&from_shards.test), sorted(&from_folders.test));
    let files = from_shards.test.files.unwrap();
    assert_eq!(files, ["test-000000.tar/t0.png", "test-000000.tar/t1.png"]);
}

#[test]
fn labels_parts_and_groups_are_files_or_fields_in_json() {
    let tmp = TempDir::new().unwrap();
    let path = tmp.path().join("all.tar");
    let sample = |i: usize, json: &str| {
        [
            (format!("d/{i}.PNG"), png(i)),
            (format!("d/{i}.json"), json.as_bytes().to_vec()),
        ]
    };
    let members: Vec<_> = [
        r#"{"label": "bee", "who": {"id": 1}, "part": "train"}"#,
        r#"{"label": "ant", "who": {"id": 2}, "part": "train"}"#,
        r#"{"label": "bee", "who": {"id": 3}, "part": "test"}"#,
    ]
    .iter()
    .enumerate()
    .flat_map(|(i, json)| sample(i, json))
    .collect();
    write(&path, &members);
    let keys = "label_column = \"json.label\"\nsplit_column = \"json.part\"\ngroup_column = \"json.who.id\"";
    let read = load_with(&dataset(&path, keys), 8).unwrap();
    assert_eq!(read.classes, ["ant", "bee"]);
    assert_eq!(
        (read.train.labels.len(), &read.test.labels[..]),
        (2, &[1][..])
    );
    assert_eq!(read.test.images.image(0).unwrap(), picture(2, 8));
    let several = ["[\"a\", \"b\"]", "[]", "[\"b\"]"].iter().enumerate();
    let members: Vec<_> = several.flat_map(|(i, json)| sample(i, json)).collect();
    write(&path, &members);
    let spec = dataset(&path, "label_column = \"json\"\nmulti_label = true");
    let survey = survey(&spec).unwrap();
    assert_eq!(survey.classes, ["a", "b"]);
    let notes = survey.notes.join("\n");
    assert_says(
        &notes,
        &["1.00 labels an image on average; 1 image of none of the classes"],
    );
}

#[test]
fn what_would_be_guessed_is_refused_with_what_to_say() {
    let tmp = TempDir::new().unwrap();
    let path = tmp.path().join("a.tar");
    let two = samples("n", &["0", "1"]);
    let member = |name: &str, bytes: &[u8]| (name.to_owned(), bytes.to_vec());
    let with = |more: &[(String, Vec<u8>)]| [&two[..], more].concat();
    for (members, keys, says) in [
        (
            two.clone(),
            "label_column = \"json.label\"",
            &["have no \"json.label\"", "the first has png, cls"][..],
        ),
        (
            two.clone(),
            "label_column = \"cl\"",
            &["did you mean `dataset.label_column = \"cls\"`"],
        ),
        (
            two.clone(),
            "image_column = \"jpg\"",
            &["2 rows with no .jpg file", "a.tar sample n0: png, cls"],
        ),
        (
            with(&[member("n2.png", &png(2))]),
            "",
            &["no label in column \"cls\"", "a.tar sample n2"],
        ),
        (
            with(&[member("n2.cls", b"1")]),
            "",
            &["1 row with no image", "sample n2: cls"],
        ),
        (
            with(&[member("n1.seg.png", &png(2))]),
            "",
            &["several images", "png and seg.png", "image_column"],
        ),
        (with(&[member("n1.cls", b"0")]), "", &["has n1.cls twice"]),
        (
            with(&[member("n0.txt", b"0")]),
            "",
            &["the files of sample n0 do not lie together"],
        ),
        (
            with(&[member("n2.png", b"no"), member("n2.cls", b"1")]),
            "",
            &["a.tar/n2", "no image of a format"],
        ),
        (
            with(&[member("n2.png", &png(2)), member("n2.cls", b"1.5")]),
            "",
            &["sample n2: 1.5"],
        ),
        (
            with(&[member("n2.png", &png(2)), member("n2.cls", b"\xff")]),
            "",
            &["sample n2: its label is no text"],
        ),
        (
            vec![member("n0.png", &png(0)), member("n0.json", b"{")],
            "label_column = \"json.a\"",
            &["sample n0: no JSON"],
        ),
        (
            vec![
                member("n0.png", &png(0)),
                member("n0.json", b"{\"a\": [1]}"),
            ],
            "label_column = \"json.a\"",
            &["sample n0", "multi_label"],
        ),
    ] {
        write(&path, &members);
        assert_says(&refused(&path, keys), says);
    }
}

#[test]
fn what_is_no_whole_tar_file_is_refused() {
    let tmp = TempDir::new().unwrap();
    let path = tmp.path().join("a.tar");
    write(&path, &samples("n", &["0", "1", "0"]));
    let whole = fs::read(&path).unwrap();
    let ended = whole.iter().rposition(|byte| *byte != 0).unwrap();
    let ended = (ended + 1).next_multiple_of(512);
    // A member's head is 512 bytes, and its bytes fill blocks of 512.
    let cut = 512 + png(0).len() / 2;
    for (bytes, says) in [
        (whole[..cut].to_vec(), "cut off after 0 files"),
        (b"\x1f\x8b\x08\0".to_vec(), "unpack it: gunzip"),
        (b"PAR1".to_vec(), "this is a Parquet file"),
        (b"nothing".to_vec(), "this is text"),
        (vec![0; 10_240], "has no rows"),
        (whole[..ended].to_vec(), "has no end mark"),
        ([&whole[..], &whole].concat(), "behind its end mark"),
    ] {
        fs::write(&path, bytes).unwrap();
        assert_says(&refused(&path, ""), &[says]);
    }
    fs::remove_file(&path).unwrap();
    assert_says(&refused(tmp.path(), ""), &["has no tar file"]);
    let pattern = tmp.path().join("train-{000..146}.tar");
    assert_says(&refused(&pattern, ""), &["no file is there"]);
}

#[test]
fn bytes_changed_anywhere_are_read_or_refused() {
    let tmp = TempDir::new().unwrap();
    let path = tmp.path().join("a.tar");
    write(&path, &samples("n", &["0", "1", "0"]));
    let whole = fs::read(&path).unwrap();
    for at in (0..whole.len()).step_by(37) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x15;
        fs::write(&path, bytes).unwrap();
        let spec = dataset(&path, "");
        let _ = survey(&spec).is_ok() && load_with(&spec, 8).is_ok();
    }
}
