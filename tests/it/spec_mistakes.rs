//! Mistakes in a spec: each gets a message with its place, what was expected, and the nearest valid name.

mod augmentation;
mod chosen;
mod data;
mod files;
mod outside;

use std::path::Path;

use runner::spec::Experiment;

use crate::common;

/// A spec without a mistake; the cases change one place in it. Line numbers count from `name`.
const GOOD: &str = r#"name = "a"

[dataset]
name = "cifar10"

[backbone]
arch = "vgg16"
weights = "random"

[freeze]
through = "block4_pool"

[[head]]
layer = "flatten"
[[head]]
layer = "dense"
units = 256
activation = "relu"
[[head]]
layer = "dropout"
rate = 0.5
[[head]]
layer = "dense"
units = "classes"
activation = "softmax"

[optimizer]
name = "adam"
learning_rate = 1e-3

[training]
epochs = 3
batch_size = 32

[sweep.axes]
"freeze.through" = ["none", "all"]
seed = [0, 1]
"#;

struct Case {
    /// What stands in the good spec, and what is put there instead.
    change: (&'static str, &'static str),
    /// Line and column of the message; 0:0 for the file as a whole.
    at: (usize, usize),
    fragments: &'static [&'static str],
}

const fn case(
    old: &'static str,
    new: &'static str,
    at: (usize, usize),
    fragments: &'static [&'static str],
) -> Case {
    Case {
        change: (old, new),
        at,
        fragments,
    }
}

#[rustfmt::skip]
const CASES: &[Case] = &[
    // Not TOML.
    case("epochs = 3", "epochs = = 3", (32, 10), &["not TOML"]),
    case("seed = [0, 1]", "seed = [0, 1", (37, 13), &["not TOML"]),
    case("batch_size = 32", "epochs = 32", (33, 1), &["not TOML", "duplicate key"]),
    // Unknown keys and names.
    case("epochs = 3", "epocs = 3", (32, 1), &["unknown key `epocs` in [training]", "did you mean `epochs`?", "valid keys: epochs, batch_size"]),
    case("[freeze]", "[frezee]", (10, 2), &["unknown key `frezee`", "did you mean `freeze`?"]),
    case("epochs = 3", "learning_rate = 1.0", (32, 1), &["unknown key `learning_rate` in [training]", "belongs in [optimizer]"]),
    case("rate = 0.5", "p = 0.5", (21, 1), &["unknown key `p` in [[head]] (`head.2`)", "valid keys: layer, name, units"]),
    case("\"cifar10\"", "\"cifar\"", (4, 8), &["`dataset.name` cannot be \"cifar\"", "did you mean \"cifar10\"?", "\"fashion_mnist\""]),
    case("\"vgg16\"", "\"vgg-16\"", (7, 8), &["did you mean \"vgg16\"?", "squeezenet1_1"]),
    case("\"dropout\"", "\"dropuot\"", (20, 9), &["`head.2.layer` cannot be \"dropuot\"", "did you mean \"dropout\"?"]),
    case("\"adam\"", "\"sdg\"", (28, 8), &["did you mean \"sgd\"?", "\"rmsprop\""]),
    case("\"vgg16\"", "16", (7, 8), &["`backbone.arch` must be one of \"vgg11\"", "not the number 16"]),
    // Wrong types.
    case("epochs = 3", "epochs = \"three\"", (32, 10), &["`training.epochs` must be a whole number", "not the text \"three\""]),
    case("epochs = 3", "epochs = 3.5", (32, 10), &["must be a whole number", "3.5"]),
    case("epochs = 3", "epochs = -3", (32, 10), &["must be a whole number, 0 or more, not the number -3"]),
    case("epochs = 3", "metrics = \"accuracy\"", (32, 11), &["`training.metrics` must be a list"]),
    case("epochs = 3", "device = \"gpu\"", (32, 10), &["unknown device \"gpu\"", "cuda:N", "did you mean \"cuda\"?"]),
    case("units = \"classes\"", "units = \"class\"", (24, 9), &["`head.3.units` must be a number of outputs or \"classes\"", "did you mean \"classes\"?"]),
    case("epochs = 3", "epochs = 2024-01-01", (32, 10), &["cannot be a date"]),
    // Missing.
    case("[dataset]\nname = \"cifar10\"", "\n", (0, 0), &["the table [dataset] is missing", "name = \"cifar10\""]),
    case("name = \"cifar10\"", "", (3, 2), &["the key `name` is missing in [dataset]", "name = \"cifar10\""]),
    case("[sweep.axes]", "[[stage]]\nepochs = 2\n[sweep.axes]", (35, 1), &["the key `name` is missing in [[stage]] (`stage.0`)", "name = \"head\""]),
    case("layer = \"dropout\"", "", (19, 1), &["the key `layer` is missing in [[head]] (`head.2`)"]),
    case("layer = \"dropout\"\nrate = 0.5", "layer = \"dropout\"\n", (19, 1), &["a dropout layer needs `rate`"]),
    // Out of range.
    case("epochs = 3", "epochs = 0", (32, 10), &["`training.epochs` must be at least 1"]),
    case("[freeze]", "[tracking]\nmlflow = \"localhost:5000\"\n[freeze]", (11, 10), &["`tracking.mlflow` must be an http:// or https:// address", "mlflow = \"http://localhost:5000\""]),
    case("rate = 0.5", "rate = 1.5", (21, 8), &["`head.2.rate` must be at least 0 and less than 1, not 1.5"]),
    case("1e-3", "-1e-3", (29, 17), &["`optimizer.learning_rate` must be a finite number greater than 0"]),
    case("name = \"cifar10\"", "name = \"cifar10\"\nvalidation_split = 1.0", (5, 20), &["less than 1"]),
    case("name = \"a\"", "name = \"a/b\"", (1, 8), &["names a folder"]),
    // Contradictions.
    case("\"adam\"", "\"adam\"\nnesterov = true", (29, 12), &["`nesterov` is no option of adam; it belongs to sgd"]),
    case("\"adam\"", "\"sgd\"\nnesterov = true", (29, 12), &["`nesterov` needs a momentum"]),
    case("units = 256", "units = 256\nrate = 0.5", (18, 8), &["`rate` is no option of dense; it belongs to dropout"]),
    case("epochs = 3", "epochs = 3\nearly_stopping = { monitor = \"val_acc\" }", (33, 30), &["not recorded", "did you mean \"val_accuracy\"?"]),
    case("name = \"cifar10\"", "name = \"cifar10\"\nvalidation_split = 0.0\n[training.early_stopping]\npatience = 1", (6, 11), &["watches \"val_loss\"", "no validation images"]),
    case("name = \"cifar10\"", "name = \"cifar10\"\nclasses = [\"cat\", \"dgo\"]", (5, 19), &["cifar10 has no class \"dgo\"", "did you mean \"dog\"?"]),
    case("name = \"cifar10\"", "name = \"cifar10\"\non_bad_image = \"skipp\"", (5, 16), &["`dataset.on_bad_image` cannot be \"skipp\"", "did you mean \"skip\"?", "\"error\""]),
    case("name = \"cifar10\"", "name = \"cifar10\"\non_bad_image = true", (5, 16), &["`dataset.on_bad_image` must be one of \"error\", \"skip\", not true"]),
    case("name = \"cifar10\"", "name = \"cifar10\"\non_bad_images = \"skip\"", (5, 1), &["unknown key `on_bad_images` in [dataset]", "did you mean `on_bad_image`?"]),
    case("name = \"cifar10\"", "name = \"cifar10\"\nclasses = [\"cat\", 3]", (5, 19), &["named twice"]),
    case("name = \"cifar10\"", "name = \"cifar10\"\npath = \"nowhere\"", (5, 8), &["nowhere does not exist"]),
    case("\"cifar10\"", "\"digits\"\npath = \".\"", (5, 8), &["the digits are built in", "remove `path`"]),
    case("name = \"cifar10\"", "name = \"cifar10\"\ntest_split = 0.1", (5, 14), &["`dataset.test_split` is for datasets without a test part; cifar10 has its own"]),
    case("\"cifar10\"", "\"image_folder\"", (3, 2), &["an image_folder needs `dataset.path`"]),
    case("weights = \"random\"", "weights = \"imagnet\"", (8, 11), &["imagnet does not exist", "\"imagenet\""]),
    // The head.
    case("layer = \"flatten\"", "layer = \"activation\"\nactivation = \"relu\"", (16, 1), &["a dense layer needs a vector", "flatten"]),
    case("layer = \"dropout\"\nrate = 0.5", "layer = \"flatten\"", (20, 9), &["already a vector"]),
    case("activation = \"softmax\"", "", (22, 1), &["must end in softmax, not linear"]),
    case("activation = \"softmax\"", "activation = \"sigmoid\"", (25, 14), &["must end in softmax, not sigmoid"]),
    case("activation = \"relu\"", "activation = \"softmax\"", (18, 14), &["softmax can only be the end"]),
    case("units = \"classes\"", "units = 9", (24, 9), &["ends in 9 values", "10 classes of cifar10"]),
    case("activation = \"softmax\"", "activation = \"softmax\"\n[[head]]\nlayer = \"batch_normalization\"", (26, 1), &["does not end in a value per class"]),
    // The sweep.
    case("\"freeze.through\" =", "\"freeze.trough\" =", (36, 1), &["the axis \"freeze.trough\" is not a key", "did you mean \"freeze.through\"?"]),
    case("seed = [0, 1]", "seed = [0, -1]", (37, 12), &["`seed` must be a whole number"]),
    case("seed = [0, 1]", "seed = [0, 1, 0]", (37, 15), &["the value 0 twice"]),
    case("seed = [0, 1]", "seed = []", (37, 8), &["has no values"]),
    case("seed = [0, 1]", "seed = 3", (37, 8), &["`sweep.axes.seed` must be a list"]),
    case("seed = [0, 1]", "\"training.epochs\" = [1, 0]", (37, 25), &["`training.epochs` must be at least 1"]),
    case("seed = [0, 1]", "name = [\"a\", \"b\"]", (37, 1), &["cannot be an axis"]),
    case("seed = [0, 1]", "freeze = [{ through = \"none\" }]", (37, 1), &["set the same key"]),
    case("seed = [0, 1]", "\"head.7.rate\" = [0.1]", (37, 1), &["`head` has no element 7", "0 to 3"]),
    case("seed = [0, 1]", "\"training.batch_size\" = [32.0]", (37, 26), &["must be a whole number"]),
    case("[sweep.axes]", "[sweep]\nsamples = 3\n[sweep.axes]", (36, 11), &["`samples` is no option of the grid"]),
    case("[sweep.axes]", "[sweep]\nstrategy = \"random\"\nsamples = 5\n[sweep.axes]", (37, 11), &["only 4 different points"]),
];

/// What the binary says of a spec that is wrong; it ends with status 2 and leaves nothing behind.
fn message(path: &Path, overrides: &[&str], variables: &[(&str, &str)]) -> String {
    let folder = path.parent().unwrap();
    let mut command = common::runner(folder);
    command.arg(path).envs(variables.iter().copied());
    for set in overrides {
        command.args(["--set", set]);
    }
    let output = command.assert().code(2).get_output().clone();
    assert!(
        !folder.join("results").exists(),
        "{} was started",
        path.display()
    );
    String::from_utf8(output.stderr).unwrap()
}

fn written(folder: &Path, text: &str) -> std::path::PathBuf {
    let path = folder.join("a.toml");
    std::fs::write(&path, text).unwrap();
    path
}

/// A good spec that is quickly looked at.
const DIGITS: &str = r#"
[dataset]
name = "digits"
[backbone]
arch = "squeezenet1_1"
weights = "random"
[[head]]
layer = "global_average_pooling"
[[head]]
layer = "dense"
units = "classes"
activation = "softmax"
"#;

/// What `check` says of a spec with variables and flags, and its status.
fn checked(path: &Path, overrides: &[&str], variables: &[(&str, &str)]) -> (String, i32) {
    let mut command = common::runner(path.parent().unwrap());
    command
        .arg("check")
        .arg(path)
        .envs(variables.iter().copied());
    for set in overrides {
        command.args(["--set", set]);
    }
    let output = command.output().unwrap();
    (common::said(&output), output.status.code().unwrap())
}

#[test]
fn the_spec_without_mistakes_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), GOOD);
    let experiment = Experiment::load_with(&path, &[], [], folder.path());
    assert_eq!(experiment.unwrap_or_else(|e| panic!("{e}")).runs.len(), 4);
}

#[test]
fn every_mistake_is_shown_at_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for Case {
        change: (old, new),
        at: (line, column),
        fragments,
    } in CASES
    {
        assert!(GOOD.contains(old), "{old}");
        let path = written(folder.path(), &GOOD.replacen(old, new, 1));
        let text = message(&path, &[], &[]);
        let place = match line {
            0 => format!("--> {}\n", path.display()),
            _ => format!("--> {}:{line}:{column}\n", path.display()),
        };
        let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let is_there = |fragment: &&str| one_line.contains(*fragment);
        if !text.contains(&place) || !fragments.iter().all(is_there) {
            wrong.push(format!(
                "{old} -> {new}\nexpected {place}{fragments:?}\n{text}\n"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn mistakes_from_outside_name_the_variable_or_the_flag() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), GOOD);
    for (flag, fragments) in [
        (
            "training.epocs=3",
            &["unknown key `epocs`", "did you mean `epochs`?"][..],
        ),
        (
            "training.epochs=three",
            &["must be a whole number", "the text \"three\""],
        ),
        ("training.epochs", &["KEY=VALUE"]),
        ("training..epochs=3", &["a key cannot begin with"]),
        ("head.9.rate=0.5", &["`head` has no element 9", "0 to 3"]),
        ("head.rate=0.5", &["`head` is a list", "`head.0`"]),
        (
            "head.2.rate=2",
            &["`head.2.rate` must be at least 0 and less than 1"],
        ),
        (
            "seed=5",
            &["no effect: `seed` is an axis", "sweep.axes.\"seed\""],
        ),
        ("extends=b.toml", &["can only stand in a file"]),
        (
            "sweep.axes.\"freeze.trough\"=[1]",
            &["did you mean \"freeze.through\"?"],
        ),
    ] {
        let text = message(&path, &[flag], &[]);
        assert!(text.contains(&format!("--> --set {flag}\n")), "{text}");
        assert!(
            fragments.iter().all(|f| text.contains(f)),
            "{fragments:?}\n{text}"
        );
    }
    for (name, value, fragment) in [
        (
            "RUNNER_TRAINING__EPOCHS",
            "many",
            "`training.epochs` must be a whole number",
        ),
        (
            "RUNNER_TRAINNG__EPOCHS",
            "3",
            "unknown key `trainng` at the top",
        ),
        ("RUNNER_TRAINING__EPOCHS", " ", "is empty"),
        (
            "RUNNER_HEAD__2__RATE",
            "x",
            "`head.2.rate` must be a number",
        ),
    ] {
        let text = message(&path, &[], &[(name, value)]);
        assert!(
            text.contains(&format!("--> environment variable {name}\n")),
            "{text}"
        );
        assert!(text.contains(fragment), "{text}");
    }
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let text = GOOD
        .replace("epochs = 3", "epochs = 0")
        .replace("rate = 0.5", "rate = 2");
    let path = written(
        folder.path(),
        &text.replace("\"freeze.through\" =", "\"dataset.train_limit\" ="),
    );
    let shown = message(&path, &[], &[]);
    assert_eq!(shown.matches("error:").count(), 2, "{shown}");
    let text = text.replace("units = 256", "units = 2\nrate = 0.5");
    let shown = message(&written(folder.path(), &text), &[], &[]);
    let order: Vec<_> = shown.lines().filter(|l| l.starts_with("error")).collect();
    assert_eq!(order.len(), 3, "{shown}");
}
