//! The tensors that are needed out of a weight file on a server.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use runner::fetch::{Cache, Error, Hub, Source, how_to_convert, pretrained, published};
use runner::model::weights::{self, HostTensor, Part};
use runner::progress::NoProgress;
use runner::spec::{Arch, Backbone};

use super::{TAG, cache};
use crate::common::server::{Answer, Server};

/// timm's VGG-16 in small: its names, 3 values a convolution and 1000 a layer of the top.
fn tensors() -> BTreeMap<String, HostTensor> {
    let convolutions = [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28];
    let small = convolutions
        .iter()
        .map(|n| (format!("features.{n}.weight"), 3));
    let top = ["head.fc", "pre_logits.fc1", "pre_logits.fc2"];
    let large = top.iter().map(|name| (format!("{name}.weight"), 1000));
    let tensor = |(name, length): (String, usize)| {
        let seed = name.len() * 10;
        let data = (0..length).map(|i| (i + seed) as f32).collect();
        (
            name,
            HostTensor {
                shape: vec![length],
                data,
            },
        )
    };
    small.chain(large).map(tensor).collect()
}

/// The bytes of that file, and where its tensors begin.
fn file(folder: &Path) -> (Vec<u8>, usize) {
    let path = folder.join("source.safetensors");
    weights::save(&path, &tensors(), &BTreeMap::new()).unwrap();
    let bytes = fs::read(&path).unwrap();
    fs::remove_file(path).unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap());
    (bytes, 8 + length as usize)
}

fn backbone(cache: &Cache, server: &Server) -> Result<PathBuf, Error> {
    let hub = Hub::at(&server.url(""), None);
    let wanted = weights::needed(Arch::named("vgg16").unwrap(), Part::Features);
    let source = Source::imagenet(Arch::named("vgg16").unwrap())?;
    pretrained(cache, &hub, &source, &wanted, &NoProgress)
}

/// The convolutions alone.
fn convolutions() -> BTreeMap<String, HostTensor> {
    let mut tensors = tensors();
    tensors.retain(|name, _| name.starts_with("features."));
    tensors
}

#[test]
fn only_the_wanted_tensors_are_served_and_only_once() {
    let (folder, cache) = cache(0);
    let (bytes, head) = file(folder.path());
    let server = Server::start(move |r| Answer::file(r, &bytes, TAG));
    let path = backbone(&cache, &server).unwrap();
    assert_eq!(weights::read(&path).unwrap().tensors, convolutions());
    assert_eq!(server.sent(), head + 13 * 3 * 4);
    // The length, the head, and one range: the convolutions are neighbours.
    assert_eq!(server.requests().len(), 3);
    assert_eq!(
        server.requests()[0].path,
        "/timm/vgg16.tv_in1k/resolve/b8d8aa2dd860af9233c8c67385a8097fd6c35d3f/model.safetensors"
    );
    assert_eq!(backbone(&cache, &server).unwrap(), path);
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn altered_weights_in_the_cache_are_fetched_again() {
    let (folder, cache) = cache(0);
    let (bytes, _) = file(folder.path());
    let server = Server::start(move |r| Answer::file(r, &bytes, TAG));
    let path = backbone(&cache, &server).unwrap();
    let mut altered = fs::read(&path).unwrap();
    *altered.last_mut().unwrap() ^= 1;
    fs::write(&path, altered).unwrap();
    assert_eq!(backbone(&cache, &server).unwrap(), path);
    assert_eq!(weights::read(&path).unwrap().tensors, convolutions());
}

#[test]
fn another_selection_is_another_file_and_needs_no_new_head() {
    let (folder, cache) = cache(0);
    let (bytes, head) = file(folder.path());
    let server = Server::start(move |r| Answer::file(r, &bytes, TAG));
    let first = backbone(&cache, &server).unwrap();
    let hub = Hub::at(&server.url(""), None);
    let wanted = |name: &str| name == "features.0.weight" || name == "head.fc.weight";
    let source = Source::imagenet(Arch::named("vgg16").unwrap()).unwrap();
    let second = pretrained(&cache, &hub, &source, &wanted, &NoProgress).unwrap();
    assert_ne!(first, second);
    let found = weights::read(&second).unwrap().tensors;
    assert_eq!(found["head.fc.weight"], tensors()["head.fc.weight"]);
    assert_eq!(found.len(), 2);
    assert_eq!(server.sent(), head + 13 * 3 * 4 + (3 + 1000) * 4);
}

#[test]
fn a_cut_selection_resumes_where_it_was() {
    let (folder, cache) = cache(0);
    let (bytes, head) = file(folder.path());
    let server = Server::start(move |r| {
        let answer = Answer::file(r, &bytes, TAG);
        if r.number == 2 {
            answer.cut(50)
        } else {
            answer
        }
    });
    assert!(backbone(&cache, &server).is_err());
    let path = backbone(&cache, &server).unwrap();
    assert_eq!(weights::read(&path).unwrap().tensors, convolutions());
    assert_eq!(server.sent(), head + 13 * 3 * 4);
    assert_eq!(server.requests().len(), 4);
}

#[test]
fn a_file_that_changes_between_head_and_tensors_is_read_anew() {
    let (folder, cache) = cache(1);
    let (bytes, _) = file(folder.path());
    let server = Server::start(move |r| {
        let tag = if r.number < 2 { TAG } else { "\"v2\"" };
        Answer::file(r, &bytes, tag)
    });
    let path = backbone(&cache, &server).unwrap();
    assert_eq!(weights::read(&path).unwrap().tensors, convolutions());
    assert_eq!(server.requests().len(), 6);
}

#[test]
fn a_server_without_ranges_gives_the_whole_file() {
    let (folder, cache) = cache(0);
    let (bytes, _) = file(folder.path());
    let server = Server::start(move |_| Answer::whole(&bytes));
    let path = backbone(&cache, &server).unwrap();
    assert_eq!(weights::read(&path).unwrap().tensors, tensors());
    let asked = server.requests().len();
    assert_eq!(backbone(&cache, &server).unwrap(), path);
    assert_eq!(server.requests().len(), asked);
}

#[test]
fn a_login_page_in_place_of_the_file_is_not_kept() {
    let (_folder, cache) = cache(0);
    let server = Server::start(|_| Answer::whole(b"<!DOCTYPE html><title>Please log in</title>"));
    let error = backbone(&cache, &server).unwrap_err();
    assert!(
        error.to_string().contains("not a safetensors file"),
        "{error}"
    );
    let Error::Download { path, .. } = error else {
        panic!("{error}");
    };
    assert!(!path.exists());
}

#[test]
fn a_whole_file_put_into_the_cache_by_hand_needs_no_network() {
    let (folder, cache) = cache(0);
    let server = Server::start(|_| Answer::status("404 Not Found"));
    let error = backbone(&cache, &server).unwrap_err();
    let Error::Download { path, key, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(*key, "backbone.weights");
    assert!(error.to_string().contains("404 Not Found"), "{error}");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, file(folder.path()).0).unwrap();
    assert_eq!(backbone(&cache, &server).unwrap(), *path);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn lying_heads_are_refused_without_reading_on() {
    let head = |length: u64, json: &str, data: usize| {
        let mut bytes = length.to_le_bytes().to_vec();
        bytes.extend_from_slice(json.as_bytes());
        bytes.resize(bytes.len() + data, 0);
        bytes
    };
    let tensor = |end: u64| {
        let json = r#"{"features.0.weight":{"dtype":"F32","shape":[2],"data_offsets":[0,END]}}"#;
        json.replace("END", &end.to_string())
    };
    let of = |json: &str, data| head(json.len() as u64, json, data);
    for (bytes, said) in [
        (head(u64::MAX, "{}", 0), "not a safetensors file"),
        (head(99_000_000, "{}", 0), "shorter than its own head"),
        (of(&tensor(400), 8), "wrong"),
        (of(&tensor(8), 4), "not as long as its head says"),
        (of("{\"a\": nonsense", 0), "wrong"),
        (of("{}", 0), "none of the tensors"),
    ] {
        let (_folder, cache) = cache(0);
        let server = Server::start(move |r| Answer::file(r, &bytes, TAG));
        let error = backbone(&cache, &server).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
        assert!(server.requests().len() <= 2);
    }
}

#[test]
fn squeezenets_weights_are_not_on_the_hub_and_the_way_round_is_told() {
    let arch = Arch::named("squeezenet1_1").unwrap();
    let error = published(arch).unwrap_err();
    assert!(error.to_string().contains("squeezenet1_1"), "{error}");
    let how = how_to_convert(arch);
    assert!(
        how.contains("weights = \"squeezenet1_1.safetensors\""),
        "{how}"
    );
}

/// A backbone whose weights are named.
fn named(weights: &str) -> Backbone {
    let text = format!("arch = \"vgg16\"\nweights = \"{weights}\"");
    toml::from_str(&text).unwrap()
}

#[test]
fn a_repository_of_timms_is_asked_at_the_revision_that_is_named() {
    let wanted = weights::needed(Arch::named("vgg16").unwrap(), Part::Features);
    for (name, place) in [
        (
            "timm/vgg16.tv_in1k",
            "/timm/vgg16.tv_in1k/resolve/main/model.safetensors",
        ),
        (
            "timm/vgg16.tv_in1k@b8d8aa2",
            "/timm/vgg16.tv_in1k/resolve/b8d8aa2/model.safetensors",
        ),
    ] {
        let (folder, cache) = cache(0);
        let (bytes, _) = file(folder.path());
        let server = Server::start(move |r| Answer::file(r, &bytes, TAG));
        let hub = Hub::at(&server.url(""), None);
        let backbone = named(name);
        let source = Source::of(&backbone).unwrap().unwrap();
        let path = pretrained(&cache, &hub, &source, &wanted, &NoProgress).unwrap();
        assert_eq!(weights::read(&path).unwrap().tensors.len(), 13);
        let requests = server.requests();
        assert!(
            requests.iter().all(|request| request.path == place),
            "{requests:?}"
        );
    }
    let unknown = named("timm/vgg16.nobody_in1k");
    let error = Source::of(&unknown).unwrap_err().to_string();
    assert!(error.contains("timm/vgg16.nobody_in1k"), "{error}");
    assert!(
        Source::of(&named("weights/vgg16.safetensors"))
            .unwrap()
            .is_none()
    );
}
