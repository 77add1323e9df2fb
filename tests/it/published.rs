//! Whole networks as they were published, used without a run: `backbone.include_top` with `predict` and `evaluate`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use runner::model::Blueprint;
use runner::model::weights;
use runner::spec::Spec;
use serde_json::Value;

use crate::common::timm_step;
use crate::common::{runner, said, shared, write};

const SPEC: &str = "\
[backbone]
arch = \"mobilenetv3_small_100\"
weights = \"whole.safetensors\"
include_top = true
input_size = 224

[normalization]
scheme = \"pretrained\"

[resize]
method = \"pretrained\"
";

/// The spec, a file of the whole network, and a picture of 300 × 240 pixels.
fn folder() -> tempfile::TempDir {
    let tmp = tempfile::tempdir().unwrap();
    let spec = format!("name = \"t\"\ndataset = {{ name = \"digits\" }}\n{SPEC}");
    let spec: Spec = toml::from_str(&spec).unwrap();
    let blueprint = Blueprint::new(&spec, 1000).unwrap();
    let tensors = blueprint.graph.parameters();
    let tensors = tensors.map(|(_, p)| {
        (
            p.name.clone(),
            timm_step::value(&p.name, &p.file_shape(), 1),
        )
    });
    let path = tmp.path().join("whole.safetensors");
    weights::save(&path, &tensors.collect(), &BTreeMap::new()).unwrap();
    write(tmp.path(), "classify.toml", SPEC);
    let value = |x: u32, y: u32, c: u32| ((x * 3 + y * 2 + c * 40 + x * y / 7) % 256) as u8;
    let picture = image::RgbImage::from_fn(300, 240, |x, y| {
        image::Rgb([0, 1, 2].map(|c| value(x, y, c)))
    });
    for class in ["folders/mountain bike", "synsets/n04487081"] {
        let folder = tmp.path().join(class);
        fs::create_dir_all(&folder).unwrap();
        picture.save(folder.join("a.png")).unwrap();
    }
    let other = tmp.path().join("synsets/n01440764");
    fs::create_dir_all(&other).unwrap();
    picture.save(other.join("a.png")).unwrap();
    picture.save(tmp.path().join("a.png")).unwrap();
    tmp
}

/// The answer of a command, as JSON.
fn json(folder: &Path, args: &[&str]) -> Value {
    let mut process = runner(folder);
    let output = process
        .args(args)
        .args(["--format", "json"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What a command says that is refused.
fn refused(folder: &Path, args: &[&str]) -> String {
    let output = runner(folder).args(args).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    said(&output)
}

/// The most probable classes of an image.
fn ranked(answer: &Value) -> Vec<(String, f64)> {
    let ranked = answer["predictions"].as_array().unwrap();
    let pair = |r: &Value| {
        let class = r["class"].as_str().unwrap().to_owned();
        (class, r["probability"].as_f64().unwrap())
    };
    ranked.iter().map(pair).collect()
}

// The expected numbers, with timm 1.0.29, torch 2.15.0 and Pillow 13.0.0:
//   model = timm.create_model("mobilenetv3_small_100").eval()       # and every tensor `value(name, shape, 1)`
//   y, x, c = np.mgrid[0:240, 0:300, 0:3]
//   image = Image.fromarray(((x * 3 + y * 2 + c * 40 + x * y // 7) % 256).astype("u1"))
//   cfg = timm.get_pretrained_cfg("mobilenetv3_small_100.lamb_in1k").to_dict()
//   t = create_transform(**resolve_data_config(cfg))
//   p = model(t(image)[None]).softmax(1)[0]
//   print([(int(i), float(p[i])) for i in p.argsort(descending=True)[:5]])
#[test]
fn a_whole_network_says_what_timm_says() {
    let tmp = folder();
    let answer = json(tmp.path(), &["predict", "classify.toml", "a.png"]);
    let expected = [
        ("wig", 0.0012695), // 903
        ("swab", 0.0012509),
        ("streetcar", 0.0012322),
        ("Airedale", 0.0012291),
        ("basset", 0.0012048),
    ];
    for ((class, found), (name, p)) in ranked(&answer["images"][0]).iter().zip(expected) {
        assert_eq!(class, name, "{answer}");
        assert!((found - p).abs() < 1e-6, "{answer}");
    }
}

#[test]
fn folders_are_known_by_the_classes_names_and_by_their_synsets() {
    let tmp = folder();
    let set = ["--set", "dataset.name=image_folder", "--set"];
    let part = ["--part", "all"];
    let evaluate = |path: &str| {
        let path = format!("dataset.path={path}");
        let args = [&["evaluate", "classify.toml"][..], &set, &[&path], &part].concat();
        json(tmp.path(), &args)
    };
    let found = evaluate("synsets");
    assert_eq!(
        (found["images"].as_u64(), found["accuracy"].as_f64()),
        (Some(2), Some(0.0))
    );
    fs::create_dir_all(tmp.path().join("folders/wig")).unwrap();
    fs::copy(
        tmp.path().join("a.png"),
        tmp.path().join("folders/wig/a.png"),
    )
    .unwrap();
    let found = evaluate("folders");
    assert_eq!(
        (found["images"].as_u64(), found["accuracy"].as_f64()),
        (Some(2), Some(0.5))
    );
    fs::rename(
        tmp.path().join("folders/wig"),
        tmp.path().join("folders/mountain bikes"),
    )
    .unwrap();
    let mut process = runner(tmp.path());
    process.args(["evaluate", "classify.toml"]).args(set);
    process.args(["dataset.path=folders"]).args(part);
    let text = said(&process.output().unwrap());
    assert!(text.contains("did you mean \"mountain bike\"?"), "{text}");
    assert!(text.contains("n01440764"), "{text}");
}

#[test]
fn what_has_yet_to_be_trained_is_refused() {
    let tmp = folder();
    let predict = |set: &[&str]| {
        let set = set.iter().flat_map(|set| ["--set", set]);
        let args: Vec<&str> = ["predict", "classify.toml", "a.png"]
            .into_iter()
            .chain(set)
            .collect();
        refused(tmp.path(), &args)
    };
    let head =
        "head=[{ layer = \"pool\" }, { layer = \"dense\", units = 10, activation = \"softmax\" }]";
    let text = predict(&["backbone.include_top=false", head]);
    assert!(
        text.contains("has yet to be trained") && text.contains("include_top = true"),
        "{text}"
    );
    let text = predict(&["backbone.weights=random"]);
    assert!(
        text.contains("has yet to be trained") && text.contains("\"imagenet\""),
        "{text}"
    );
    let text = predict(&["normalization.scheme=standardize"]);
    assert!(text.contains("nothing is trained here"), "{text}");
    let text = predict(&["sweep.axes.\"backbone.input_size\"=[192, 224]"]);
    assert!(text.contains("2 runs"), "{text}");
    let text = predict(&["backbone.arch=resnet18"]);
    assert!(
        text.contains("is missing") || text.contains("looks like"),
        "{text}"
    );
}

#[test]
fn check_shows_what_predict_would_do_and_says_that_nothing_trains() {
    let tmp = folder();
    let output = runner(tmp.path())
        .args(["check", "classify.toml"])
        .output()
        .unwrap();
    let text = said(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    for part in [
        "mobilenetv3_small_100 with its own classifier, as published: 1,000 classes of ImageNet",
        "nothing is trained",
        "runner predict classify.toml IMAGE…",
        "the centre of 224 × 224 taken, bicubic",
        "trainable parameters              0",
        "multiply-accumulates",
    ] {
        assert!(text.contains(part), "\"{part}\" is missing in:\n{text}");
    }
    // What predict refuses is refused.
    let text = refused(
        tmp.path(),
        &["check", "classify.toml", "--set", "backbone.weights=random"],
    );
    assert!(text.contains("has yet to be trained"), "{text}");
    let text = refused(
        tmp.path(),
        &["check", "classify.toml", "--set", "backbone.arch=resnet18"],
    );
    assert!(text.contains("classify.toml:3:11"), "{text}");
    let text = refused(tmp.path(), &["classify.toml"]);
    for part in [
        "has no [dataset], so there is nothing to train",
        "runner predict classify.toml IMAGE…",
        "runner evaluate classify.toml",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert!(!tmp.path().join("results").exists());
    let text = refused(tmp.path(), &["evaluate", "classify.toml"]);
    assert!(
        text.contains("classify.toml names no images to evaluate")
            && text.contains("--set dataset.name=image_folder --set dataset.path=FOLDER"),
        "{text}"
    );
}

/// scikit-image's pictures, by EfficientNet-Lite0 with its real weights; `shared/data/README.md` has timm's answers.
#[test]
#[ignore = "needs scikit-image's pictures: RUNNER_PICTURES=site-packages/skimage/data, and the real weights"]
fn real_pictures_are_named_as_timm_names_them() {
    let pictures = PathBuf::from(std::env::var_os("RUNNER_PICTURES").unwrap());
    let weights = "data/efficientnet_lite0/tf_efficientnet_lite0.in1k.safetensors";
    let weights = shared().join(weights).canonicalize().unwrap();
    let tmp = tempfile::tempdir().unwrap();
    let spec = SPEC
        .replace("mobilenetv3_small_100", "tf_efficientnet_lite0")
        .replace("whole.safetensors", weights.to_str().unwrap());
    write(tmp.path(), "classify.toml", &spec);
    let (p, unknown) = (Some, None);
    for (picture, expected) in [
        (
            "chelsea.png",
            [
                ("tiger cat", p(0.393)),
                ("Egyptian cat", p(0.356)),
                ("tabby", p(0.170)),
                ("lynx", p(0.014)),
                ("window screen", p(0.001)),
            ],
        ),
        (
            "coffee.png",
            [
                ("espresso", p(0.951)),
                ("cup", unknown),
                ("consomme", unknown),
                ("chocolate sauce", unknown),
                ("coffee mug", unknown),
            ],
        ),
        (
            "rocket.jpg",
            [
                ("missile", p(0.274)),
                ("projectile", p(0.189)),
                ("drilling platform", unknown),
                ("space shuttle", unknown),
                ("mosque", unknown),
            ],
        ),
    ] {
        let path = pictures.join(picture);
        let answer = json(
            tmp.path(),
            &["predict", "classify.toml", path.to_str().unwrap()],
        );
        let found = ranked(&answer["images"][0]);
        assert_eq!(found.len(), 5);
        for ((class, found), (name, p)) in found.iter().zip(expected) {
            assert_eq!(class, name, "{answer}");
            assert!(p.is_none_or(|p| (found - p).abs() < 0.01), "{answer}");
        }
    }
}
