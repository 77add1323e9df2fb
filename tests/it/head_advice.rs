//! What a refused head is advised leads to one that is taken, whatever the head, the loss and the dataset.

use runner::model::Blueprint;
use runner::spec::{Problem, Spec, validate};
use toml::{Table, Value};

/// Layers of a head, right and wrong ones.
const LAYERS: [&str; 15] = [
    "layer = 'flatten'",
    "layer = 'global_average_pooling'",
    "layer = 'dense'\nunits = 'classes'",
    "layer = 'dense'\nunits = 'classes'\nactivation = 'softmax'",
    "layer = 'dense'\nunits = 'classes'\nactivation = 'sigmoid'",
    "layer = 'dense'\nunits = 1\nactivation = 'sigmoid'",
    "layer = 'dense'\nunits = 7\nactivation = 'relu'",
    "layer = 'dense'\nactivation = 'tanh'",
    "layer = 'batch_normalization'",
    "layer = 'batch_normalization'\nrate = 0.5",
    "layer = 'dropout'\nrate = 0.5",
    "layer = 'dropout'",
    "layer = 'activation'\nactivation = 'softmax'",
    "layer = 'activation'\nactivation = 'sigmoid'",
    "layer = 'activation'",
];

const LOSSES: [&str; 2] = ["categorical_crossentropy", "binary_crossentropy"];

/// Datasets with how many classes they have; a folder's are not known by the spec alone.
const DATASETS: [(&str, usize); 3] = [
    ("name = 'digits'", 10),
    ("name = 'digits'\nclasses = [3, 5]", 2),
    ("name = 'image_folder'\npath = 'src'", 2),
];

fn spec(head: &[Table], loss: &str, dataset: &str) -> Spec {
    let text = format!(
        "name = 'x'\n[dataset]\n{dataset}\n[backbone]\narch = 'squeezenet1_1'\nweights = 'random'\n\
         [training]\nloss = '{loss}'\n"
    );
    let mut table: Table = text.parse().unwrap();
    let head = head.iter().cloned().map(Value::Table).collect();
    table.insert("head".into(), Value::Array(head));
    Value::Table(table).try_into().unwrap()
}

/// The first thing that is wrong.
fn wrong(head: &[Table], loss: &str, (dataset, classes): (&str, usize)) -> Option<Problem> {
    let spec = spec(head, loss, dataset);
    let found = validate(&spec).into_iter().next();
    found.or_else(|| Blueprint::new(&spec, classes).err())
}

/// The assignments that stand between backticks, as one table.
fn assignments(text: &str) -> Table {
    let quoted = text.split('`').skip(1).step_by(2);
    let assignments = quoted.filter(|quoted| quoted.contains(" = "));
    assignments.collect::<Vec<_>>().join("\n").parse().unwrap()
}

/// Does what the help says.
fn follow(head: &mut Vec<Table>, problem: &Problem) {
    let help = problem
        .help
        .as_deref()
        .unwrap_or_else(|| panic!("no help: {problem}"));
    let mut key = problem.key.split('.').skip(1);
    let at = key.next().map_or(0, |at| at.parse::<usize>().unwrap());
    if help.contains("`[[head]]` with") {
        head.extend(help.split("`[[head]]`").skip(1).map(assignments));
    } else if help.starts_with("end it with ") {
        head.push(assignments(help));
    } else if help.starts_with("put ") && help.ends_with(" before it") {
        let first = help.split(" or ").next().unwrap();
        head.insert(at, assignments(first));
    } else if help == "remove this layer" {
        head.remove(at);
    } else if help.starts_with("remove `") {
        head[at].remove(key.next().unwrap());
    } else if help.starts_with("inside the head use ") {
        head[at].insert("activation".into(), "relu".into());
    } else {
        assert!(
            help.starts_with("set `") || help.starts_with("add "),
            "{problem}"
        );
        head[at].extend(assignments(help));
    }
}

fn follows_to_a_good_end(layers: &[&str], loss: &str, dataset: (&str, usize)) {
    let mut head: Vec<Table> = layers.iter().map(|layer| layer.parse().unwrap()).collect();
    let mut said = Vec::new();
    while let Some(problem) = wrong(&head, loss, dataset) {
        said.push(problem.to_string());
        assert!(
            said.len() <= 12,
            "{layers:?}, {loss}, {dataset:?}: {said:#?}"
        );
        follow(&mut head, &problem);
    }
}

#[test]
fn the_advice_given_for_a_head_is_taken() {
    for loss in LOSSES {
        for dataset in DATASETS {
            follows_to_a_good_end(&[], loss, dataset);
            for one in LAYERS {
                follows_to_a_good_end(&[one], loss, dataset);
                for two in LAYERS {
                    follows_to_a_good_end(&[one, two], loss, dataset);
                    for three in LAYERS {
                        follows_to_a_good_end(&[one, two, three], loss, dataset);
                    }
                }
            }
        }
    }
}

#[test]
fn one_sigmoid_unit_for_two_classes_is_told_what_takes_its_place() {
    let head = [
        "layer = 'global_average_pooling'",
        "layer = 'dense'\nunits = 1\nactivation = 'sigmoid'",
    ];
    let head: Vec<Table> = head.iter().map(|layer| layer.parse().unwrap()).collect();
    let folder = DATASETS[2];
    let problem = wrong(&head, "binary_crossentropy", folder).unwrap();
    assert_eq!(problem.key, "head.1.units");
    let text = problem.to_string();
    assert!(
        text.contains("ends in 1 value") && text.contains("units = \"classes\""),
        "{text}"
    );
    assert!(!text.contains("softmax"), "{text}");
}
