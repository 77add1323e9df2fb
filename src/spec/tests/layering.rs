//! Which layer wins, and where its values are said to come from.

use super::super::{Arch, AxisValue, Problem, Weights};
use super::{Folder, at};

#[test]
fn later_layers_win() {
    let epochs = |own: &str, base: &str, variables: &[(&str, &str)], overrides: &[&str]| {
        let folder = Folder::new(own);
        folder.file("base.toml", base);
        let text = std::fs::read_to_string(folder.path().join("a.toml")).unwrap();
        folder.file("a.toml", &format!("extends = \"base.toml\"\n{text}"));
        folder
            .load(overrides, variables)
            .unwrap()
            .spec
            .training
            .epochs
    };
    let base = "[training]\nepochs = 2";
    let own = "[training]\nepochs = 3";
    let variable = [("RUNNER_TRAINING__EPOCHS", "4")];
    let flags = ["training.epochs=5", "training.epochs=6"];
    assert_eq!(epochs("", "", &[], &[]), 10);
    assert_eq!(epochs("", base, &[], &[]), 2);
    assert_eq!(epochs(own, base, &[], &[]), 3);
    assert_eq!(epochs(own, base, &variable, &[]), 4);
    assert_eq!(epochs(own, base, &variable, &flags[..1]), 5);
    assert_eq!(epochs(own, base, &variable, &flags), 6);
}

#[test]
fn tables_merge_and_lists_are_replaced() {
    let folder = Folder::new("[training]\nmetrics = [\"top5_accuracy\"]");
    let small = std::fs::read_to_string(folder.path().join("a.toml")).unwrap();
    folder.file(
        "deep/one.toml",
        "extends = \"../two.toml\"\n[training]\nepochs = 7\nbatch_size = 8",
    );
    folder.file(
        "two.toml",
        "[training]\nepochs = 6\nmetrics = [\"accuracy\", \"per_class\"]",
    );
    folder.file("three.toml", "[training]\nbatch_size = 9");
    folder.file(
        "a.toml",
        &format!("extends = [\"deep/one.toml\", \"three.toml\"]\n{small}"),
    );
    let training = folder
        .good(&["optimizer={ name = \"sgd\", momentum = 0.5 }"])
        .spec
        .training;
    assert_eq!((training.epochs, training.batch_size), (7, 9));
    assert_eq!(training.metrics.len(), 1);
    let optimizer = folder.good(&["optimizer={ name = \"sgd\" }", "optimizer.momentum=0.5"]);
    let momentum = at(&optimizer.spec, "optimizer.momentum");
    assert_eq!(momentum, Some(AxisValue::Float(0.5)));
    assert_eq!(optimizer.spec.optimizer.name.as_str(), "sgd");
}

#[test]
fn circles_and_missing_files_of_extends_are_shown_where_they_are_written() {
    let folder = Folder::new("");
    folder.file("a.toml", "extends = \"b.toml\"");
    folder.file("b.toml", "\nextends = [\"./c.toml\"]");
    folder.file("c.toml", "extends = \"a.toml\"");
    let text = folder.wrong(&[]);
    assert!(
        text.contains("c.toml:1:11") && text.contains("extends itself"),
        "{text}"
    );
    folder.file("c.toml", "extends = \"d.toml\"");
    let text = folder.wrong(&[]);
    assert!(
        text.contains("c.toml:1:11") && text.contains("d.toml: this file cannot be read"),
        "{text}"
    );
    folder.file("b.toml", "\nextends = [3]");
    let text = folder.wrong(&[]);
    assert!(
        text.contains("b.toml:2:12") && text.contains("a file's path in quotes"),
        "{text}"
    );
}

#[test]
fn a_mistake_in_an_extended_file_is_shown_in_that_file() {
    let folder = Folder::new("");
    let small = std::fs::read_to_string(folder.path().join("a.toml")).unwrap();
    folder.file("base.toml", "[training]\nepocs = 1");
    folder.file("a.toml", &format!("extends = \"base.toml\"\n{small}"));
    let text = folder.wrong(&[]);
    assert!(text.contains("base.toml:2:1\n"), "{text}");
}

#[test]
fn values_from_outside_are_toml_or_else_text() {
    let folder = Folder::new("");
    let spec = folder
        .good(&[
            "backbone.arch=vgg13",
            "backbone.weights = random",
            "name=\"quoted\"",
            "dataset.classes=[0, \"1\"]",
            "optimizer.schedule={ kind = \"step\", step_epochs = 2 }",
            "head.1.rate=0.25",
        ])
        .spec;
    assert_eq!(spec.backbone.arch, Arch::named("vgg13").unwrap());
    assert_eq!(spec.backbone.weights, Weights::Random);
    assert_eq!(spec.name, "quoted");
    let epochs = at(&spec, "optimizer.schedule.step_epochs");
    assert_eq!(epochs, Some(AxisValue::Integer(2)));
    assert_eq!(spec.dataset.classes.as_ref().map(Vec::len), Some(2));
    assert_eq!(at(&spec, "head.1.rate"), Some(AxisValue::Float(0.25)));
    assert_eq!(spec.head.len(), 3);
}

#[test]
fn a_variable_reaches_into_the_head_and_the_runners_own_are_no_keys() {
    let folder = Folder::new("");
    let variables = [
        ("RUNNER_HEAD__1__RATE", "0.125"),
        ("RUNNER_CACHE", "/nowhere"),
        ("RUNNER_LOG", "debug"),
        ("RUNNER_SHARED", "/nowhere"),
        ("RUNNER_OS", "Linux"),
        ("RUNNER_", "x"),
        ("OTHER", "x"),
    ];
    let experiment = folder.load(&[], &variables).unwrap();
    assert_eq!(
        at(&experiment.spec, "head.1.rate"),
        Some(AxisValue::Float(0.125))
    );
    assert_eq!(experiment.spec.name, "a");
    let name = ("RUNNER_NAME", "b");
    assert_eq!(folder.load(&[], &[name]).unwrap().spec.name, "b");
    let in_ci = [name, ("GITHUB_ACTIONS", "true")];
    assert_eq!(folder.load(&[], &in_ci).unwrap().spec.name, "a");
}

#[test]
fn paths_start_in_the_folder_of_their_file_or_in_the_current_one() {
    let folder = Folder::new("");
    let small = std::fs::read_to_string(folder.path().join("a.toml")).unwrap();
    let small = small.replace("digits", "mnist");
    folder.file(
        "sub/base.toml",
        "[dataset]\npath = \"data\"\n[training]\ninitial_weights = \"../w\"",
    );
    folder.file("sub/data", "");
    folder.file("w", "");
    folder.file("here/own", "");
    folder.file("a.toml", &format!("extends = \"sub/base.toml\"\n{small}"));
    let spec = folder.good(&["backbone.weights=own"]).spec;
    assert_eq!(spec.dataset.path, Some(folder.path().join("sub/data")));
    assert_eq!(spec.training.initial_weights, Some(folder.path().join("w")));
    assert_eq!(
        spec.backbone.weights,
        Weights::File(folder.path().join("here/own"))
    );
    let experiment = "backbone.weights={ experiment = \"../a.toml\" }";
    let weights = folder.good(&[experiment]).spec.backbone.weights;
    assert_eq!(weights, Weights::Experiment(folder.path().join("a.toml")));
}

#[test]
fn an_untouched_element_keeps_its_place_beside_one_from_a_flag() {
    let folder = Folder::new("");
    let experiment = folder.good(&["head.1.rate=0.25"]);
    let place = |key: &str| {
        experiment
            .problem(None, &Problem::new(key, "x"))
            .place
            .to_string()
    };
    assert_eq!(place("head.1.rate"), "--set head.1.rate=0.25");
    assert!(
        place("head.2.units").ends_with("a.toml:14:9"),
        "{}",
        place("head.2.units")
    );
    assert!(place("head.1.layer").ends_with("a.toml:10:9"));
    assert!(place("head.2").ends_with("a.toml:12:1"));
}

#[test]
fn a_key_that_is_nowhere_is_shown_where_it_would_go() {
    let folder = Folder::new("[training]\nepochs = 2");
    let experiment = folder.good(&["training.epochs=3", "optimizer.name=sgd"]);
    let place = |key: &str| {
        experiment
            .problem(None, &Problem::new(key, "x"))
            .to_string()
    };
    assert!(
        place("training.device").contains("a.toml:16:2\n"),
        "{}",
        place("training.device")
    );
    assert!(place("training.device").contains("not written anywhere"));
    assert!(place("optimizer.momentum").contains("a.toml\n"));
    assert!(place("optimizer.name").contains("--> --set optimizer.name=sgd"));
    assert!(place("name").contains("a.toml"), "{}", place("name"));
}
