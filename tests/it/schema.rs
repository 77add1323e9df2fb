//! What helps to write specs: the schema for editors, `runner init`, completions, the manual page.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::common::runner;

fn shown(args: &[&str]) -> String {
    let output = runner(Path::new(".")).args(args).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_schema_in_the_repository_is_the_programs() {
    let kept = fs::read_to_string("docs/spec.schema.json").unwrap_or_default();
    assert!(
        shown(&["schema"]) == kept,
        "docs/spec.schema.json is not current: runner schema > docs/spec.schema.json"
    );
}

#[test]
fn every_key_is_described_with_its_default_range_and_names() {
    let schema: Value = serde_json::from_str(&shown(&["schema"])).unwrap();
    let tables = schema["definitions"].as_object().unwrap().values();
    let mut keys = 0;
    for table in tables.chain([&schema]) {
        for (key, value) in table["properties"].as_object().into_iter().flatten() {
            assert!(value["description"].is_string(), "{key}: {value}");
            keys += 1;
        }
    }
    assert!(keys > 60, "{keys} keys");
    let key = |table: &str, key: &str| &schema["definitions"][table]["properties"][key];
    assert_eq!(key("Training", "epochs")["default"], 10);
    assert_eq!(key("Training", "epochs")["minimum"], 1);
    assert_eq!(key("Dataset", "validation_split")["exclusiveMaximum"], 1);
    let names = serde_json::to_string(&schema["definitions"]["Arch"]).unwrap();
    assert!(names.contains("squeezenet1_1"), "{names}");
}

#[test]
fn shipped_specs_name_the_schema_in_their_first_line() {
    for entry in fs::read_dir("experiments").unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            let text = fs::read_to_string(&path).unwrap();
            let first = text.lines().next().unwrap();
            assert_eq!(
                first,
                "#:schema ../docs/spec.schema.json",
                "{}",
                path.display()
            );
        }
    }
}

#[test]
fn a_spec_that_init_wrote_can_be_run_and_is_never_written_over() {
    let folder = tempfile::tempdir().unwrap();
    runner(folder.path())
        .args(["init", "a.toml"])
        .assert()
        .success();
    runner(folder.path())
        .args(["check", "a.toml"])
        .assert()
        .success();
    fs::write(folder.path().join("a.toml"), "mine").unwrap();
    let again = runner(folder.path())
        .args(["init", "a.toml"])
        .assert()
        .code(2);
    let said = String::from_utf8_lossy(&again.get_output().stderr).into_owned();
    assert!(said.contains("a.toml is there already"), "{said}");
    assert_eq!(
        fs::read_to_string(folder.path().join("a.toml")).unwrap(),
        "mine"
    );
}

#[test]
fn completions_and_the_manual_page_know_every_command() {
    let pages = ["bash", "zsh", "fish"].map(|shell| shown(&["completions", shell]));
    for page in pages.iter().chain([&shown(&["man"])]) {
        for command in ["check", "compare", "evaluate", "predict", "watch", "schema"] {
            assert!(page.contains(command), "{command} is not in {page}");
        }
    }
}

#[test]
fn every_template_of_init_passes_check() {
    let folder = tempfile::tempdir().unwrap();
    for class in ["cat", "dog"] {
        let class = folder.path().join("photos").join(class);
        fs::create_dir_all(&class).unwrap();
        for i in 0..8 {
            let file = class.join(format!("{i}.png"));
            image::RgbImage::new(8, 8).save(file).unwrap();
        }
    }
    for template in ["digits", "photos", "lesson"] {
        // The ending is added.
        runner(folder.path())
            .args(["init", template, "--template", template])
            .assert()
            .success();
        let file = format!("{template}.toml");
        let output = runner(folder.path())
            .args(["check", &file])
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{template}: {text}");
    }
}
