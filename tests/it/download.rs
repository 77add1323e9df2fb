//! Downloads into the cache, against a real server on this machine.

mod contents;
mod datasets;
mod selection;

use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use runner::fetch::{Cache, Error, Hub, Remote, Timeouts};
use runner::progress::{NoProgress, Progress};
use tempfile::TempDir;

use crate::common::server::{Answer, Server};

/// A tag as servers give it.
const TAG: &str = "\"v1\"";

/// `printf 'abc' | sha256sum`; also the first example of FIPS 180-2, appendix B.
const SHA256_ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/// As many bytes, none like its neighbours.
fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i * 7 + i / 251) as u8).collect()
}

/// A cache in a folder of its own that does not wait long, with this many second attempts.
fn cache(retries: usize) -> (TempDir, Cache) {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::at(folder.path()).with_timeouts(Timeouts {
        connect: Duration::from_secs(5),
        silence: Duration::from_millis(200),
        pauses: vec![Duration::from_millis(1); retries],
    });
    (folder, cache)
}

fn remote(url: String) -> Remote {
    Remote {
        url,
        path_in_cache: "data/file.bin".into(),
        size: None,
        sha256: None,
        token: None,
        key: "dataset.path",
    }
}

fn get(cache: &Cache, remote: &Remote) -> Result<PathBuf, Error> {
    cache.file(remote, &NoProgress)
}

/// Where the cache keeps what has come so far.
fn part(cache: &Cache) -> PathBuf {
    cache.root().unwrap().join("partial/data/file.bin.part")
}

fn is_missing(cache: &Cache) -> bool {
    !cache.root().unwrap().join("data/file.bin").exists()
}

#[test]
fn a_file_is_downloaded_once() {
    let (_folder, cache) = cache(0);
    let server = Server::start(|r| Answer::file(r, &bytes(100_000), TAG));
    let remote = remote(server.url("/f"));
    let path = get(&cache, &remote).unwrap();
    assert_eq!(path, cache.root().unwrap().join("data/file.bin"));
    assert_eq!(fs::read(&path).unwrap(), bytes(100_000));
    assert_eq!(get(&cache, &remote).unwrap(), path);
    assert_eq!(server.requests().len(), 1);
    assert_eq!(
        fs::read_dir(cache.root().unwrap().join("partial/data"))
            .unwrap()
            .count(),
        0
    );
}

#[test]
fn a_cut_download_resumes_where_it_was() {
    let (_folder, cache) = cache(1);
    let server = Server::start(|r| {
        let answer = Answer::file(r, &bytes(100_000), TAG);
        if r.number == 0 {
            answer.cut(70_001)
        } else {
            answer
        }
    });
    let path = get(&cache, &remote(server.url("/f"))).unwrap();
    assert_eq!(fs::read(path).unwrap(), bytes(100_000));
    assert_eq!(server.sent(), 100_000);
    let second = &server.requests()[1];
    assert_eq!(second.header("range"), Some("bytes=70001-"));
    assert_eq!(second.header("if-range"), Some(TAG));
}

#[test]
fn another_process_resumes_where_one_gave_up() {
    let (_folder, cache) = cache(0);
    let server = Server::start(|r| {
        let answer = Answer::file(r, &bytes(50_000), TAG);
        if r.number == 0 {
            answer.cut(20_000)
        } else {
            answer
        }
    });
    let remote = remote(server.url("/f"));
    assert!(get(&cache, &remote).is_err());
    assert!(is_missing(&cache));
    assert_eq!(fs::metadata(part(&cache)).unwrap().len(), 20_000);
    let path = get(&cache.clone(), &remote).unwrap();
    assert_eq!(fs::read(path).unwrap(), bytes(50_000));
    assert_eq!(server.sent(), 50_000);
}

#[test]
fn a_file_that_changed_meanwhile_is_fetched_from_its_beginning() {
    let (_folder, cache) = cache(1);
    let server = Server::start(|r| match r.number {
        0 => Answer::file(r, &[1; 1000], TAG).cut(500),
        _ => Answer::file(r, &[2; 1000], "\"v2\""),
    });
    let path = get(&cache, &remote(server.url("/f"))).unwrap();
    assert_eq!(fs::read(path).unwrap(), [2; 1000]);
}

#[test]
fn a_server_that_ignores_ranges_gives_the_file_from_its_beginning() {
    let (_folder, cache) = cache(1);
    let server = Server::start(|r| {
        let answer = Answer::whole(&bytes(1000)).with("ETag: \"v1\"");
        if r.number == 0 {
            answer.cut(500)
        } else {
            answer
        }
    });
    let path = get(&cache, &remote(server.url("/f"))).unwrap();
    assert_eq!(fs::read(path).unwrap(), bytes(1000));
    assert_eq!(server.sent(), 1500);
}

#[test]
fn without_a_tag_or_a_checksum_nothing_is_continued() {
    let (_folder, cache) = cache(1);
    let server = Server::start(|r| {
        let answer = Answer::file(r, &bytes(1000), "W/\"weak\"");
        if r.number == 0 {
            answer.cut(500)
        } else {
            answer
        }
    });
    let path = get(&cache, &remote(server.url("/f"))).unwrap();
    assert_eq!(fs::read(path).unwrap(), bytes(1000));
    assert_eq!(server.requests()[1].header("range"), None);
}

#[test]
fn a_part_longer_than_the_file_is_begun_anew() {
    let (_folder, cache) = cache(1);
    let server = Server::start(|r| Answer::file(r, &bytes(1000), TAG));
    fs::create_dir_all(part(&cache).parent().unwrap()).unwrap();
    fs::write(part(&cache), bytes(2000)).unwrap();
    fs::write(part(&cache).with_extension("etag"), TAG).unwrap();
    let path = get(&cache, &remote(server.url("/f"))).unwrap();
    assert_eq!(fs::read(path).unwrap(), bytes(1000));
}

#[test]
fn not_found_says_what_from_where_why_and_what_to_do() {
    let (_folder, cache) = cache(3);
    let server = Server::start(|_| Answer::status("404 Not Found"));
    let url = server.url("/datasets/f");
    let error = get(&cache, &remote(url.clone())).unwrap_err().to_string();
    let by_hand = cache.root().unwrap().join("data/file.bin");
    for said in [
        "file.bin is missing",
        &url,
        "the server answered 404 Not Found",
        by_hand.to_str().unwrap(),
        "dataset.path",
    ] {
        assert!(error.contains(said), "{said:?} is not in\n{error}");
    }
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_busy_server_is_asked_again() {
    let (_folder, cache) = cache(2);
    let server = Server::start(|r| match r.number {
        0 => Answer::status("503 Service Unavailable"),
        1 => Answer::status("429 Too Many Requests"),
        _ => Answer::file(r, b"abc", TAG),
    });
    let path = get(&cache, &remote(server.url("/f"))).unwrap();
    assert_eq!(fs::read(path).unwrap(), b"abc");
}

#[test]
fn a_server_that_stays_busy_is_not_asked_for_ever() {
    let (_folder, cache) = cache(2);
    let server = Server::start(|_| Answer::status("503 Service Unavailable"));
    let error = get(&cache, &remote(server.url("/f")))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("503 Service Unavailable (attempt 3)"),
        "{error}"
    );
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn a_silent_server_is_given_up() {
    let (_folder, cache) = cache(1);
    let server = Server::start(|_| Answer::silence());
    let began = Instant::now();
    let error = get(&cache, &remote(server.url("/f")))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("no answer from 127.0.0.1 in time"),
        "{error}"
    );
    assert!(began.elapsed() < Duration::from_secs(20));
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_server_that_falls_silent_midway_is_asked_for_the_rest() {
    let (_folder, cache) = cache(1);
    let server = Server::start(|r| {
        let answer = Answer::file(r, &bytes(5000), TAG);
        if r.number == 0 {
            answer.stuck(2000)
        } else {
            answer
        }
    });
    let path = get(&cache, &remote(server.url("/f"))).unwrap();
    assert_eq!(fs::read(path).unwrap(), bytes(5000));
    assert_eq!(server.sent(), 5000);
}

#[test]
fn the_token_follows_redirects_on_its_own_host_only() {
    let (_folder, cache) = cache(0);
    let other = Server::start(|r| Answer::file(r, b"abc", TAG));
    let elsewhere = other.url("/signed");
    let hub = Server::start(move |r| match r.path.as_str() {
        "/f" => Answer::redirect("/moved"),
        _ => Answer::redirect(&elsewhere),
    });
    let mut remote = remote(hub.url("/f"));
    remote.token = Hub::at(&hub.url("/"), Some("secret")).token();
    assert_eq!(fs::read(get(&cache, &remote).unwrap()).unwrap(), b"abc");
    for request in hub.requests() {
        assert_eq!(request.header("authorization"), Some("Bearer secret"));
    }
    let [request] = &other.requests()[..] else {
        panic!("the other host is asked once");
    };
    assert_eq!(request.header("authorization"), None);
    assert!(!format!("{request:?}").contains("secret"));
}

#[test]
fn redirects_in_a_circle_end() {
    let (_folder, cache) = cache(2);
    let server = Server::start(|_| Answer::redirect("/f"));
    let error = get(&cache, &remote(server.url("/f")))
        .unwrap_err()
        .to_string();
    assert!(error.contains("redirects"), "{error}");
    assert!(server.requests().len() < 20);
}

#[test]
fn of_several_that_want_a_file_one_downloads_it() {
    let (_folder, cache) = cache(0);
    let server = Server::start(|r| Answer::file(r, &bytes(300_000), TAG));
    let remote = remote(server.url("/f"));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let path = get(&cache, &remote).unwrap();
                assert_eq!(fs::read(path).unwrap(), bytes(300_000));
            });
        }
    });
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn progress_counts_every_byte_once_over_a_cut() {
    #[derive(Default)]
    struct Log(Mutex<Vec<String>>);
    impl Progress for Log {
        fn start(&self, what: &str, total: Option<u64>, bytes: bool) {
            let line = format!("{what} {total:?} {bytes}");
            self.0.lock().unwrap().push(line);
        }
        fn advance(&self, amount: u64) {
            self.0.lock().unwrap().push(amount.to_string());
        }
        fn finish(&self) {
            self.0.lock().unwrap().push("finish".into());
        }
    }
    let (_folder, cache) = cache(1);
    let server = Server::start(|r| {
        let answer = Answer::file(r, &bytes(10), TAG);
        if r.number == 0 { answer.cut(4) } else { answer }
    });
    let log = Log::default();
    cache.file(&remote(server.url("/f")), &log).unwrap();
    let start = "file.bin Some(10) true";
    assert_eq!(
        log.0.into_inner().unwrap(),
        [start, "0", "4", "finish", start, "4", "6", "finish"]
    );
}
