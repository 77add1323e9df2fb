//! CIFAR's `.tar.gz`.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use runner::datasets;
use runner::spec::DatasetName;

use super::mutation::{almost, seed};
use super::{cases, load_within};
use crate::common::done_alone;

const FIXED: usize = 8 << 20;

/// The official files, a record each.
fn tar() -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let batches = (1..=5).map(|i| format!("data_batch_{i}.bin"));
    for name in batches.chain(["readme.html".into(), "test_batch.bin".into()]) {
        let mut header = tar::Header::new_gnu();
        header.set_size(3073);
        header.set_mode(0o644);
        let path = format!("cifar-10-batches-bin/{name}");
        tar.append_data(&mut header, path, &[3; 3073][..]).unwrap();
    }
    tar.into_inner().unwrap()
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
    gz.write_all(bytes).unwrap();
    gz.finish().unwrap()
}

fn load(folder: &Path, archive: &[u8], unpacked: usize) {
    let path = folder.join("cifar-10-binary.tar.gz");
    fs::write(&path, archive).unwrap();
    load_within(
        DatasetName::of(&datasets::CIFAR10),
        &path,
        FIXED,
        8,
        unpacked,
    );
}

#[test]
fn altered_contents_and_headers() {
    if done_alone(altered_contents_and_headers) {
        return;
    }
    let tmp = tempfile::tempdir().unwrap();
    let good = tar();
    seed("archive", &good);
    // Headers are a fiftieth of the archive: altered on their own, with their checksums mended.
    let header = almost(good[..512].to_vec());
    let entry = (0..7usize, header).prop_map({
        let good = good.clone();
        move |(entry, mut header)| {
            header.resize(512, 0);
            let sum = |bytes: &[u8]| bytes.iter().map(|b| u32::from(*b)).sum::<u32>();
            header[148..156].fill(b' ');
            let checksum = format!("{:06o}\0 ", sum(&header));
            header[148..156].copy_from_slice(checksum.as_bytes());
            let mut bytes = good.clone();
            let at = entry * (512 + 3584);
            bytes[at..at + 512].copy_from_slice(&header);
            bytes
        }
    });
    proptest!(cases(600), |(bytes in prop_oneof![almost(good), entry])| {
        load(tmp.path(), &gzipped(&bytes), bytes.len());
    });
}

#[test]
fn altered_compression() {
    if done_alone(altered_compression) {
        return;
    }
    let tmp = tempfile::tempdir().unwrap();
    proptest!(cases(300), |(bytes in almost(gzipped(&tar())))| {
        load(tmp.path(), &bytes, 1032 * bytes.len());
    });
}

#[test]
fn names_and_contents_that_are_mostly_nothing_are_not_kept() {
    if done_alone(names_and_contents_that_are_mostly_nothing_are_not_kept) {
        return;
    }
    let tmp = tempfile::tempdir().unwrap();
    let path = tmp.path().join("cifar-10-binary.tar.gz");
    for kind in [
        tar::EntryType::GNULongName,
        tar::EntryType::XHeader,
        tar::EntryType::Regular,
    ] {
        let mut header = tar::Header::new_gnu();
        let length = 200 << 20;
        header.set_path("x").unwrap();
        header.set_entry_type(kind);
        header.set_size(length);
        header.set_cksum();
        let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        tar.append(&header, std::io::repeat(0).take(length))
            .unwrap();
        fs::write(&path, tar.into_inner().unwrap().finish().unwrap()).unwrap();
        load_within(DatasetName::of(&datasets::CIFAR10), &path, FIXED, 0, 0);
    }
}

#[test]
fn entries_that_promise_many_records_reserve_little() {
    if done_alone(entries_that_promise_many_records_reserve_little) {
        return;
    }
    let tmp = tempfile::tempdir().unwrap();
    let mut header = tar::Header::new_gnu();
    header.set_path("data_batch_1.bin").unwrap();
    header.set_size(10_000 * 3073);
    header.set_cksum();
    let mut tar = tar::Builder::new(Vec::new());
    tar.append(&header, &[3; 5000][..]).unwrap();
    load(tmp.path(), &gzipped(&tar.into_inner().unwrap()), 0);
}
