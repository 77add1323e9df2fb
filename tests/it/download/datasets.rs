//! Datasets into the cache.

use std::fs;
use std::net::TcpListener;

use runner::datasets;
use runner::fetch::{Hub, dataset};
use runner::progress::NoProgress;
use runner::spec::DatasetName;

use super::{SHA256_ABC, TAG, cache, get, remote};
use crate::common::server::{Answer, Server};

#[test]
fn offline_the_datasets_file_and_its_place_are_named() {
    let (_folder, cache) = cache(3);
    // A port that nobody listens on any more.
    let gone = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let hub = Hub::at(&format!("http://{gone}"), None);
    let error = dataset(
        &cache,
        &hub,
        DatasetName::of(&datasets::CIFAR10),
        &NoProgress,
    )
    .unwrap_err()
    .to_string();
    let place = "datasets/cifar10/train-00000-of-00001.parquet";
    assert!(
        error.contains("train-00000-of-00001.parquet is missing")
            && error.contains(&format!("http://{gone}/datasets/uoft-cs/cifar10/resolve/"))
            && error.contains("127.0.0.1 refuses connections")
            && error.contains(cache.root().unwrap().join(place).to_str().unwrap())
            && error.contains("dataset.path"),
        "{error}"
    );
}

#[test]
fn files_put_into_the_cache_by_hand_need_no_network_but_must_be_the_right_ones() {
    let (_folder, cache) = cache(0);
    let mut file = remote("http://127.0.0.1:9/f".into());
    (file.size, file.sha256) = (Some(3), Some(SHA256_ABC.into()));
    let place = cache.root().unwrap().join(&file.path_in_cache);
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    fs::write(&place, "abc").unwrap();
    assert_eq!(get(&cache, &file).unwrap(), place);

    let hub = Hub::at("http://127.0.0.1:9", None);
    let folder = cache.root().unwrap().join("datasets/cifar100");
    let place = |name: &str, length| {
        fs::create_dir_all(&folder).unwrap();
        fs::File::create(folder.join(name))
            .unwrap()
            .set_len(length)
            .unwrap();
    };
    // The lengths of the hub's files; the files here have no blocks on disk.
    place("train-00000-of-00001.parquet", 118_518_617);
    place("test-00000-of-00001.parquet", 23_772_751);
    let error = dataset(
        &cache,
        &hub,
        DatasetName::of(&datasets::CIFAR100),
        &NoProgress,
    )
    .unwrap_err();
    assert!(error.to_string().contains("refuses connections"), "{error}");
}

#[test]
fn a_dataset_is_asked_of_the_hub_with_the_token_and_checked() {
    let (_folder, cache) = cache(0);
    let server = Server::start(|r| Answer::file(r, b"abc", TAG));
    let hub = Hub::at(&server.url(""), Some("secret"));
    let error = dataset(
        &cache,
        &hub,
        DatasetName::of(&datasets::CIFAR10),
        &NoProgress,
    )
    .unwrap_err()
    .to_string();
    assert!(
        error.contains("the server's file has 3 bytes, expected 119705255"),
        "{error}"
    );
    let request = &server.requests()[0];
    assert_eq!(
        request.path,
        "/datasets/uoft-cs/cifar10/resolve/0b2714987fa478483af9968de7c934580d0bb9a2/plain_text/\
         train-00000-of-00001.parquet"
    );
    assert_eq!(request.header("authorization"), Some("Bearer secret"));
    assert!(!cache.root().unwrap().join("datasets").exists());
}
