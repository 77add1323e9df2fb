//! `backbone.weights = "keras"`: the files of `keras.applications`, which are HDF5.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Output;

use runner::model::Blueprint;
use runner::model::weights::{self, HostTensor};
use runner::spec::Spec;

use crate::common;
use crate::common::server::{Answer, Server};
use crate::common::{SMALL, said, write};

const FILE: &str = "vgg16_weights_tf_dim_ordering_tf_kernels_notop";

/// A command on a spec of this architecture, with Keras's files at `endpoint`.
fn run(folder: &Path, arch: &str, args: &[&str], endpoint: &str) -> Output {
    let spec = SMALL.replace("squeezenet1_1", arch);
    write(folder, "e.toml", &spec.replace("random", "keras"));
    let mut command = common::runner(folder);
    command
        .args(args)
        .env("KERAS_ENDPOINT", endpoint)
        .env("RUNNER_PATIENCE", "0.01");
    command.output().unwrap()
}

#[test]
fn they_are_of_vgg_alone_and_for_caffes_images() {
    let folder = tempfile::tempdir().unwrap();
    let check = |arch: &str| {
        run(
            folder.path(),
            arch,
            &["check", "e.toml"],
            "http://127.0.0.1:9",
        )
    };
    let output = check("resnet18");
    assert_eq!(output.status.code(), Some(2));
    let text = said(&output);
    assert!(text.contains("those of vgg16 and vgg19"), "{text}");
    assert!(text.contains("weights = \"keras\""), "at its place: {text}");
    let output = check("vgg16");
    let text = said(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(
        text.contains(&format!("at {FILE}.h5; trained with")),
        "{text}"
    );
    let other = "trained with normalization.scheme = \"caffe\"; this spec has \"unit\"";
    assert!(text.contains(other), "{text}");
}

#[test]
fn another_file_than_kerass_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|request| Answer::file(request, b"not it", "\"v1\""));
    let output = run(folder.path(), "vgg16", &["e.toml"], &server.url(""));
    assert_eq!(output.status.code(), Some(1));
    let text = said(&output);
    // printf 'not it' | md5sum
    assert!(
        text.contains("it has MD5 004b90d1c33f90c1b05780e691f79ac5, and Keras's 6d6bbae1"),
        "{text}"
    );
    let paths: Vec<String> = server.requests().into_iter().map(|r| r.path).collect();
    assert_eq!(paths, [format!("/vgg16/{FILE}.h5")]);
    let path = folder.path().join("cache/weights/keras");
    assert!(!path.join(format!("{FILE}.h5")).exists());
}

#[test]
fn what_was_converted_once_is_taken_without_the_network() {
    let folder = tempfile::tempdir().unwrap();
    let spec = format!("name = 't'\n{}", SMALL.replace("squeezenet1_1", "vgg16"));
    let spec: Spec = toml::from_str(&spec).unwrap();
    let blueprint = Blueprint::new(&spec, 10).unwrap();
    let tensors = blueprint
        .graph
        .parameters()
        .filter(|(node, _)| *node < blueprint.backbone);
    let tensors: BTreeMap<String, HostTensor> = tensors
        .map(|(_, p)| {
            let (shape, data) = (p.file_shape(), vec![0.01; p.elements()]);
            (p.name.clone(), HostTensor { shape, data })
        })
        .collect();
    let cache = folder.path().join("cache/weights/keras");
    fs::create_dir_all(&cache).unwrap();
    let path = cache.join(format!("{FILE}.safetensors"));
    weights::save(&path, &tensors, &BTreeMap::new()).unwrap();
    let output = run(folder.path(), "vgg16", &["e.toml"], "http://127.0.0.1:9");
    assert!(output.status.success(), "{}", said(&output));
    let run = fs::read_dir(folder.path().join("results/e/runs")).unwrap();
    let run = run.map(|run| run.unwrap().path()).next().unwrap();
    let model = weights::read(&run.join("model.safetensors"))
        .unwrap()
        .tensors;
    assert_eq!(model["block5_conv3.weight"], tensors["block5_conv3.weight"]);
    let log = fs::read_to_string(run.join("log.jsonl")).unwrap();
    let cited = format!("\"repository\":\"keras.applications\",\"revision\":\"{FILE}.h5\"");
    assert!(log.contains(&cited), "{log}");
}
