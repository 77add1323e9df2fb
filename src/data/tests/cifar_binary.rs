use std::fs::{self, File};

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

use super::*;

/// A record: its labels, then the red, green and blue planes.
fn record(labels: &[u8], image: usize) -> Vec<u8> {
    let mut record = labels.to_vec();
    for channel in 0..3 {
        record.extend((0..32 * 32).map(|place| pixel(image, place, channel)));
    }
    record
}

/// Five training batches of two records and a test batch of one; image and label count up.
fn cifar10_files() -> Vec<(&'static str, Vec<u8>)> {
    let names = [
        "data_batch_1.bin",
        "data_batch_2.bin",
        "data_batch_3.bin",
        "data_batch_4.bin",
        "data_batch_5.bin",
    ];
    let two = |b: usize| [2 * b, 2 * b + 1].map(|i| record(&[i as u8], i)).concat();
    let batches = names.iter().enumerate().map(|(b, name)| (*name, two(b)));
    batches
        .chain([("test_batch.bin", record(&[3], 77))])
        .collect()
}

fn write_all(folder: &Path, files: &[(&str, Vec<u8>)]) {
    fs::create_dir_all(folder).unwrap();
    for (name, bytes) in files {
        fs::write(folder.join(name), bytes).unwrap();
    }
}

/// The files below `inside/`, in reverse order as archives need not be sorted, beside a file to be ignored.
fn archive(path: &Path, inside: &str, files: &[(&str, Vec<u8>)]) {
    let gz = GzEncoder::new(File::create(path).unwrap(), Compression::fast());
    let mut tar = tar::Builder::new(gz);
    let readme = ("readme.html", b"<html>".to_vec());
    for (name, bytes) in [&readme].into_iter().chain(files.iter().rev()) {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, format!("{inside}/{name}"), &bytes[..])
            .unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap();
}

fn assert_is_cifar10(data: &Read) {
    assert_eq!(data.classes[3], "cat");
    assert_eq!(data.train.labels, (0..10).collect::<Vec<_>>());
    let expected: Vec<u8> = (0..10).flat_map(|i| picture(i, 32)).collect();
    assert!(data.train.images.data == expected);
    assert_eq!(data.test.labels, [3]);
    assert!(data.test.images.data == picture(77, 32));
}

#[test]
fn cifar10_batches_are_read_from_a_folder_its_subfolder_and_the_archive() {
    let tmp = TempDir::new().unwrap();
    let files = cifar10_files();
    let flat = tmp.path().join("flat");
    write_all(&flat, &files);
    let nested = tmp.path().join("nested");
    write_all(&nested.join("cifar-10-batches-bin"), &files);
    let packed = tmp.path().join("packed");
    fs::create_dir(&packed).unwrap();
    let file = packed.join("cifar-10-binary.tar.gz");
    archive(&file, "cifar-10-batches-bin", &files);
    for path in [flat, nested, packed, file] {
        assert_is_cifar10(
            &load_with(&spec(DatasetName::of(&datasets::CIFAR10), Some(&path)), 32).unwrap(),
        );
    }
}

#[test]
fn cifar100_takes_the_fine_label() {
    let tmp = TempDir::new().unwrap();
    let files = [
        (
            "train.bin",
            [record(&[19, 99], 1), record(&[0, 5], 2)].concat(),
        ),
        ("test.bin", record(&[4, 0], 3)),
    ];
    let path = tmp.path().join("cifar-100-binary.tar.gz");
    archive(&path, "cifar-100-binary", &files);
    let data = load_with(&spec(DatasetName::of(&datasets::CIFAR100), Some(&path)), 32).unwrap();
    assert_eq!(
        (&data.train.labels[..], &data.test.labels[..]),
        (&[99, 5][..], &[0][..])
    );
    assert_eq!(data.classes[99], "worm");
    assert!(data.train.images.image(1).unwrap() == picture(2, 32));
}

#[test]
fn a_folder_without_the_dataset_says_what_was_looked_for() {
    let tmp = TempDir::new().unwrap();
    let message = error(DatasetName::of(&datasets::CIFAR10), tmp.path());
    let folder = tmp.path().to_string_lossy();
    assert_says(
        &message,
        &[
            &folder,
            "train*.parquet",
            "test*.parquet",
            "data_batch_1.bin",
            "test_batch.bin",
            "cifar-10-batches-bin/",
            "cifar-10-binary.tar.gz",
        ],
    );
}

#[test]
fn a_missing_batch_is_named() {
    let tmp = TempDir::new().unwrap();
    write_all(tmp.path(), &cifar10_files()[..5]);
    assert_says(
        &error(DatasetName::of(&datasets::CIFAR10), tmp.path()),
        &["looked for test_batch.bin"],
    );
    let path = tmp.path().join("some.tar.gz");
    archive(&path, "x", &cifar10_files()[1..]);
    assert_says(
        &error(DatasetName::of(&datasets::CIFAR10), &path),
        &["some.tar.gz", "data_batch_1.bin"],
    );
}

#[test]
fn files_of_a_wrong_length_are_refused() {
    let tmp = TempDir::new().unwrap();
    write_all(tmp.path(), &cifar10_files());
    let path = tmp.path().join("data_batch_2.bin");
    for len in [0, 1, 3072, 3074, 10_001 * 3073] {
        File::create(&path).unwrap().set_len(len).unwrap();
        let message = error(DatasetName::of(&datasets::CIFAR10), tmp.path());
        assert_says(
            &message,
            &["data_batch_2.bin", &format!("{len} bytes"), "3073 bytes"],
        );
    }
}

#[test]
fn labels_out_of_range_name_file_and_record() {
    let tmp = TempDir::new().unwrap();
    let mut files = cifar10_files();
    files[4].1[3073] = 10;
    write_all(tmp.path(), &files);
    let message = error(DatasetName::of(&datasets::CIFAR10), tmp.path());
    assert_says(
        &message,
        &["data_batch_5.bin", "record 1", "label 10, expected 0 to 9"],
    );

    let coarse = [
        ("train.bin", record(&[20, 5], 1)),
        ("test.bin", record(&[0, 0], 1)),
    ];
    write_all(&tmp.path().join("100"), &coarse);
    let message = error(
        DatasetName::of(&datasets::CIFAR100),
        &tmp.path().join("100"),
    );
    assert_says(
        &message,
        &["train.bin", "record 0", "label 20, expected 0 to 19"],
    );
}

#[test]
fn a_damaged_archive_is_refused_wherever_the_damage_is() {
    let tmp = TempDir::new().unwrap();
    let path = tmp.path().join("cifar-10-binary.tar.gz");
    archive(&path, "cifar-10-batches-bin", &cifar10_files());
    let good = fs::read(&path).unwrap();
    for len in [0, 5, good.len() / 2, good.len() - 1] {
        fs::write(&path, &good[..len]).unwrap();
        assert_says(
            &error(DatasetName::of(&datasets::CIFAR10), &path),
            &["cifar-10-binary.tar.gz"],
        );
    }
    let mut refused = 0;
    for at in 10..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 4;
        fs::write(&path, &bad).unwrap();
        match load_with(&spec(DatasetName::of(&datasets::CIFAR10), Some(&path)), 32) {
            // A few bits of a gzip stream mean nothing.
            Ok(data) => assert_is_cifar10(&data),
            Err(_) => refused += 1,
        }
    }
    assert!(refused > good.len() * 9 / 10, "{refused} of {}", good.len());
}

/// An archive of these entries: path as it is, type, length in the header, bytes.
fn raw_archive(path: &Path, entries: &[(&str, tar::EntryType, u64, &[u8])]) {
    let gz = GzEncoder::new(File::create(path).unwrap(), Compression::fast());
    let mut tar = tar::Builder::new(gz);
    for (name, kind, length, bytes) in entries {
        let mut header = tar::Header::new_gnu();
        // `set_path` would refuse what is tested here.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_size(*length);
        header.set_cksum();
        tar.append(&header, *bytes).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap();
}

#[test]
fn paths_out_of_the_archive_links_and_doubles_are_refused_and_nothing_is_written() {
    use tar::EntryType::{Regular, Symlink};
    let tmp = TempDir::new().unwrap();
    let path = tmp.path().join("cifar-10-binary.tar.gz");
    let (record, length) = (record(&[1], 1), 3073);
    let name = "data_batch_1.bin";
    let absolute = tmp.path().join("out").join(name).display().to_string();
    for (entries, says) in [
        (
            vec![("x/../../data_batch_1.bin", Regular, length, &record[..])],
            "leads out of the archive",
        ),
        (
            vec![(&absolute[..], Regular, length, &record[..])],
            "leads out of the archive",
        ),
        (vec![(name, Symlink, 0, &[])], "expected a file"),
        (
            vec![(name, tar::EntryType::Link, 0, &[])],
            "expected a file",
        ),
        (
            vec![
                (name, Regular, length, &record[..]),
                ("x/data_batch_1.bin", Regular, length, &record[..]),
            ],
            "a second file of this name",
        ),
    ] {
        raw_archive(&path, &entries);
        let message = error(DatasetName::of(&datasets::CIFAR10), &path);
        assert_says(&message, &["cifar-10-binary.tar.gz", name, says]);
        assert_eq!(fs::read_dir(tmp.path()).unwrap().count(), 1);
    }
}

#[test]
fn lengths_beyond_the_header_or_the_archive_are_refused() {
    use tar::EntryType::Regular;
    let tmp = TempDir::new().unwrap();
    let path = tmp.path().join("cifar-10-binary.tar.gz");
    let name = "data_batch_1.bin";
    for (length, says) in [
        (u64::MAX >> 1, "whole records"),
        (10_001 * 3073, "whole records"),
        (10_000 * 3073, "of 30730000 bytes"),
    ] {
        raw_archive(&path, &[(name, Regular, length, &[7; 5000])]);
        let message = error(DatasetName::of(&datasets::CIFAR10), &path);
        assert_says(&message, &["cifar-10-binary.tar.gz", name, says]);
    }
}

#[test]
fn another_kind_of_file_is_refused() {
    let tmp = TempDir::new().unwrap();
    let path = tmp.path().join("train.parquet");
    fs::write(&path, "x").unwrap();
    let message = error(DatasetName::of(&datasets::CIFAR10), &path);
    assert_says(
        &message,
        &[
            "train.parquet",
            "expected a folder or cifar-10-binary.tar.gz",
        ],
    );
}
