//! `runner explain`: pictures of what answers rest on. Their numbers: `zoo/explained.rs`, and `tests/explained.py`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use runner::model::{Blueprint, weights};
use runner::spec::Spec;
use serde_json::Value;

use crate::common::{runner, said, timm_step, write};

/// A folder with a spec of a published network of this architecture, its weights, and pictures.
fn folder(arch: &str, size: usize) -> tempfile::TempDir {
    let tmp = tempfile::tempdir().unwrap();
    let network = format!(
        "backbone = {{ arch = \"{arch}\", weights = \"whole.safetensors\", include_top = true, input_size = {size} }}\n\
         normalization = {{ scheme = \"pretrained\" }}\n"
    );
    let text = format!("name = \"t\"\ndataset = {{ name = \"digits\" }}\n{network}");
    let spec: Spec = toml::from_str(&text).unwrap();
    let blueprint = Blueprint::new(&spec, 1000).unwrap();
    let tensors = blueprint.graph.parameters().map(|(_, p)| {
        let value = timm_step::value(&p.name, &p.file_shape(), 1);
        (p.name.clone(), value)
    });
    let path = tmp.path().join("whole.safetensors");
    weights::save(&path, &tensors.collect(), &BTreeMap::new()).unwrap();
    write(tmp.path(), "classify.toml", &network);
    let value = |x: u32, y: u32, c: u32| ((x * 3 + y * 2 + c * 40 + x * y / 7) % 256) as u8;
    let picture =
        image::RgbImage::from_fn(90, 60, |x, y| image::Rgb([0, 1, 2].map(|c| value(x, y, c))));
    for folder in ["", "one", "two"] {
        let folder = tmp.path().join(folder);
        fs::create_dir_all(&folder).unwrap();
        picture.save(folder.join("a.png")).unwrap();
    }
    tmp
}

/// The status of `runner explain classify.toml` with these arguments, and what it says.
fn explain(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = runner(folder);
    let command = command.args(["explain", "classify.toml"]).args(arguments);
    let output = command.output().unwrap();
    (output.status.code(), said(&output))
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let name = |entry: std::io::Result<fs::DirEntry>| {
        entry.unwrap().file_name().to_string_lossy().into_owned()
    };
    let mut names: Vec<String> = entries.map(name).collect();
    names.sort();
    names
}

#[test]
fn each_image_gives_a_picture_named_by_its_class() {
    let tmp = folder("resnet18", 64);
    let (status, said) = explain(tmp.path(), &["a.png", "one", "two", "-o", "why", "-q"]);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("Grad-CAM: layer4 (2×2)"), "{said}");
    let names = names(&tmp.path().join("why"));
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(
        names
            .iter()
            .all(|n| n.starts_with("a-") && n.ends_with(".png"))
    );
    let picture = image::open(tmp.path().join("why").join(&names[0])).unwrap();
    assert_eq!((picture.width(), picture.height()), (256, 256));
    // The same bytes again.
    let first = fs::read(tmp.path().join("why").join(&names[0])).unwrap();
    explain(tmp.path(), &["a.png", "-o", "again"]);
    let again = fs::read_dir(tmp.path().join("again")).unwrap().next();
    assert!(first == fs::read(again.unwrap().unwrap().path()).unwrap());
}

#[test]
fn a_class_can_be_named_and_its_heat_is_told_as_json() {
    let tmp = folder("resnet18", 64);
    let heat = |class: &[&str]| {
        let arguments = [&["a.png", "-o", "why", "--format", "json"], class].concat();
        let mut command = runner(tmp.path());
        let command = command.args(["explain", "classify.toml"]).args(arguments);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        let image = &answer["images"][0];
        assert_eq!(image["heat"]["values"].as_array().unwrap().len(), 4);
        (
            image["class"].as_str().unwrap().to_owned(),
            image["heat"].clone(),
        )
    };
    let (predicted, of_predicted) = heat(&[]);
    let (same, of_same) = heat(&["--class", &predicted]);
    assert_eq!((&same, &of_same), (&predicted, &of_predicted));
    let (other, of_other) = heat(&["--class", "tench"]);
    assert!(other == "tench" && of_other != of_predicted);
}

#[test]
fn what_cannot_be_explained_is_refused() {
    let tmp = folder("resnet18", 64);
    let refused = |folder: &Path, arguments: &[&str], status: i32, fragment: &str| {
        let (found, said) = explain(folder, arguments);
        let is_so = found == Some(status) && said.contains(fragment);
        assert!(is_so, "{arguments:?}: {found:?} {said}");
    };
    let wrong = ["a.png", "-o", "why", "--class", "tenchh"];
    refused(tmp.path(), &wrong, 2, "did you mean \"tench\"?");
    assert!(!tmp.path().join("why").exists());
    fs::write(tmp.path().join("b.png"), "no image").unwrap();
    refused(
        tmp.path(),
        &["b.png", "a.png", "-o", "why"],
        1,
        "1 of 2 images could not be read",
    );
    let (_, said) = explain(tmp.path(), &["b.png", "-o", "why"]);
    assert!(
        said.contains("b.png: no image of a format") && !said.contains("on_bad_image"),
        "{said}"
    );
    assert_eq!(names(&tmp.path().join("why")).len(), 1);
    refused(
        tmp.path(),
        &["a.png", "-o", "a.png"],
        1,
        "cannot write a.png",
    );
    refused(tmp.path(), &["a.png"], 2, "--output <FOLDER>");
    let vit = folder("vit_tiny_patch16_224", 224);
    refused(
        vit.path(),
        &["a.png", "-o", "why", "--class", "tench"],
        2,
        "leave --class out",
    );
    let (status, said) = explain(vit.path(), &["a.png", "-o", "why"]);
    assert_eq!(status, Some(0), "{said}");
    assert!(
        said.contains("attention roll-out: 12 blocks (14×14)"),
        "{said}"
    );
}

/// Trained so little that much is wrong.
#[test]
fn the_report_shows_what_the_most_confident_mistakes_rest_on() {
    let tmp = tempfile::tempdir().unwrap();
    let spec = "dataset = { name = \"digits\", train_limit = 40, test_limit = 60 }\n\
                backbone = { arch = \"squeezenet1_1\", weights = \"random\", input_size = 64 }\n\
                head = [{ layer = \"global_average_pooling\" }, { layer = \"dense\", units = \"classes\", activation = \"softmax\" }]\n\
                training = { epochs = 1 }\n";
    write(tmp.path(), "e.toml", spec);
    let run = || {
        let output = runner(tmp.path()).arg("e.toml").output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
    };
    run();
    let heats = tmp.path().join("results/e/charts/mistakes");
    let drawn = names(&heats);
    assert_eq!(drawn.len(), 12, "{drawn:?}");
    let page = || fs::read_to_string(tmp.path().join("results/e/report.html")).unwrap();
    assert_eq!(page().matches("class=\"heat\"").count(), 12);
    // What is there is not drawn again, what is missing is, and what is not wanted goes.
    let [kept, lost] = [&drawn[0], &drawn[1]].map(|name| heats.join(name));
    let written = || fs::metadata(&kept).unwrap().modified().unwrap();
    let before = written();
    let bytes = fs::read(&lost).unwrap();
    fs::remove_file(&lost).unwrap();
    write(&heats, "run-00000000-1.png", "of another run");
    run();
    assert!(fs::read(&lost).unwrap() == bytes && written() == before);
    assert_eq!(names(&heats), drawn);
    assert_eq!(page().matches("class=\"heat\"").count(), 12);
}
