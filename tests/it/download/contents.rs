//! Files that are not what they should be.

use std::fs;

use super::{SHA256_ABC, TAG, bytes, cache, get, is_missing, part, remote};
use crate::common::server::{Answer, Server};

#[test]
fn another_length_than_expected_is_refused() {
    let (_folder, cache) = cache(2);
    let server = Server::start(|r| Answer::file(r, b"abc", TAG));
    let mut remote = remote(server.url("/f"));
    remote.size = Some(4);
    let error = get(&cache, &remote).unwrap_err().to_string();
    assert!(
        error.contains("the server's file has 3 bytes, expected 4"),
        "{error}"
    );
    assert!(is_missing(&cache));
}

#[test]
fn an_unannounced_cut_is_noticed_by_the_files_known_length() {
    let (_folder, cache) = cache(1);
    let server = Server::start(|r| {
        let answer = Answer::file(r, &bytes(1000), TAG).unannounced();
        if r.number == 0 {
            answer.cut(999)
        } else {
            answer
        }
    });
    let mut remote = remote(server.url("/f"));
    remote.size = Some(1000);
    assert_eq!(
        fs::read(get(&cache, &remote).unwrap()).unwrap(),
        bytes(1000)
    );
    assert_eq!(server.sent(), 1000);
}

#[test]
fn more_than_the_known_length_is_refused() {
    let (_folder, cache) = cache(0);
    let server = Server::start(|_| Answer::whole(&bytes(1001)).unannounced());
    let mut remote = remote(server.url("/f"));
    remote.size = Some(1000);
    let error = get(&cache, &remote).unwrap_err().to_string();
    assert!(error.contains("more bytes come than expected"), "{error}");
    assert!(is_missing(&cache));
}

#[test]
fn a_server_that_does_not_speak_tls_is_an_error() {
    let (_folder, cache) = cache(0);
    let server = Server::start(|r| Answer::file(r, b"abc", TAG));
    let url = server.url("/f").replace("http:", "https:");
    let error = get(&cache, &remote(url)).unwrap_err().to_string();
    assert!(error.contains("127.0.0.1"), "{error}");
}

#[test]
fn another_checksum_than_expected_is_refused_and_forgotten() {
    let (_folder, cache) = cache(2);
    let server = Server::start(|r| Answer::file(r, b"abd", TAG));
    let mut remote = remote(server.url("/f"));
    remote.sha256 = Some(SHA256_ABC.into());
    let error = get(&cache, &remote).unwrap_err().to_string();
    assert!(error.contains(&format!("expected {SHA256_ABC}")), "{error}");
    assert!(is_missing(&cache) && !part(&cache).exists());
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_spoilt_part_is_noticed_and_fetched_again() {
    let (_folder, cache) = cache(1);
    let server = Server::start(|r| Answer::file(r, b"abc", TAG));
    fs::create_dir_all(part(&cache).parent().unwrap()).unwrap();
    fs::write(part(&cache), b"aX").unwrap();
    let mut remote = remote(server.url("/f"));
    remote.sha256 = Some(SHA256_ABC.into());
    assert_eq!(fs::read(get(&cache, &remote).unwrap()).unwrap(), b"abc");
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_file_of_another_length_in_the_cache_is_replaced() {
    let (_folder, cache) = cache(0);
    let server = Server::start(|r| Answer::file(r, b"abc", TAG));
    let mut remote = remote(server.url("/f"));
    remote.size = Some(3);
    let path = cache.root().unwrap().join("data/file.bin");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, b"ab").unwrap();
    assert_eq!(fs::read(get(&cache, &remote).unwrap()).unwrap(), b"abc");
}

#[test]
fn an_altered_file_in_the_cache_is_fetched_again() {
    let (_folder, cache) = cache(0);
    let server = Server::start(|r| Answer::file(r, b"abc", TAG));
    let mut remote = remote(server.url("/f"));
    (remote.size, remote.sha256) = (Some(3), Some(SHA256_ABC.into()));
    let path = get(&cache, &remote).unwrap();
    fs::write(&path, b"abd").unwrap();
    assert_eq!(fs::read(get(&cache, &remote).unwrap()).unwrap(), b"abc");
    assert_eq!(server.requests().len(), 2);
}
