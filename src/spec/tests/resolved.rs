//! Specs written out and read again.

use super::super::{Experiment, Spec};
use super::{Folder, SMALL};

/// Loads what an experiment was written out as, from another folder.
fn again(experiment: &Experiment, text: &str) -> Experiment {
    let folder = Folder::new("");
    folder.file("a.toml", text);
    let loaded = folder.load(&[], &[]);
    loaded.unwrap_or_else(|e| panic!("{}\n{e}\n{text}", experiment.spec.name))
}

#[test]
fn an_experiment_written_out_loads_as_the_same() {
    for (more, set) in [
        ("", &[][..]),
        (
            "[sweep.axes]\nseed = [1, 0]\n\"freeze.through\" = [\"none\", 15]",
            &[],
        ),
        (
            "[sweep]\nstrategy = \"random\"\nsamples = 2\n[sweep.axes]\nseed = [1, 2, 3]",
            &[],
        ),
        (
            "[sweep.axes]\noptimizer = [{ name = \"sgd\", nesterov = true, momentum = 0.9 }, { name = \"adam\" }]",
            &[],
        ),
        ("[sweep.axes]\n\"head.1.layer\" = [\"dropout\"]", &[]),
        (
            "[sweep.axes]\n\"optimizer.schedule.kind\" = [\"cosine\", \"plateau\"]",
            &[],
        ),
        (
            "",
            &[
                "dataset.name=mnist",
                "dataset.path=../a.toml",
                "backbone.weights={ experiment = \"../a.toml\" }",
            ],
        ),
        (
            "",
            &[
                "training.early_stopping.patience=3",
                "optimizer.schedule={ kind = \"plateau\" }",
            ],
        ),
        (
            "",
            &[
                "dataset.classes=[1, \"3\"]",
                "features.memory=3GiB",
                "tracking.mlflow=https://a.example/b",
                "training.device=cuda:1",
            ],
        ),
        (
            "",
            &["normalization={ scheme = \"custom\", mean = [0.5], std = [1e-7, 1, 3e5] }"],
        ),
    ] {
        let folder = Folder::new(more);
        let experiment = folder.good(set);
        let loaded = again(&experiment, &experiment.to_toml());
        assert_eq!(loaded.spec, experiment.spec, "{}", experiment.to_toml());
        assert_eq!(loaded.sweep, experiment.sweep);
        assert_eq!(loaded.runs, experiment.runs);
        for run in &experiment.runs {
            assert_eq!(again(&experiment, &run.spec.to_toml()).spec, *run.spec);
            let json: Spec = serde_json::from_str(&run.spec.to_json()).unwrap();
            assert_eq!(json, *run.spec);
        }
    }
}

#[test]
fn defaults_of_what_was_chosen_are_written_and_no_others() {
    let text = Folder::new("")
        .good(&["optimizer.name=rmsprop"])
        .spec
        .to_toml();
    for line in [
        "learning_rate = 0.001",
        "rho = 0.9",
        "momentum = 0.0",
        "epochs = 10",
        "kind = \"constant\"",
    ] {
        assert!(text.lines().any(|l| l == line), "{line}\n{text}");
    }
    assert!(
        !text.contains("beta_1") && !text.contains("factor"),
        "{text}"
    );
    assert!(text.starts_with("name = \"a\"\nseed = 0\n"), "{text}");
    assert!(
        SMALL
            .lines()
            .filter(|l| !l.is_empty())
            .all(|l| text.contains(l)),
        "{text}"
    );
}
