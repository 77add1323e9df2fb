use std::fs::{self, File};
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

use super::*;

const PIXELS: usize = 28 * 28;

/// An IDX file of unsigned bytes.
fn idx(dimensions: &[u32], values: Vec<u8>) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, dimensions.len() as u8];
    bytes.extend(dimensions.iter().flat_map(|d| d.to_be_bytes()));
    bytes.extend(values);
    bytes
}

fn images(count: usize) -> Vec<u8> {
    let values = (0..count).flat_map(|i| (0..PIXELS).map(move |place| pixel(i, place, 0)));
    idx(&[count as u32, 28, 28], values.collect())
}

fn labels(labels: &[u8]) -> Vec<u8> {
    idx(&[labels.len() as u32], labels.to_vec())
}

fn write(path: PathBuf, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    if path.extension().is_some_and(|e| e == "gz") {
        let mut gz = GzEncoder::new(File::create(path).unwrap(), Compression::fast());
        gz.write_all(bytes).unwrap();
        gz.finish().unwrap();
    } else {
        fs::write(path, bytes).unwrap();
    }
}

/// Three training and two test images; `dot` and `end` make the variants of the names.
fn write_all(folder: &Path, dot: &str, end: &str) {
    for (name, bytes) in [
        (format!("train-images{dot}idx3-ubyte{end}"), images(3)),
        (
            format!("train-labels{dot}idx1-ubyte{end}"),
            labels(&[7, 0, 9]),
        ),
        (format!("t10k-images{dot}idx3-ubyte{end}"), images(2)),
        (format!("t10k-labels{dot}idx1-ubyte{end}"), labels(&[1, 2])),
    ] {
        write(folder.join(name), &bytes);
    }
}

#[test]
fn all_variants_of_the_names_are_read_plain_and_gzipped() {
    for (below, dot, end) in [
        ("", "-", ""),
        ("raw", ".", ".gz"),
        ("MNIST/raw", "-", ".gz"),
    ] {
        let tmp = TempDir::new().unwrap();
        write_all(&tmp.path().join(below), dot, end);
        let data = load_with(
            &spec(DatasetName::of(&datasets::MNIST), Some(tmp.path())),
            32,
        )
        .unwrap();
        let images = &data.train.images;
        assert_eq!(
            (images.count, images.height, images.width, images.channels),
            (3, 28, 28, 1)
        );
        assert!(images.data == self::images(3)[16..]);
        assert_eq!(
            (data.train.labels, data.test.labels),
            (vec![7, 0, 9], vec![1, 2])
        );
    }
}

#[test]
fn fashion_mnist_has_its_own_classes() {
    let tmp = TempDir::new().unwrap();
    write_all(tmp.path(), "-", "");
    let mut spec = spec(DatasetName::of(&datasets::FASHION_MNIST), Some(tmp.path()));
    spec.classes = Some(vec![crate::spec::Choice::Name("Ankle boot".into())]);
    let data = load_with(&spec, 32).unwrap();
    assert_eq!(
        (&data.classes[..], &data.train.labels[..]),
        (&["Ankle boot".into()][..], &[0][..])
    );
    assert!(data.train.images.data == images(3)[16 + 2 * PIXELS..]);
}

#[test]
fn missing_files_are_listed_with_all_their_names() {
    let tmp = TempDir::new().unwrap();
    write(tmp.path().join("train-labels-idx1-ubyte"), &labels(&[1]));
    let names = [
        "train-images-idx3-ubyte",
        "train-images-idx3-ubyte.gz",
        "train-images.idx3-ubyte",
        "train-images.idx3-ubyte.gz",
    ];
    assert_says(
        &error(DatasetName::of(&datasets::MNIST), tmp.path()),
        &names,
    );
}

/// Puts `bytes` in place of one file, plain and gzipped, and checks the message.
fn assert_refused(name: &str, bytes: &[u8], says: &[&str]) {
    for end in ["", ".gz"] {
        let tmp = TempDir::new().unwrap();
        write_all(tmp.path(), "-", end);
        write(tmp.path().join(format!("{name}{end}")), bytes);
        let message = error(DatasetName::of(&datasets::MNIST), tmp.path());
        assert_says(&message, says);
        assert_says(&message, &[name]);
    }
}

#[test]
fn wrong_headers_are_refused() {
    let name = "train-images-idx3-ubyte";
    assert_refused(name, &[], &["ends inside its header"]);
    assert_refused(name, &images(3)[..15], &["ends inside its header"]);
    assert_refused(name, &labels(&[1, 2, 3]), &["starts with", "08, 03"]);
    assert_refused(
        name,
        &idx(&[3, 28, 27], vec![0; 3 * 28 * 27]),
        &["27×28", "28×28"],
    );
    assert_refused(
        name,
        &idx(&[u32::MAX; 3], vec![]),
        &["4294967295", "100000"],
    );
    assert_refused(name, &images(2), &["2 images", "3 labels"]);
    assert_refused(
        "t10k-labels-idx1-ubyte",
        &idx(&[0], vec![]),
        &["promises 0 records"],
    );
}

#[test]
fn wrong_lengths_are_refused() {
    let name = "train-images-idx3-ubyte";
    let whole = images(3);
    assert_refused(
        name,
        &whole[..whole.len() - 1],
        &["ends inside image 2 of the 3"],
    );
    assert_refused(name, &[&whole[..], &[0]].concat(), &["continues after"]);
    let name = "train-labels-idx1-ubyte";
    assert_refused(
        name,
        &labels(&[1, 2, 3])[..10],
        &["ends before the 3 labels"],
    );
    assert_refused(
        name,
        &[labels(&[1, 2, 3]), vec![4]].concat(),
        &["continues after"],
    );
}

#[test]
fn labels_out_of_range_name_file_and_record() {
    let bytes = labels(&[1, 10, 3]);
    let says = ["record 1", "label 10, expected 0 to 9"];
    assert_refused("train-labels-idx1-ubyte", &bytes, &says);
}

#[test]
fn a_gzipped_file_whose_checksum_is_wrong_is_refused() {
    let tmp = TempDir::new().unwrap();
    write_all(tmp.path(), "-", ".gz");
    let path = tmp.path().join("train-images-idx3-ubyte.gz");
    let mut bytes = fs::read(&path).unwrap();
    let crc = bytes.len() - 8;
    bytes[crc] ^= 1;
    fs::write(&path, bytes).unwrap();
    let name = "train-images-idx3-ubyte.gz";
    assert_says(
        &error(DatasetName::of(&datasets::MNIST), tmp.path()),
        &[name, "corrupt"],
    );
}
