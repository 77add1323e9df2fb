use super::validate;
use crate::spec::Spec;

/// The keys of the problems of a small good spec with `more` after its head's end `activation`.
fn keys(head: &str, more: &str) -> Vec<String> {
    let text = format!(
        "name = \"x\"\nhead = [{head}]\n{more}\n{}{}",
        if more.contains("dataset") {
            ""
        } else {
            "[dataset]\nname = \"digits\"\n"
        },
        if more.contains("backbone") {
            ""
        } else {
            "[backbone]\narch = \"vgg11\"\n"
        },
    );
    let spec: Spec = toml::from_str(&text).unwrap_or_else(|e| panic!("{text}\n{e}"));
    validate(&spec)
        .into_iter()
        .map(|problem| problem.key)
        .collect()
}

const FLATTEN: &str = "{ layer = \"flatten\" }";
const SOFTMAX: &str = "{ layer = \"dense\", units = \"classes\", activation = \"softmax\" }";
const NONE: [&str; 0] = [];

#[test]
fn heads_that_end_in_a_value_per_class_pass() {
    let linear = "{ layer = \"dense\", units = 10 }";
    let activation = |name: &str| format!("{{ layer = \"activation\", activation = \"{name}\" }}");
    let pooled = "{ layer = \"batch_normalization\" }, { layer = \"global_average_pooling\" }";
    for (head, loss) in [
        (format!("{FLATTEN}, {SOFTMAX}"), "categorical_crossentropy"),
        (format!("{pooled}, {SOFTMAX}"), "categorical_crossentropy"),
        (
            format!("{FLATTEN}, {linear}, {}", activation("softmax")),
            "categorical_crossentropy",
        ),
        (
            format!("{FLATTEN}, {linear}, {}", activation("sigmoid")),
            "binary_crossentropy",
        ),
    ] {
        let keys = keys(&head, &format!("training = {{ loss = \"{loss}\" }}"));
        assert_eq!(keys, NONE, "{head}");
    }
}

#[test]
fn heads_that_do_not_are_refused_at_the_layer_that_is_wrong() {
    let flat = |rest: &str| format!("{FLATTEN}, {rest}");
    for (head, more, expected) in [
        (String::new(), "", &["head"][..]),
        (FLATTEN.into(), "", &["head.0"]),
        (SOFTMAX.into(), "", &["head.0"]),
        (format!("{SOFTMAX}, {FLATTEN}"), "", &["head.0", "head.1"]),
        (
            flat(&format!("{FLATTEN}, {SOFTMAX}")),
            "",
            &["head.1.layer"],
        ),
        (flat("{ layer = \"dense\" }"), "", &["head.1", "head.1"]),
        (
            flat(SOFTMAX),
            "training = { loss = \"binary_crossentropy\" }",
            &["head.1.activation"],
        ),
        (
            flat(&SOFTMAX.replace("\"classes\"", "3")),
            "",
            &["head.1.units"],
        ),
        (
            flat(&SOFTMAX.replace("layer", "name = \"flatten\", layer")),
            "",
            &["head.1.name"],
        ),
        (
            flat(&SOFTMAX.replace("layer", "name = \"a.b\", layer")),
            "",
            &["head.1.name"],
        ),
        (
            flat(SOFTMAX),
            "[backbone]\narch = \"vgg11\"\ninclude_top = true",
            &["head"],
        ),
        (
            flat(&SOFTMAX.replace("\"classes\"", "3")),
            "[dataset]\nname = \"digits\"\nclasses = [1, \"2\", 5]",
            &[],
        ),
        (
            flat(&SOFTMAX.replace("\"classes\"", "3")),
            "[dataset]\nname = \"image_folder\"\npath = \"src\"",
            &[],
        ),
    ] {
        assert_eq!(keys(&head, more), expected, "{head} {more}");
    }
    let top = "[backbone]\narch = \"vgg11\"\ninclude_top = true";
    assert_eq!(keys("", top), NONE);
    let binary = format!("training = {{ loss = \"binary_crossentropy\" }}\n{top}");
    assert_eq!(keys("", &binary), ["training.loss"]);
}

#[test]
fn settings_that_contradict_are_refused_where_they_stand() {
    let head = format!("{FLATTEN}, {SOFTMAX}");
    let two = "dataset = { name = \"digits\", classes = [0, 1] }";
    let no_validation = "dataset = { name = \"digits\", validation_split = 0 }";
    let folder = "dataset = { name = \"image_folder\", path = \"src\", validation_split = 0.0 }";
    let plateau = "optimizer = { schedule = { kind = \"plateau\" } }";
    for (more, expected) in [
        ("optimizer = { rho = 0.9, epsilon = 0.0 }".to_owned(), &["optimizer.rho", "optimizer.epsilon"][..]),
        ("optimizer = { name = \"sgd\", momentum = 1.0 }".into(), &["optimizer.momentum"]),
        ("optimizer = { beta_2 = 1.0 }".into(), &["optimizer.beta_2"]),
        ("optimizer = { learning_rate = nan }".into(), &["optimizer.learning_rate"]),
        ("optimizer = { learning_rate = inf }".into(), &["optimizer.learning_rate"]),
        ("optimizer = { weight_decay = -0.1 }".into(), &["optimizer.weight_decay"]),
        ("optimizer = { schedule = { kind = \"step\" } }".into(), &["optimizer.schedule"]),
        ("optimizer = { schedule = { step_epochs = 0 } }".into(), &["optimizer.schedule.step_epochs"; 2]),
        ("optimizer = { schedule = { minimum = 0.5 } }".into(), &["optimizer.schedule.minimum"]),
        ("optimizer = { schedule = { warmup_epochs = -1 } }".into(), &["optimizer.schedule.warmup_epochs"]),
        ("optimizer = { schedule = { kind = \"exponential\", factor = 1.5 } }".into(), &["optimizer.schedule.factor"]),
        (plateau.into(), &[]),
        (format!("{plateau}\n{no_validation}"), &["optimizer.schedule.monitor"]),
        (format!("{plateau}\n{folder}"), &[]),
        ("training = { early_stopping = { monitor = \"per_class\" }, metrics = [\"per_class\"] }".into(), &["training.early_stopping.monitor"]),
        ("training = { early_stopping = { monitor = \"loss\" } }".into(), &[]),
        ("training = { metrics = [\"accuracy\", \"accuracy\"] }".into(), &["training.metrics.1"]),
        (format!("training = {{ metrics = [\"top5_accuracy\"] }}\n{two}"), &["training.metrics.0"]),
        ("training = { label_smoothing = 1.0, batch_size = 0 }".into(), &["training.batch_size", "training.label_smoothing"]),
        ("training = { class_weights = { \"St. Bernard\" = 0.0, cat = 2 } }".into(), &["training.class_weights.\"St. Bernard\""]),
        ("training = { sampler = \"balanced\", shuffle = false }".into(), &["training.sampler"]),
        ("training = { sampler = \"balanced\", class_weights = \"balanced\" }".into(), &["training.sampler"]),
        ("training = { sampler = \"balanced\", class_weights = { cat = 2 } }".into(), &[]),
        ("training = { initial_weights = \"nowhere\" }".into(), &["training.initial_weights"]),
        ("normalization = { mean = [0.5] }".into(), &["normalization.mean"]),
        ("normalization = { scheme = \"custom\", mean = [0.5, 0.5], std = [0.5, 0, 1] }".into(), &["normalization.mean", "normalization.std.1"]),
        ("normalization = { scheme = \"custom\", mean = [0.5] }".into(), &["normalization"]),
        ("dataset = { name = \"digits\", classes = [3] }".into(), &["dataset.classes"]),
        ("dataset = { name = \"digits\", classes = [3, 10, \"3\"] }".into(), &["dataset.classes.1", "dataset.classes.2"]),
        ("dataset = { name = \"digits\", train_limit = 0, test_limit = 0 }".into(), &["dataset.train_limit", "dataset.test_limit"]),
        ("dataset = { name = \"image_folder\", path = \"Cargo.toml\" }".into(), &["dataset.path"]),
        ("backbone = { arch = \"vgg11\", input_size = 0 }".into(), &["backbone.input_size"]),
        ("backbone = { arch = \"vgg11\", weights = \"src\" }".into(), &["backbone.weights"]),
        ("backbone = { arch = \"vgg11\", weights = { experiment = \"nowhere\" } }".into(), &["backbone.weights.experiment"]),
        ("tracking = { mlflow = \"http://localhost:5000/base\" }".into(), &[]),
        ("tracking = { mlflow = \"localhost:5000\" }".into(), &["tracking.mlflow"]),
        ("tracking = { mlflow = \"sqlite:///mlflow.db\" }".into(), &["tracking.mlflow"]),
        ("tracking = { mlflow = \"https://user:word@a.example\" }".into(), &["tracking.mlflow"]),
        ("tracking = { mlflow = \"https://a.example?b\" }".into(), &["tracking.mlflow"]),
    ] {
        assert_eq!(keys(&head, &more), expected, "{more}");
    }
}

#[test]
fn names_that_cannot_be_folders_are_refused() {
    let mut spec: Spec = toml::from_str(
        "name = \"x\"\n[dataset]\nname = \"digits\"\n[backbone]\narch = \"vgg11\"\ninclude_top = true",
    )
    .unwrap();
    for (name, good) in [
        ("vgg16_ft", true),
        ("größe 2.1", true),
        ("", false),
        ("..", false),
        (".hidden", false),
        ("a/b", false),
        ("a\\b", false),
        ("-q", false),
        ("a\n", false),
        ("end.", false),
    ] {
        spec.name = name.into();
        assert_eq!(validate(&spec).is_empty(), good, "{name:?}");
    }
    spec.name = "x".repeat(101);
    assert_eq!(validate(&spec).len(), 1);
}
