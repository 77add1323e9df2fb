//! Weights that do not fit, found before anything is begun, by `check` and by a run alike.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use runner::model::weights::{self, HostTensor};

use crate::common;
use crate::common::torch_file::torch_file;
use crate::common::{SMALL, runner, said, write};

/// SqueezeNet 1.1's layers as torchvision numbers them: name, output, input channels, kernel (its paper's table 1, as
/// revised for 1.1).
fn layers() -> Vec<(String, [usize; 4])> {
    let mut layers = vec![("features.0".to_owned(), [64, 3, 3, 3])];
    let mut input = 64;
    let fires = [
        (16, 64),
        (16, 64),
        (32, 128),
        (32, 128),
        (48, 192),
        (48, 192),
        (64, 256),
        (64, 256),
    ];
    for (n, (squeeze, expand)) in [3, 4, 6, 7, 9, 10, 11, 12].into_iter().zip(fires) {
        layers.push((format!("features.{n}.squeeze"), [squeeze, input, 1, 1]));
        layers.push((format!("features.{n}.expand1x1"), [expand, squeeze, 1, 1]));
        layers.push((format!("features.{n}.expand3x3"), [expand, squeeze, 3, 3]));
        input = 2 * expand;
    }
    layers
}

/// A file of SqueezeNet's weights, each tensor under the name that `rename` gives it; none leaves it out.
fn save(path: &Path, rename: impl Fn(&str) -> Option<String>) {
    let mut tensors = BTreeMap::new();
    for (layer, shape) in layers() {
        for (suffix, shape) in [("weight", shape.to_vec()), ("bias", vec![shape[0]])] {
            let data = vec![0.01; shape.iter().product()];
            if let Some(name) = rename(&format!("{layer}.{suffix}")) {
                tensors.insert(name, HostTensor { shape, data });
            }
        }
    }
    weights::save(path, &tensors, &BTreeMap::new()).unwrap();
}

/// What both commands say of the small spec with a flag; both must end with status 2 and begin nothing.
fn refused(folder: &Path, set: &[&str]) -> String {
    write(folder, "small.toml", SMALL);
    let mut texts = Vec::new();
    for command in [&["check", "small.toml"][..], &["small.toml"]] {
        let mut process = runner(folder);
        process.args(command);
        for set in set {
            process.args(["--set", set]);
        }
        let output = process.output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{set:?}: {}", said(&output));
        assert!(!folder.join("results").exists(), "{set:?} was begun");
        texts.push(said(&output));
    }
    assert_eq!(texts[0], texts[1]);
    texts.remove(0)
}

#[test]
fn files_of_other_formats_are_named_with_what_to_do() {
    let tmp = tempfile::tempdir().unwrap();
    for (name, bytes, what, help) in [
        (
            "w.pth",
            &b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."[..],
            "a Python pickle",
            "save_file",
        ),
        (
            "w.index",
            &0xdb47_7524_8b80_fb57u64.to_le_bytes(),
            "a TensorFlow checkpoint",
            "Keras",
        ),
        (
            "w.safetensors",
            b"version https://git-lfs.github.com/spec/v1\noid",
            "a Git LFS pointer",
            "git lfs pull",
        ),
        (
            "page.safetensors",
            b"<!doctype html><title>404</title>",
            "a web page",
            "download",
        ),
        ("empty.safetensors", b"", "an empty file", "again"),
    ] {
        fs::write(tmp.path().join(name), bytes).unwrap();
        for key in ["backbone.weights", "training.initial_weights"] {
            let text = refused(tmp.path(), &[&format!("{key}={name}")]);
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            for part in [key, name, what, help] {
                assert!(text.contains(part), "{part} is not in {text}");
            }
        }
    }
}

/// The tensors of the only run's model, after `runner small.toml` with these weights.
fn trained(folder: &Path, weights: &str, arch: &str) -> BTreeMap<String, HostTensor> {
    let results = format!("results_{weights}");
    write(folder, "small.toml", SMALL);
    let output = runner(folder)
        .args(["small.toml", "--results", &results, "--set"])
        .arg(format!("backbone.weights={weights}"))
        .args(["--set", &format!("backbone.arch={arch}")])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let mut runs = fs::read_dir(folder.join(&results).join("small/runs")).unwrap();
    let run = runs.next().unwrap().unwrap().path();
    weights::read(&run.join("model.safetensors"))
        .unwrap()
        .tensors
}

#[test]
fn a_file_of_torch_gives_the_run_that_its_safetensors_gives() {
    let tmp = tempfile::tempdir().unwrap();
    save(&tmp.path().join("w.safetensors"), |name| {
        Some(name.to_owned())
    });
    let read = weights::read(&tmp.path().join("w.safetensors")).unwrap();
    let tensors = read.tensors.into_iter();
    let tensors = tensors.map(|(name, t)| (format!("module.backbone.{name}"), t.shape, t.data));
    let tensors: Vec<_> = tensors.collect();
    torch_file(&tmp.path().join("w.pth"), Some("state_dict"), &tensors);
    let of = |file| trained(tmp.path(), file, "squeezenet1_1");
    assert_eq!(of("w.pth"), of("w.safetensors"));
    let check = runner(tmp.path())
        .args(["check", "small.toml", "--set", "backbone.weights=w.pth"])
        .output()
        .unwrap();
    let text = said(&check)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let read = "state_dict.module.backbone.features.0.bias is read as features.0.bias";
    assert!(check.status.success() && text.contains(read), "{text}");
}

#[test]
#[cfg_attr(not(shared), ignore = "needs the shared data, which is not there")]
fn a_file_of_keras_gives_the_run_that_its_safetensors_gives() {
    let tmp = tempfile::tempdir().unwrap();
    let data = common::shared().join("data/squeezenet1_1");
    for (from, to) in [
        (
            "squeezenet_weights_tf_dim_ordering_tf_kernels_notop.h5",
            "w.h5",
        ),
        ("squeezenet1_1-imagenet.safetensors", "w.safetensors"),
    ] {
        fs::copy(data.join(from), tmp.path().join(to)).unwrap();
    }
    let of = |file| trained(tmp.path(), file, "squeezenet1_1");
    assert_eq!(of("w.h5"), of("w.safetensors"));
}

#[test]
fn damaged_files_of_torch_and_keras_are_refused_at_their_key() {
    let tmp = tempfile::tempdir().unwrap();
    torch_file(
        &tmp.path().join("w.pth"),
        None,
        &[("a".into(), vec![2], vec![1.0; 2])],
    );
    let whole = fs::read(tmp.path().join("w.pth")).unwrap();
    for (name, bytes, why) in [
        ("cut.pth", &whole[..whole.len() / 2], "invalid Zip archive"),
        ("cut.h5", &b"\x89HDF\r\n\x1a\n\0\0"[..], "HDF5"),
    ] {
        fs::write(tmp.path().join(name), bytes).unwrap();
        let text = refused(tmp.path(), &[&format!("backbone.weights={name}")]);
        assert!(text.contains(why) && text.contains(name), "{text}");
    }
    let text = refused(tmp.path(), &["backbone.weights=w.pth"]);
    assert!(text.contains("is missing"), "{text}");
}

#[test]
fn weights_of_another_network_are_refused_at_their_key() {
    let tmp = tempfile::tempdir().unwrap();
    let path = tmp.path().join("w.safetensors");
    save(&path, |name| Some(name.to_owned()));
    let text = refused(
        tmp.path(),
        &["backbone.arch=vgg11", "backbone.weights=w.safetensors"],
    );
    assert!(
        text.contains("looks like squeezenet1_1, the spec says vgg11"),
        "{text}"
    );
    // A whole model has a head, too.
    let text = refused(tmp.path(), &["training.initial_weights=w.safetensors"]);
    assert!(text.contains("dense.weight is missing"), "{text}");
    save(&path, |name| {
        Some(name.replace("features.12.", "features.13."))
    });
    let text = refused(tmp.path(), &["backbone.weights=w.safetensors"]);
    assert!(text.contains("features.12.squeeze.weight"), "{text}");
    save(&path, |name| {
        let prefix = if name.starts_with("features.7.") {
            ""
        } else {
            "backbone."
        };
        Some(format!("{prefix}{name}"))
    });
    let text = refused(tmp.path(), &["backbone.weights=w.safetensors"]);
    assert!(
        text.contains("others of its tensors begin with `backbone.`"),
        "{text}"
    );
}

#[test]
fn imagenet_weights_that_nobody_publishes_are_refused_at_their_key() {
    let tmp = tempfile::tempdir().unwrap();
    let text = refused(tmp.path(), &["backbone.weights=imagenet"]);
    assert!(
        text.contains("no ImageNet weights of squeezenet1_1"),
        "{text}"
    );
    assert!(
        text.contains("torchvision") && text.contains("--> --set backbone.weights"),
        "{text}"
    );
}

#[test]
fn a_prefix_of_a_wrapper_is_left_out_and_said() {
    let tmp = tempfile::tempdir().unwrap();
    write(tmp.path(), "small.toml", SMALL);
    for prefix in ["module.", "model.", "backbone.", "_orig_mod.module."] {
        save(&tmp.path().join("w.safetensors"), |name| {
            Some(format!("{prefix}{name}"))
        });
        for command in [&["check", "small.toml"][..], &["small.toml"]] {
            let mut process = runner(tmp.path());
            process
                .args(command)
                .args(["--set", "backbone.weights=w.safetensors"]);
            let output = process.output().unwrap();
            let text = said(&output);
            assert!(output.status.success(), "{text}");
            assert!(
                text.contains(&format!(
                    "{prefix}features.0.bias is read as features.0.bias"
                )),
                "{text}"
            );
        }
    }
}

#[test]
fn an_upstream_model_that_cannot_fit_is_refused_before_it_is_trained() {
    let tmp = tempfile::tempdir().unwrap();
    write(tmp.path(), "pretrain.toml", SMALL);
    let weights = "backbone.weights={ experiment = \"pretrain.toml\" }";
    let text = refused(tmp.path(), &["backbone.arch=vgg11", weights]);
    assert!(
        text.contains("experiment pretrain") && text.contains("does not fit"),
        "{text}"
    );
    assert!(text.contains("looks like squeezenet1_1"), "{text}");
    // Its run has no folder yet: it is told by its values, and not by an id.
    let swept = format!("{SMALL}[sweep.axes]\nseed = [0]\n");
    write(tmp.path(), "pretrain.toml", &swept);
    let text = refused(tmp.path(), &["backbone.arch=vgg11", weights]);
    assert!(
        text.contains("experiment pretrain gives with seed = 0 does not fit"),
        "{text}"
    );
}

#[test]
fn what_experiments_of_a_chain_have_in_common_is_said_once() {
    let tmp = tempfile::tempdir().unwrap();
    write(tmp.path(), "pretrain.toml", SMALL);
    let second = SMALL.replace("\"random\"", "{ experiment = \"pretrain.toml\" }");
    write(tmp.path(), "second.toml", &second);
    let output = runner(tmp.path()).arg("second.toml").output().unwrap();
    let text = said(&output);
    assert!(output.status.success(), "{text}");
    assert_eq!(text.matches("computing on ").count(), 1, "{text}");
}

#[test]
fn whose_imagenet_weights_they_are_is_said_and_another_normalization() {
    let tmp = tempfile::tempdir().unwrap();
    let spec = SMALL
        .replace("squeezenet1_1", "vgg16")
        .replace("\"random\"", "\"imagenet\"");
    write(tmp.path(), "small.toml", &spec);
    let check = |scheme: &str| {
        let set = format!("normalization.scheme={scheme}");
        let output = runner(tmp.path())
            .args(["check", "small.toml", "--set", &set])
            .output();
        said(&output.unwrap())
    };
    let other = "trained with normalization.scheme = \"imagenet\"; this spec has";
    let text = check("caffe");
    assert!(text.contains("torchvision's IMAGENET1K_V1"), "{text}");
    assert!(
        text.contains("this spec has \"caffe\" (as Keras's own"),
        "{text}"
    );
    assert_eq!(text.matches(other).count(), 1, "{text}");
    let text = check("imagenet");
    assert!(
        text.contains("torchvision's IMAGENET1K_V1") && !text.contains(other),
        "{text}"
    );
}

#[test]
fn a_saved_classifier_has_timms_name_and_both_names_are_read() {
    let tmp = tempfile::tempdir().unwrap();
    let spec = common::SMALL
        .replace("squeezenet1_1", "mobilenetv3_small_100")
        .replace(
            "global_average_pooling\"",
            "pool\"\n[[head]]\nlayer = \"dropout\"\nrate = 0.1",
        );
    common::write(tmp.path(), "e.toml", &spec);
    let run = |args: &[&str]| common::runner(tmp.path()).args(args).output().unwrap();
    let output = run(&["e.toml"]);
    assert!(output.status.success(), "{}", common::said(&output));
    let runs = std::fs::read_dir(tmp.path().join("results/e/runs")).unwrap();
    let model = runs.map(|run| run.unwrap().path()).next().unwrap();
    let file = weights::read(&model.join("model.safetensors")).unwrap();
    assert_eq!(file.tensors["classifier.weight"].shape, [10, 1024]);
    assert!(!file.tensors.keys().any(|name| name.starts_with("dense")));
    let accuracy = |output: &std::process::Output| {
        let said = common::said(output);
        let line = said.lines().find(|line| line.starts_with("accuracy"));
        line.unwrap_or_else(|| panic!("{said}")).to_owned()
    };
    let path = model.join("model.safetensors");
    let initial = format!("training.initial_weights={}", path.display());
    let begins = || {
        run(&["check", "e.toml", "--set", &initial])
            .status
            .success()
    };
    let evaluated = accuracy(&run(&["evaluate", model.to_str().unwrap()]));
    assert!(begins());
    // As older versions saved it.
    let old = |(name, tensor): (String, _)| (name.replace("classifier.", "dense."), tensor);
    let tensors = file.tensors.into_iter().map(old).collect();
    weights::save(&path, &tensors, &file.metadata).unwrap();
    assert_eq!(
        accuracy(&run(&["evaluate", model.to_str().unwrap()])),
        evaluated
    );
    assert!(begins());
}
