//! Repositories of the hub, on a server of this machine that answers as the hub does.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::Mutex;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::*;
use crate::common::server::{Answer, Request, Server};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const CLASSES: [&str; 3] = ["wasp", "ant", "bee"];

/// A Parquet file of photos as `datasets` writes it: rows `from..to`, row `i` of class `i % 3`.
fn parquet(rows: std::ops::Range<usize>) -> Vec<u8> {
    let labels: Vec<i64> = rows.clone().map(|i| (i % 3) as i64).collect();
    let columns = vec![
        Column::new("species".into(), labels.clone()),
        Column::new("quality".into(), labels),
    ];
    let features = json!({
        "photo": { "_type": "Image" },
        "species": { "_type": "ClassLabel", "names": CLASSES },
        "quality": { "_type": "Value", "dtype": "int64" },
    });
    with_photos(rows, columns, features)
}

/// As [`parquet`], but row `i` has as many of the classes, from the first on, as `i % 4`.
fn with_lists(rows: std::ops::Range<usize>) -> Vec<u8> {
    let list = |i: usize| Series::new("".into(), (0..i as i64 % 4).collect::<Vec<_>>());
    let lists: Vec<Series> = rows.clone().map(list).collect();
    let features = json!({
        "photo": { "_type": "Image" },
        "marks": { "_type": "List", "feature": { "_type": "ClassLabel", "names": CLASSES } },
    });
    with_photos(rows, vec![Column::new("marks".into(), lists)], features)
}

fn with_photos(rows: std::ops::Range<usize>, more: Vec<Column>, features: Value) -> Vec<u8> {
    let png = |i: usize| {
        let mut bytes = Vec::new();
        let colour = image::Rgb([i as u8, 100, (i * 7) as u8]);
        let photo = image::RgbImage::from_pixel(9, 7, colour);
        photo
            .write_to(&mut Cursor::new(&mut bytes), image::ImageFormat::Png)
            .unwrap();
        bytes
    };
    let count = rows.len();
    let bytes = Series::new("bytes".into(), rows.map(png).collect::<Vec<_>>());
    let paths = Series::new("path".into(), vec![None::<String>; count]);
    let photos = StructChunked::from_series("photo".into(), count, [&bytes, &paths].into_iter());
    let photos = photos.unwrap().into_series().into_column();
    let columns = [vec![photos], more].concat();
    let about = json!({ "info": { "features": features } }).to_string();
    let mut file = Vec::new();
    ParquetWriter::new(&mut file)
        .with_key_value_metadata(Some(KeyValueMetadata::from_static(vec![(
            "huggingface".into(),
            about,
        )])))
        .finish(&mut DataFrame::new_infer_height(columns).unwrap())
        .unwrap();
    file
}

/// The files of `owner/insects`, written by this.
fn files(parquet: fn(std::ops::Range<usize>) -> Vec<u8>) -> BTreeMap<String, Vec<u8>> {
    let files = [
        ("README.md", b"---\n---".to_vec()),
        ("data/train-00000-of-00002.parquet", parquet(0..12)),
        ("data/train-00001-of-00002.parquet", parquet(12..24)),
        ("data/test-00000-of-00001.parquet", parquet(24..30)),
        ("data/extra-00000-of-00001.parquet", parquet(30..33)),
    ];
    files.map(|(name, bytes)| (name.to_owned(), bytes)).into()
}

/// The hub with one repository, whose README.md has this head; large files lie at another place.
struct Hub {
    hub: Server,
    store: Server,
}

impl Hub {
    fn start(card: Value) -> Self {
        Hub::of(files(parquet), card)
    }

    fn of(files: BTreeMap<String, Vec<u8>>, card: Value) -> Self {
        let stored = files.clone();
        let cut = Mutex::new(true);
        let store = Server::start(move |request| {
            let bytes = &stored[request.path.trim_start_matches('/')];
            let is_first =
                request.path.contains("train-00001") && std::mem::take(&mut *cut.lock().unwrap());
            let answer = Answer::file(request, bytes, "\"one\"");
            match is_first {
                true => answer.cut(100),
                false => answer,
            }
        });
        let at = store.url("/");
        let sibling = |(name, bytes): (String, Vec<u8>)| {
            let sum = Sha256::digest(&bytes);
            let sum: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
            json!({
                "rfilename": name, "size": bytes.len(),
                "lfs": { "sha256": sum, "size": bytes.len(), "pointerSize": 134 },
            })
        };
        let siblings: Vec<Value> = files.into_iter().map(sibling).collect();
        let about = json!({
            "id": "owner/insects", "sha": COMMIT, "siblings": siblings, "cardData": card,
        });
        let hub = Server::start(move |request: &Request| {
            let resolved = format!("/datasets/owner/insects/resolve/{COMMIT}/");
            let path = request.path.split('?').next().unwrap_or_default();
            let json = |value: &Value| Answer::whole(value.to_string().as_bytes());
            if let Some(file) = path.strip_prefix(&resolved) {
                return Answer::redirect(&format!("{at}{file}"));
            }
            match path.strip_prefix("/api/datasets/owner/insects/") {
                Some("refs") => json(&json!({
                    "branches": [{ "name": "main", "ref": "refs/heads/main" }],
                    "tags": [{ "name": "v1.0", "ref": "refs/tags/v1.0" }],
                })),
                Some("revision/main" | "revision/v1.0") => json(&about),
                _ => Answer::status("404 Not Found"),
            }
        });
        Hub { hub, store }
    }

    fn files_asked_for(&self) -> Vec<String> {
        let requests = self.store.requests().into_iter();
        requests.map(|request| request.path).collect()
    }

    /// Exit status and words of the program with these arguments.
    fn run(&self, folder: &Path, more: &str, arguments: &[&str]) -> (i32, String) {
        let dataset = format!("name = \"hub\"\nrepository = \"owner/insects\"\n{more}");
        let spec = PHOTOS.replace("name = \"image_folder\"\npath = \"photos\"", &dataset);
        write(folder, "e.toml", &spec);
        let mut command = runner(folder);
        command.env("HF_ENDPOINT", self.hub.url(""));
        command
            .env("HF_TOKEN", "hf_secret")
            .env("RUNNER_PATIENCE", "0.01");
        let output = command.args(arguments).output().unwrap();
        let said = said(&output)
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        (output.status.code().unwrap(), said)
    }
}

fn card() -> Value {
    let names = json!({ "0": "wasp", "1": "ant", "2": "bee" });
    json!({ "dataset_info": {
        "features": [
            { "name": "photo", "dtype": "image" },
            { "name": "species", "dtype": { "class_label": { "names": names } } },
            { "name": "quality", "dtype": "int64" },
        ],
        "splits": [{ "name": "train", "num_examples": 24 }],
    }})
}

#[test]
fn a_repository_is_trained_on_and_needs_no_network_again() {
    let tmp = tempfile::tempdir().unwrap();
    for head in [card(), Value::Null] {
        let _ = fs::remove_dir_all(tmp.path().join("cache"));
        let _ = fs::remove_dir_all(tmp.path().join("results"));
        let hub = Hub::start(head);
        let (status, said) = hub.run(tmp.path(), "", &["check", "e.toml"]);
        assert_eq!(status, 0, "{said}");
        for part in [
            &format!("owner/insects at commit {COMMIT}: images in column photo, labels in species"),
            "wasp (8 training, 2 test), ant",
            "splits left out: extra",
            "images: 18 training, 6 validation, 6 test",
        ] {
            assert!(said.contains(part), "\"{part}\" is missing in: {said}");
        }
        let asked = hub.files_asked_for();
        assert!(
            !asked.iter().any(|path| path.contains("extra")),
            "{asked:?}"
        );
        assert_eq!(asked.len(), 4, "one was cut and resumed: {asked:?}");
        let told = |server: &Server| {
            let requests = server.requests().into_iter();
            requests
                .filter(|request| request.header("authorization").is_some())
                .count()
        };
        assert_eq!(told(&hub.store), 0, "the token is the hub's own");
        assert_eq!(told(&hub.hub), hub.hub.requests().len());
        let (status, said) = hub.run(tmp.path(), "", &["e.toml"]);
        assert_eq!(status, 0, "{said}");
        assert_eq!(hub.files_asked_for().len(), 4);
        let run = fs::read_dir(tmp.path().join("results/e/runs"))
            .unwrap()
            .next()
            .unwrap();
        let log = fs::read_to_string(run.unwrap().path().join("log.jsonl")).unwrap();
        assert!(log.contains(&format!("\"commit\":\"{COMMIT}\"")), "{log}");
        drop(hub);
    }
    // Nobody answers there.
    let offline = Hub {
        hub: Server::start(|_| Answer::status("503 Service Unavailable")),
        store: Server::start(|_| Answer::status("404 Not Found")),
    };
    let (status, said) = offline.run(tmp.path(), "", &["e.toml"]);
    assert_eq!(status, 0, "{said}");
    assert!(said.contains("the run is finished already"), "{said}");
    assert!(
        said.contains("the hub cannot be asked what owner/insects is at \"main\" now"),
        "{said}"
    );
    let asked = offline.hub.requests().len();
    let (status, said) = offline.run(
        tmp.path(),
        &format!("revision = \"{COMMIT}\""),
        &["check", "e.toml"],
    );
    assert_eq!(
        (status, offline.hub.requests().len()),
        (0, asked),
        "a commit stays what it is: {said}"
    );
}

#[test]
fn wrong_names_are_found_by_the_plan_with_what_there_is() {
    let hub = Hub::start(card());
    for (more, says) in [
        (
            "revision = \"v1.1\"",
            &[
                "no revision \"v1.1\"",
                "did you mean \"v1.0\"?",
                "main, v1.0",
            ][..],
        ),
        (
            "training_part = \"trian\"",
            &[
                "no split \"trian\"; the splits are extra, test, train",
                "did you mean \"train\"?",
            ],
        ),
        (
            "label_column = \"specie\"",
            &[
                "no column \"specie\"; the columns are photo, species, quality",
                "\"species\"?",
            ],
        ),
        ("image_column = \"img\"", &["no column \"img\""]),
        ("subset = \"large\"", &["no subset \"large\""]),
        ("path = \"x\"", &["`dataset.path` is not read"]),
        ("split_column = \"split\"", &["split_column"]),
    ] {
        let tmp = tempfile::tempdir().unwrap();
        let (status, said) = hub.run(tmp.path(), more, &["check", "e.toml"]);
        assert_eq!(status, 2, "{more}: {said}");
        for part in says {
            assert!(
                said.contains(part),
                "{more}: \"{part}\" is missing in: {said}"
            );
        }
        let key = more.split(' ').next().unwrap();
        assert!(
            said.contains(&format!("{key} = ")),
            "not at its line: {said}"
        );
    }
    assert_eq!(
        hub.files_asked_for(),
        [""; 0],
        "nothing large was downloaded"
    );
    for (name, says) in [
        ("owner/birds", "the hub has no dataset owner/birds"),
        ("owner/../birds", "is no name of a repository"),
    ] {
        let tmp = tempfile::tempdir().unwrap();
        let set = format!("dataset.repository={name}");
        let (status, said) = hub.run(tmp.path(), "", &["check", "e.toml", "--set", &set]);
        assert_eq!(status, 2, "{said}");
        assert!(said.contains(says), "{said}");
    }
}

#[test]
fn splits_and_columns_that_could_be_several_are_to_be_named() {
    let two = json!({ "class_label": { "names": { "0": "a", "1": "b", "2": "c" } } });
    let head = json!({
        "configs": [
            { "config_name": "small", "data_files": [{ "split": "train", "path": "data/extra-*" }] },
            { "config_name": "large", "data_files": [
                { "split": "learn", "path": "data/train-*" }, { "split": "test", "path": ["data/test-*"] },
            ]},
        ],
        "dataset_info": [{ "config_name": "large", "features": [
            { "name": "photo", "dtype": "image" },
            { "name": "species", "dtype": two }, { "name": "quality", "dtype": two },
        ]}],
    });
    let hub = Hub::start(head);
    let tmp = tempfile::tempdir().unwrap();
    let mut more = String::new();
    for (next, says) in [
        ("", "several subsets: small, large"),
        (
            "subset = \"large\"\n",
            "several columns hold labels: species, quality",
        ),
        (
            "label_column = \"species\"\n",
            "no split is named for training; the splits are learn, test",
        ),
    ] {
        more += next;
        let (status, said) = hub.run(tmp.path(), &more, &["check", "e.toml"]);
        assert_eq!(status, 2, "{said}");
        assert!(said.contains(says), "{said}");
    }
    more += "training_part = \"learn\"\ntest_part = \"\"\n";
    let (status, said) = hub.run(tmp.path(), &more, &["check", "e.toml"]);
    assert_eq!(status, 0, "{said}");
    assert!(said.contains("splits left out: test"), "{said}");
    assert!(
        said.contains("images: 18 training, 6 validation, 0 test")
            || said.contains("18 training, 6 validation"),
        "{said}"
    );
}

#[test]
fn several_labels_an_image_are_lists_of_class_labels() {
    let names = json!({ "0": "wasp", "1": "ant", "2": "bee" });
    let features = json!([
        { "name": "photo", "dtype": "image" },
        { "name": "marks", "sequence": { "class_label": { "names": names } } },
    ]);
    for card in [
        json!({ "dataset_info": { "features": features } }),
        Value::Null,
    ] {
        let tmp = tempfile::tempdir().unwrap();
        let hub = Hub::of(files(with_lists), card);
        let (status, said) = hub.run(tmp.path(), "", &["check", "e.toml"]);
        assert_eq!(status, 2, "{said}");
        assert!(said.contains("dataset.multi_label = true"), "{said}");
        let loss = ["--set", "training.loss=binary_crossentropy"];
        let sigmoid = ["--set", "head.1.activation=sigmoid"];
        let arguments = [&["check", "e.toml"][..], &loss, &sigmoid].concat();
        let (status, said) = hub.run(tmp.path(), "multi_label = true", &arguments);
        assert_eq!(status, 0, "{said}");
        for part in [
            "labels in marks",
            "wasp (18 training, 4 test), ant (12 training, 2 test)",
            "1.43 labels an image on average",
        ] {
            assert!(said.contains(part), "\"{part}\" is missing in: {said}");
        }
    }
}

#[test]
fn a_file_in_the_cache_that_was_changed_is_fetched_again() {
    let tmp = tempfile::tempdir().unwrap();
    let hub = Hub::start(card());
    let check = || hub.run(tmp.path(), "", &["check", "e.toml"]);
    assert_eq!(check().0, 0);
    let name = "data/test-00000-of-00001.parquet";
    let folder = tmp.path().join("cache/datasets/hub/owner--insects");
    let file = folder.join(COMMIT).join(name);
    let mut bytes = fs::read(&file).unwrap();
    let asked = hub.files_asked_for().len();
    assert_eq!(check().0, 0);
    assert_eq!(hub.files_asked_for().len(), asked);
    // As long as before.
    bytes[100] ^= 1;
    fs::write(&file, &bytes).unwrap();
    let (status, said) = check();
    assert_eq!(status, 0, "{said}");
    assert_eq!(fs::read(&file).unwrap(), files(parquet)[name]);
    assert_eq!(hub.files_asked_for().len(), asked + 1);
}
