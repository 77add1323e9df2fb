//! Axes, runs and their names.

use std::collections::BTreeSet;

use super::super::{AxisValue, Problem};
use super::{Folder, SMALL, at};

const SWEEP: &str = "
[sweep.axes]
\"freeze.through\" = [\"none\", \"all\"]
seed = [3, 1, 2]
";

#[test]
fn a_spec_without_a_sweep_has_one_run() {
    let experiment = Folder::new("").good(&[]);
    assert_eq!(experiment.runs.len(), 1);
    assert!(experiment.runs[0].id.starts_with("run-"));
    assert!(experiment.runs[0].point.is_empty());
    assert_eq!(*experiment.runs[0].spec, experiment.spec);
}

#[test]
fn axes_keep_their_order_and_the_last_varies_fastest() {
    let experiment = Folder::new(SWEEP).good(&[]);
    let points: Vec<String> = experiment
        .runs
        .iter()
        .map(|run| run.id.rsplit_once('-').unwrap().0.to_owned())
        .collect();
    let expected = [
        "none,seed=3",
        "none,seed=1",
        "none,seed=2",
        "all,seed=3",
        "all,seed=1",
        "all,seed=2",
    ];
    assert_eq!(points, expected.map(|p| format!("through={p}")));
    assert_eq!(
        experiment.runs[1].point[1],
        ("seed".to_owned(), AxisValue::Integer(1))
    );
    assert_eq!(experiment.runs[5].spec.seed, 2);
    let ids: BTreeSet<_> = experiment.runs.iter().map(|run| &run.id).collect();
    assert_eq!(ids.len(), 6);
}

#[test]
fn flags_replace_axes_in_place_and_add_new_ones_at_the_end() {
    let folder = Folder::new(SWEEP);
    let experiment = folder.good(&[
        "sweep.axes.\"freeze.through\"=[\"all\"]",
        "sweep.axes.head.1.rate=[0.25, 0.5]",
        "sweep.axes={ seed = [7] }",
    ]);
    let axes: Vec<&str> = experiment.sweep.in_order().map(|(axis, _)| axis).collect();
    assert_eq!(axes, ["freeze.through", "seed", "head.1.rate"]);
    let rates: Vec<_> = experiment
        .runs
        .iter()
        .map(|run| at(&run.spec, "head.1.rate").unwrap())
        .collect();
    assert_eq!(rates, [0.25, 0.5].map(AxisValue::Float));
    assert!(experiment.runs.iter().all(|run| run.spec.seed == 7));
}

#[test]
fn unquoted_keys_and_tables_make_the_same_axes() {
    for axes in [
        "[sweep.axes]\nfreeze.through = [1, 2]",
        "[sweep.axes.freeze]\nthrough = [1, 2]",
        "[sweep]\naxes = { freeze = { through = [1, 2] } }",
    ] {
        let experiment = Folder::new(axes).good(&[]);
        assert_eq!(experiment.runs[1].point[0].0, "freeze.through", "{axes}");
    }
}

#[test]
fn a_quoted_key_of_a_stage_is_one_part_of_an_axis() {
    let stages = "[[stage]]\nname = \"one\"\nepochs = 1\n[[stage]]\nname = \"two\"\nepochs = 1\n";
    for axes in [
        "[sweep.axes]\nstage.1.\"freeze.through\" = [\"none\", \"all\"]",
        "[sweep.axes]\n'stage.1.\"freeze.through\"' = [\"none\", \"all\"]",
    ] {
        let runs = Folder::new(&format!("{stages}{axes}")).good(&[]).runs;
        assert_eq!(runs[1].point[0].0, "stage.1.\"freeze.through\"", "{axes}");
        assert!(
            runs[1].id.starts_with("freeze.through=all-") || runs[1].id.starts_with("through=all-"),
            "{}",
            runs[1].id
        );
    }
    let set = "sweep.axes.stage.1.\"freeze.through\"=[\"none\", \"all\"]";
    let runs = Folder::new(stages).good(&[set]).runs;
    assert_eq!(runs.len(), 2);
}

#[test]
fn an_axis_can_hold_tables_and_be_the_only_one_to_give_a_key() {
    let folder = Folder::new("");
    let text = SMALL.replace("arch = \"vgg11\"", "");
    let axes = "[sweep.axes]\n\"backbone.arch\" = [\"vgg13\", \"vgg16\"]\n\
                optimizer = [{ name = \"sgd\", momentum = 0.9 }, { name = \"adam\" }]";
    folder.file("a.toml", &format!("{text}{axes}"));
    let runs = folder.good(&[]).runs;
    let shown: Vec<String> = runs
        .iter()
        .map(|r| {
            let momentum = at(&r.spec, "optimizer.momentum");
            let momentum = momentum.map_or("without".into(), |value| value.to_string());
            let spec = &r.spec;
            format!("{} {} {momentum}", spec.backbone.arch, spec.optimizer.name)
        })
        .collect();
    assert_eq!(
        shown,
        [
            "vgg13 sgd 0.9",
            "vgg13 adam without",
            "vgg16 sgd 0.9",
            "vgg16 adam without"
        ]
    );
}

#[test]
fn only_what_decides_the_result_changes_the_hash() {
    let folder = Folder::new("");
    folder.file("here/data", "");
    let hash = |set: &[&str]| folder.good(set).runs[0].id.clone();
    let plain = hash(&[]);
    for same in [
        &["name=b"][..],
        &["training.device=cpu"],
        &["features.memory=1GiB"],
        &["tracking={ tensorboard = true, mlflow = \"http://localhost:5000\" }"],
        &["optimizer.learning_rate=1e-3"],
        &["head.2.activation=softmax"],
    ] {
        assert_eq!(hash(same), plain, "{same:?}");
    }
    let others = [
        &["seed=1"][..],
        &["training.epochs=11"],
        &["dataset.name=mnist"],
        &["dataset.name=mnist", "dataset.path=data"],
        &["optimizer.name=sgd"],
    ];
    let different: BTreeSet<String> = others.iter().map(|set| hash(set)).collect();
    assert_eq!(different.len(), others.len());
    assert!(!different.contains(&plain));
}

#[test]
fn two_ways_to_write_a_value_are_one_run_too_many() {
    let text = Folder::new("[sweep.axes]\n\"head.1.rate\" = [0, 0.0]").wrong(&[]);
    assert!(
        text.contains("a.toml:17:21") && text.contains("are the same"),
        "{text}"
    );
}

#[test]
fn a_contradiction_of_some_runs_names_the_first() {
    let sweep = "[optimizer]\nmomentum = 0.9\n[sweep.axes]\n\"optimizer.name\" = [\"sgd\", \"adam\"]\nseed = [0, 1]";
    let text = Folder::new(sweep).wrong(&[]);
    assert!(
        text.contains("a.toml:17:12") && text.contains("no option of adam"),
        "{text}"
    );
    assert!(
        text.contains("in 2 runs, the first is name=adam,seed=0-"),
        "{text}"
    );
    assert_eq!(text.matches("error:").count(), 1, "{text}");
}

#[test]
fn a_later_problem_points_at_the_value_of_the_axis() {
    let experiment = Folder::new(SWEEP).good(&["sweep.axes.seed=[5, 6]"]);
    let run = &experiment.runs[2];
    let shown = |key: &str| {
        let problem = Problem::new(key, "`all` is not a layer").help("layers: block1_conv1");
        experiment.problem(Some(run), &problem).to_string()
    };
    let text = shown("freeze.through");
    assert!(text.contains("a.toml:18:29\n"), "{text}");
    assert!(
        text.contains("^^^^^") && text.contains("= help: layers: block1_conv1"),
        "{text}"
    );
    assert!(text.contains("in the run through=all,seed=5-"), "{text}");
    assert!(
        shown("seed").contains("--> --set sweep.axes.seed=[5, 6]"),
        "{}",
        shown("seed")
    );
    assert!(shown("dataset.name").contains("a.toml:3:8"));
}

#[test]
fn a_hundred_thousand_runs_are_the_most() {
    let axes = |n: usize| {
        let seeds: Vec<String> = (0..n).map(|seed| seed.to_string()).collect();
        let seeds = seeds.join(",");
        format!(
            "[sweep.axes]\nseed = [{seeds}]\n\"dataset.train_limit\" = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]"
        )
    };
    assert_eq!(Folder::new(&axes(10_000)).good(&[]).runs.len(), 100_000);
    let text = Folder::new(&axes(10_001)).wrong(&[]);
    assert!(
        text.contains("the sweep has 100010 runs; at most 100000"),
        "{text}"
    );
}
