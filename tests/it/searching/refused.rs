//! What cannot be searched.

use super::{BASE, HALVING, spec};
use crate::common::{runner, said, write};

fn refused(sweep: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "e.toml", &spec(sweep));
    let output = runner(folder.path()).arg("e.toml").output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{sweep}: {}", said(&output));
    assert!(!folder.path().join("results").exists());
    said(&output)
}

#[test]
fn what_cannot_be_searched_is_refused_before_anything_is_trained() {
    let range = |range: &str| {
        format!(
            "[sweep]\nstrategy = \"random\"\nsamples = 2\n[sweep.axes]\n\"optimizer.learning_rate\" = {range}\n"
        )
    };
    for (sweep, parts) in [
        (
            range("{ min = 0.1, max = 0.01 }"),
            &["max", "greater than `min`, 0.1"][..],
        ),
        (
            range("{ min = 0, max = 1, scale = \"log\" }"),
            &["begins above 0"],
        ),
        (range("{ min = 0.1 }"), &["max"]),
        (
            range("{ min = 0.1, max = 1, scale = \"logarithmic\" }"),
            &["linear", "log"],
        ),
        (range("{ min = 0.1, max = nan }"), &["finite"]),
        (
            range("{ min = -1.0, max = 1.0 }"),
            &["optimizer.learning_rate", "greater than 0"],
        ),
        (
            range("{ min = 0.1, max = 1 }").replace("optimizer.learning_rate", "optimizer.name"),
            &["no numbers"],
        ),
        (
            range("{ min = 0.5, max = 8 }")
                .replace("optimizer.learning_rate", "training.batch_size"),
            &["whole numbers", "0.5"],
        ),
        (
            range("{ min = 0.1, max = 1 }")
                .replace("random", "grid")
                .replace("samples = 2\n", ""),
            &["every point of a range"],
        ),
        (
            range("{ min = 0.1, max = 1 }").replace("random\"\nsamples = 2", "halving\""),
            &["every point of a range", "samples"],
        ),
        (
            range("{ min = 0.1, max = 1 }")
                .replace("random", "tpe")
                .replace("samples = 2\n", ""),
            &["needs `samples`"],
        ),
        (
            HALVING.replace("seed = [0, 1]", "\"training.epochs\" = [3, 9]"),
            &["after the same epochs"],
        ),
        (
            HALVING.replace("metric = \"val_loss\"", "min_epochs = 9"),
            &["min_epochs", "one round"],
        ),
        (
            range("{ min = 1, max = 2 }")
                .replace("optimizer.learning_rate", "training.batch_size")
                .replace("samples = 2", "samples = 3"),
            &["samples", "only 2 different points"],
        ),
        (
            "[sweep]\nstrategy = \"tpe\"\nsamples = 3\nstartup = 1\n[sweep.axes]\n\"backbone.arch\" = [\"squeezenet1_1\", \
             \"resnet18\"]\n\"freeze.through\" = [\"fire5\", \"fire7\"]\n"
                .to_owned(),
            &["resnet18", "fire5"],
        ),
        (
            HALVING.replace("val_loss", "val_losses"),
            &["sweep.metric", "did you mean \"val_loss\"?"],
        ),
    ] {
        let text = refused(&sweep);
        for part in parts {
            assert!(text.contains(part), "{sweep}\n{text}");
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let no_validation =
        spec(HALVING).replace("test_limit = 20", "test_limit = 20\nvalidation_split = 0.0");
    write(folder.path(), "e.toml", &no_validation);
    let output = runner(folder.path()).arg("e.toml").output().unwrap();
    assert!(
        said(&output).contains("`sweep.metric` watches \"val_loss\""),
        "{}",
        said(&output)
    );
}

#[test]
fn an_experiment_that_builds_on_a_search_is_refused_and_so_is_its_submission() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "e.toml", &spec(HALVING));
    let above = BASE.replace(
        "weights = \"random\"",
        "weights = { experiment = \"e.toml\" }",
    );
    write(folder.path(), "above.toml", &above);
    let output = runner(folder.path()).arg("above.toml").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said(&output).contains("results decide"),
        "{}",
        said(&output)
    );
    let output = runner(folder.path())
        .args(["submit", "e.toml", "--print"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said(&output).contains("they share one search"),
        "{}",
        said(&output)
    );
}
